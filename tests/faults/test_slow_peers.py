"""Five hundred slow peers (T14, S37): they are closed, and others hardly notice."""

import os
import shutil
import socket
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import httpx
import pytest

from gateway.services.demo import Demo
from tests.servers import LiveServer, serving
from tests.transport.sockets import until_closed

PEERS: Final = int(os.environ.get("FAULT_PEERS", "500"))
REQUESTS: Final = int(os.environ.get("FAULT_REQUESTS", "400"))
HEAD_SECONDS: Final = 8
_BEGUN: Final = (
    b"",
    b"GET /livez HTTP/1.1\r\nHost: local",
    b"POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{",
)


@pytest.fixture
def server(template: tuple[Path, Demo], tmp_path: Path) -> Iterator[LiveServer]:
    """A server that lets one address hold all these connections, as a thousand addresses could."""
    folder = shutil.copytree(template[0], tmp_path / "data")
    chosen = {
        "CONNECTIONS_PER_PEER": "0",
        "HEAD_SECONDS": str(HEAD_SECONDS),
        "BODY_SECONDS": str(HEAD_SECONDS),
    }
    with serving(folder, template[1], **chosen) as started:
        yield started


@contextmanager
def _slow_peers(url: str) -> Iterator[list[socket.socket]]:
    address = urlsplit(url)
    with ExitStack() as stack:
        peers = []
        for number in range(PEERS):
            peer = socket.create_connection((address.hostname, address.port), timeout=60)
            peers.append(stack.enter_context(peer))
            peer.sendall(_BEGUN[number % len(_BEGUN)])
        yield peers


def _p99(server: LiveServer) -> float:
    """Return the milliseconds that 99 of 100 answers stay below."""
    headers = {"Authorization": f"Bearer {server.demo['token']}"}
    path, spent = f"/job/{server.demo['job_id']}/secret", []
    with httpx.Client(base_url=server.url, headers=headers) as client:
        for _ in range(REQUESTS):
            begun = time.perf_counter()
            assert client.get(path).status_code == 200
            spent.append((time.perf_counter() - begun) * 1000)
    return statistics.quantiles(spent, n=100)[98]


def test_slow_peers_are_closed_and_others_do_not_notice(
    server: LiveServer, capsys: pytest.CaptureFixture[str]
) -> None:
    """T14, S37."""
    _p99(server)  # Warm.
    before = _p99(server)
    with _slow_peers(server.url) as peers:
        during = _p99(server)
        for peer in peers:
            until_closed(peer)
    with capsys.disabled():
        sys.stdout.write(f"\n{PEERS} slow peers: p99 {before:.1f} ms before, {during:.1f} beside\n")

    assert during < 2 * before
