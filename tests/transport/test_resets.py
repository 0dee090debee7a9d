"""Peers that reset their connection: nothing of it is left behind, and nothing in the log."""

import select
import shutil
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from struct import pack
from typing import Final

import pytest

from gateway.services.demo import Demo
from tests.forking import PROGRAM
from tests.patience import PATIENCE
from tests.servers import LiveServer, serving
from tests.transport.loosened import without
from tests.transport.sockets import connected, statuses, until_closed

PEERS: Final = 10
LIVE: Final = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"
HALF_A_BODY: Final = b"POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{"
UPGRADE: Final = (
    b"GET /graphql HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
SENT: Final = {
    "an answer unread": LIVE,
    "half a head": LIVE + b"GET /livez HT",
    "half a body": LIVE + HALF_A_BODY,
    "a refused request": LIVE + b"nonsense\r\n\r\n",
    "a socket behind a request": LIVE + UPGRADE,
    "a socket": UPGRADE,
}


@contextmanager
def _hasty(
    template: tuple[Path, Demo], folder: Path, program: Sequence[str] = PROGRAM
) -> Iterator[LiveServer]:
    """Run a server whose timers are short."""
    data_dir = shutil.copytree(template[0], folder / "data")
    chosen = {"HEAD_SECONDS": "0.3", "BODY_SECONDS": "0.6", "KEEP_ALIVE_SECONDS": "0.3"}
    with serving(data_dir, template[1], program=program, **chosen) as server:
        yield server


def _reset(server: LiveServer, sent: bytes) -> None:
    """Ask, let the answer come, and reset the connection with it unread."""
    with connected(server.url) as opened:
        opened.sendall(sent)
        assert select.select([opened], [], [], PATIENCE)[0]
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, pack("ii", 1, 0))


def _let_timers_end(server: LiveServer) -> None:
    """Wait for timers that begin now, of each kind, one after the other, and once more."""
    for _ in range(2):
        for sent in (LIVE, HALF_A_BODY):
            with connected(server.url) as opened:
                opened.sendall(sent)
                until_closed(opened)


@pytest.fixture(scope="module")
def hasty(
    template: tuple[Path, Demo], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LiveServer]:
    """A server whose timers are short."""
    with _hasty(template, tmp_path_factory.mktemp("hasty")) as server:
        yield server


@pytest.mark.parametrize("sent", SENT.values(), ids=SENT.keys())
def test_a_reset_leaves_no_timer_behind(hasty: LiveServer, sent: bytes) -> None:
    before = len(hasty.logged)

    for _ in range(PEERS):
        _reset(hasty, sent)
    _let_timers_end(hasty)

    logged = hasty.logged[before:]
    assert "Traceback" not in logged
    assert "unexpected" not in logged


def test_a_timer_that_is_left_behind_shows_in_the_log(
    template: tuple[Path, Demo], tmp_path: Path
) -> None:
    """The control of the test above."""
    with _hasty(template, tmp_path, without("timers")) as server:
        for _ in range(PEERS):
            _reset(server, LIVE)
        _let_timers_end(server)

        assert "negative file descriptor" in server.logged


def test_a_socket_behind_an_answer_that_is_still_to_come_is_refused(hasty: LiveServer) -> None:
    """The answer would be written between the frames of the socket."""
    with connected(hasty.url) as opened:
        opened.sendall(LIVE + UPGRADE)

        assert statuses(until_closed(opened)) == [200, 400]
