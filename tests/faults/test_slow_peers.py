"""Five hundred slow peers: they are closed, and others hardly notice."""

import os
import shutil
import socket
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import httpx
import pytest

from gateway.services.demo import Demo
from tests.patience import PATIENCE
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


@contextmanager
def _serving(template: tuple[Path, Demo], folder: Path) -> Iterator[LiveServer]:
    """Run a server where one address can hold all these connections, as a thousand could."""
    folder = shutil.copytree(template[0], folder / "data")
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
            peer = socket.create_connection((address.hostname, address.port), timeout=PATIENCE)
            peers.append(stack.enter_context(peer))
            peer.sendall(_BEGUN[number % len(_BEGUN)])
        yield peers


def _p99s(servers: Sequence[LiveServer]) -> list[float]:
    """Return the milliseconds that 99 of 100 answers stay below, of each server.

    They are asked in turn, so what else the machine does delays all of them alike.
    """
    spent: list[list[float]] = [[] for _ in servers]
    with ExitStack() as stack:
        clients = [stack.enter_context(_client(server)) for server in servers]
        for _ in range(REQUESTS):
            for server, client, times in zip(servers, clients, spent, strict=True):
                begun = time.perf_counter()
                assert client.get(f"/job/{server.demo['job_id']}/secret").status_code == 200
                times.append((time.perf_counter() - begun) * 1000)
    return [statistics.quantiles(times, n=100)[98] for times in spent]


def _client(server: LiveServer) -> httpx.Client:
    headers = {"Authorization": f"Bearer {server.demo['token']}"}
    return httpx.Client(base_url=server.url, headers=headers, timeout=PATIENCE)


@pytest.mark.rule("S37")
def test_slow_peers_are_closed_and_others_do_not_notice(
    template: tuple[Path, Demo], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Compared with a server that has no such peers."""
    with (
        _serving(template, tmp_path / "calm") as calm,
        _serving(template, tmp_path / "server") as server,
    ):
        _p99s([calm, server])  # Warm.
        with _slow_peers(server.url) as peers:
            before, during = _p99s([calm, server])
            for peer in peers:
                until_closed(peer)
    with capsys.disabled():
        sys.stdout.write(
            f"\n{PEERS} slow peers: p99 {before:.1f} ms without, {during:.1f} beside\n"
        )

    assert during < 2 * before
