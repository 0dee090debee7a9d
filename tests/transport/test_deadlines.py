"""Peers that are slow, silent or many. The deadlines are short here, by the settings."""

import select
import shutil
import socket
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Final

import pytest

from gateway.services.demo import Demo
from tests.patience import PATIENCE, wait_until
from tests.servers import LiveServer, serving, serving_measured
from tests.transport.sockets import answer, connected, statuses, until_closed

MAX: Final = 5
LIVE: Final = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"
HEAD: Final = b"POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"


@pytest.fixture(scope="module")
def hasty(
    template: tuple[Path, Demo], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LiveServer]:
    """A server that waits for nobody."""
    folder = tmp_path_factory.mktemp("hasty") / "data"
    shutil.copytree(template[0], folder)
    chosen = {
        "HEAD_SECONDS": "0.3",
        "BODY_SECONDS": "0.6",
        "KEEP_ALIVE_SECONDS": "0.3",
    }
    with serving_measured(folder, template[1], **chosen) as server:
        yield server


@pytest.fixture
def counting(template: tuple[Path, Demo], data_dir: Path) -> Iterator[LiveServer]:
    """A server that lets an address hold a few connections, for as long as it likes."""
    with serving(data_dir, template[1], CONNECTIONS_PER_PEER=str(MAX)) as server:
        yield server


def _authorized(server: LiveServer) -> bytes:
    return HEAD + f"Authorization: Bearer {server.demo['token']}\r\n".encode()


SLOW: Final = {
    "silent": (b"", []),
    "only line ends": (b"\r\n\r\n", []),
    "half a line": (b"GET /li", [408]),
    "half a head": (b"GET /livez HTTP/1.1\r\nHost: local", [408]),
    "a second request that does not end": (LIVE + b"GET /livez HT", [200, 408]),
    "silent after a request and a line end": (LIVE + b"\r\n", [200]),
}


@pytest.mark.rule("S37")
@pytest.mark.parametrize(("sent", "expected"), SLOW.values(), ids=SLOW.keys())
def test_a_head_that_does_not_come_ends_the_connection(
    hasty: LiveServer, sent: bytes, expected: list[int]
) -> None:
    """Reading runs into a timeout unless the server closes."""
    with connected(hasty.url) as opened:
        opened.sendall(sent)

        assert statuses(until_closed(opened)) == expected


BODIES: Final = {
    "a length, and nothing": b"Content-Length: 100\r\n\r\n",
    "a length, and a part": b'Content-Length: 100\r\n\r\n{"query": ',
    "chunks that do not end": b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
}


@pytest.mark.rule("S37")
@pytest.mark.parametrize("sent", BODIES.values(), ids=BODIES.keys())
def test_a_body_that_does_not_come_ends_the_connection(hasty: LiveServer, sent: bytes) -> None:
    with connected(hasty.url) as opened:
        opened.sendall(_authorized(hasty) + sent)

        assert statuses(until_closed(opened)) == [408]


@pytest.mark.rule("S37")
def test_a_refused_request_whose_body_does_not_come_ends_too(hasty: LiveServer) -> None:
    """The answer was given before."""
    with connected(hasty.url) as opened:
        opened.sendall(HEAD + b"Content-Length: 100\r\n\r\nabc")

        assert statuses(until_closed(opened)) == [401]


def _is_readable(opened: socket.socket, *, within: float = 0) -> bool:
    return bool(select.select([opened], [], [], within)[0])


@pytest.mark.rule("S37")
def test_bytes_that_trickle_buy_no_time(hasty: LiveServer) -> None:
    """One who sends a byte now and then ends no later than one who began later."""
    head = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n"
    with connected(hasty.url) as trickling, connected(hasty.url) as silent:
        trickling.sendall(LIVE + head)
        # The answer to the first request says that the second one has begun.
        assert b"200 OK" in answer(trickling)
        silent.sendall(head)
        while not _is_readable(silent, within=0.05):
            # It may have ended meanwhile.
            with suppress(OSError):
                trickling.sendall(b"X")

        assert _is_readable(trickling)
        assert statuses(until_closed(trickling)) == [408]
        assert statuses(until_closed(silent)) == [408]


def _received(opened: socket.socket) -> bytes:
    with suppress(ConnectionResetError):
        return opened.recv(1_000)
    return b""


def _is_answered(url: str) -> bool:
    with connected(url) as opened:
        opened.sendall(LIVE)
        return b"200 OK" in _received(opened)


@pytest.mark.rule("S37")
def test_no_more_connections_than_the_peer_may_have(counting: LiveServer) -> None:
    """And whoever's end may open others."""
    with ExitStack() as stack:
        # A stock server would answer all of them.
        held = [stack.enter_context(connected(counting.url)) for _ in range(MAX)]
        for opened in held:
            opened.sendall(LIVE)
            assert b"200 OK" in answer(opened)
        one_more = stack.enter_context(connected(counting.url))

        assert until_closed(one_more) == b""

    wait_until(lambda: _is_answered(counting.url))


@pytest.mark.rule("S37")
def test_a_connection_without_requests_is_closed_after_its_own_time(
    hasty: LiveServer, live_server: LiveServer
) -> None:
    """The control is a server that waits longer for the next request."""
    with connected(live_server.url) as kept, connected(hasty.url) as closed:
        kept.sendall(LIVE)
        assert b"200 OK" in answer(kept)
        closed.sendall(LIVE)

        assert statuses(until_closed(closed)) == [200]
        assert not _is_readable(kept)
        kept.sendall(LIVE)
        assert b"200 OK" in answer(kept)


@pytest.mark.rule("S37")
def test_an_answer_that_is_not_taken_ends_the_connection(hasty: LiveServer) -> None:
    """The peer asks much and reads nothing."""
    request = b"GET /openapi.json HTTP/1.1\r\n" + HEAD.partition(b"\r\n")[2]
    token = f"Authorization: Bearer {hasty.demo['token']}\r\n\r\n".encode()
    with connected(hasty.url) as opened:
        end = select.poll()
        end.register(opened, select.POLLHUP)
        opened.sendall((request + token) * 400)

        assert end.poll(PATIENCE * 1_000)
    # Whoever is asked next can only be served when the end of the connection was handled.
    with connected(hasty.url) as opened:
        opened.sendall(LIVE)
        assert b"200 OK" in answer(opened)
    assert "Traceback" not in hasty.logged


@pytest.mark.rule("S37")
def test_a_request_in_time_is_answered(live_server: LiveServer) -> None:
    """The control; a part now and a part then is no fault."""
    with connected(live_server.url) as opened:
        for part in (LIVE[:10], LIVE[10:30], LIVE[30:]):
            opened.sendall(part)

        assert b"200 OK" in answer(opened)
