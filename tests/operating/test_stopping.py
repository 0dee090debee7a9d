"""A server that is told to stop does so in time, and loses nothing of what it began."""

import json
import signal
import socket
import sqlite3
import sys
import threading
import time
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Final

import httpx
import pytest

from gateway.services.demo import Demo
from tests.patience import PATIENCE, wait_until
from tests.servers import LiveServer, Process, serving, serving_measured
from tests.transport.loosened import without
from tests.transport.sockets import connected, statuses, until_closed

# Seconds. S73 says 8, for a machine that does nothing else; a stock server waits for ten minutes.
MAX_SECONDS: Final = 20
POST: Final = b"POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
HANDSHAKE: Final = (
    b"GET /graphql HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
)
CREATE: Final = "INSERTED_WHILE_STOPPING"


def _patience(seconds: int = 600) -> dict[str, str]:
    """Return the settings of a server that would wait for peers for so long."""
    return dict.fromkeys(("HEAD_SECONDS", "BODY_SECONDS", "KEEP_ALIVE_SECONDS"), f"{seconds}")


def _headers(server: LiveServer) -> bytes:
    return POST + f"Authorization: Bearer {server.demo['token']}\r\n".encode()


def _stop(server: LiveServer) -> Process:
    assert server.process is not None
    server.process.terminate()
    return server.process


def _stopped(server: LiveServer) -> tuple[int, float]:
    """Stop the server; return its status and how long that took."""
    begun = time.monotonic()
    return _stop(server).wait(MAX_SECONDS), time.monotonic() - begun


def _ensure_checkpointed(folder: Path) -> None:
    """Compare the last checkpoint with the head of the log."""
    lines = (folder / "audit-anchors.jsonl").read_text().splitlines()
    with closing(sqlite3.connect(folder / "secrets.db")) as connection:
        ((head,),) = connection.execute("SELECT max(seq) FROM audit_event").fetchall()
    assert json.loads(lines[-1])["seq"] == head


def _half_sent(server: LiveServer, stack: ExitStack) -> list[socket.socket]:
    sent = (
        _headers(server) + b"Content-Length: 100\r\n\r\n{",
        _headers(server) + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
    )
    opened = [stack.enter_context(connected(server.url)) for _ in sent]
    for peer, part in zip(opened, sent, strict=True):
        peer.sendall(part)
    return opened


def _obstinate(server: LiveServer, stack: ExitStack) -> None:
    """Open connections of each kind that end neither by themselves nor by being read."""
    token = f"Authorization: Bearer {server.demo['token']}\r\n".encode()
    lists = b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n" + token + b"\r\n"
    stream = json.dumps({"query": "subscription { __typename }"}).encode()
    for sent in (
        b"",
        b"GET /livez HTTP/1.1\r\nHost: local",
        lists * 400,
        HANDSHAKE,
        _headers(server)
        + f"Accept: text/event-stream\r\nContent-Length: {len(stream)}\r\n\r\n".encode()
        + stream,
    ):
        stack.enter_context(connected(server.url)).sendall(sent)


def _write_something(server: LiveServer, key: str) -> int:
    headers = {"Authorization": f"Bearer {server.demo['token']}"}
    path = f"{server.url}/job/{server.demo['job_id']}/secret"
    body = {"key": key, "value": "x"}
    return httpx.post(path, json=body, headers=headers, timeout=PATIENCE).status_code


@pytest.mark.rule("S73")
def test_a_server_stops_in_time_whatever_its_peers_do(
    template: tuple[Path, Demo], data_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    patient = serving_measured(data_dir, template[1], **_patience())
    with patient as server, ExitStack() as stack:
        assert _write_something(server, "BEFORE") == 201
        half_sent = _half_sent(server, stack)
        _obstinate(server, stack)
        # The server has seen all of it when it has answered what came last.
        assert httpx.get(f"{server.url}/readyz", timeout=PATIENCE).is_success
        status, seconds = _stopped(server)
        answers = [statuses(until_closed(opened)) for opened in half_sent]
        logged = server.logged
    with capsys.disabled():
        sys.stdout.write(f"\nstopped in {seconds:.1f} s\n")

    assert status == -signal.SIGTERM
    assert answers == [[503], [503]]
    assert "Traceback" not in logged
    _ensure_checkpointed(data_dir)


def test_a_server_that_waits_for_half_sent_bodies_stops_late(
    template: tuple[Path, Demo], data_dir: Path
) -> None:
    """The control of the test above: it waits for as long as a body may take."""
    patient = serving(data_dir, template[1], program=without("shutdown"), **_patience(5))
    with patient as server, ExitStack() as stack:
        half_sent = _half_sent(server, stack)
        assert httpx.get(f"{server.url}/readyz", timeout=PATIENCE).is_success
        _, seconds = _stopped(server)
        answers = [statuses(until_closed(opened)) for opened in half_sent]

    assert seconds > 4
    assert answers == [[408], [408]]


@pytest.mark.rule("S73")
def test_a_write_that_was_begun_comes_to_its_end(
    template: tuple[Path, Demo], data_dir: Path
) -> None:
    answers: list[int] = []
    with serving(data_dir, template[1], **_patience()) as server:
        with closing(sqlite3.connect(data_dir / "secrets.db", timeout=PATIENCE)) as blocking:
            blocking.execute("BEGIN IMMEDIATE")
            writing = threading.Thread(
                target=lambda: answers.append(_write_something(server, CREATE))
            )
            writing.start()
            _wait_for_readers_after(server)
            process = _stop(server)
            _wait_until_refused(server)
            blocking.rollback()
        status = process.wait(PATIENCE)
        writing.join(PATIENCE)

    assert (answers, status) == ([201], -signal.SIGTERM)
    _ensure_checkpointed(data_dir)


def _wait_for_readers_after(server: LiveServer) -> None:
    """Let requests that came later be answered, so that the one before waits for the writer."""
    headers = {"Authorization": f"Bearer {server.demo['token']}"}
    with httpx.Client(base_url=server.url, headers=headers, timeout=PATIENCE) as client:
        for _ in range(10):
            assert client.get(f"/job/{server.demo['job_id']}/secret").is_success


def _wait_until_refused(server: LiveServer) -> None:
    """Wait until the server takes no new connections."""

    def is_refused() -> bool:
        try:
            with connected(server.url):
                return False
        except ConnectionError:
            return True

    wait_until(is_refused)
