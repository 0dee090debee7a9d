"""Peers that are slow, silent or many (S37). The deadlines are short here, by the settings."""

import select
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import pytest

from gateway.services.demo import Demo
from tests.servers import LiveServer, serving
from tests.transport.sockets import connected, statuses, until_closed

MOST: Final = 5
LIVE: Final = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"
HEAD: Final = b"POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"


@pytest.fixture(scope="module")
def hasty(
    template: tuple[Path, Demo], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LiveServer]:
    """A server that waits for nobody."""
    folder = tmp_path_factory.mktemp("hasty") / "data"
    shutil.copytree(template[0], folder)
    chosen = {"HEAD_SECONDS": "0.3", "BODY_SECONDS": "0.6", "CONNECTIONS_PER_PEER": str(MOST)}
    with serving(folder, template[1], **chosen) as server:
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


@pytest.mark.parametrize(("sent", "expected"), SLOW.values(), ids=SLOW.keys())
def test_a_head_that_does_not_come_ends_the_connection(
    hasty: LiveServer, sent: bytes, expected: list[int]
) -> None:
    """S37, T14: reading runs into a timeout unless the server closes."""
    with connected(hasty.url) as opened:
        opened.sendall(sent)

        assert statuses(until_closed(opened)) == expected


BODIES: Final = {
    "a length, and nothing": b"Content-Length: 100\r\n\r\n",
    "a length, and a part": b'Content-Length: 100\r\n\r\n{"query": ',
    "chunks that do not end": b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
}


@pytest.mark.parametrize("sent", BODIES.values(), ids=BODIES.keys())
def test_a_body_that_does_not_come_ends_the_connection(hasty: LiveServer, sent: bytes) -> None:
    """S37, T14."""
    with connected(hasty.url) as opened:
        opened.sendall(_authorized(hasty) + sent)

        assert statuses(until_closed(opened)) == [408]


def test_a_refused_request_whose_body_does_not_come_ends_too(hasty: LiveServer) -> None:
    """S37: the answer was given before."""
    with connected(hasty.url) as opened:
        opened.sendall(HEAD + b"Content-Length: 100\r\n\r\nabc")

        assert statuses(until_closed(opened)) == [401]


def test_bytes_that_trickle_buy_no_time(hasty: LiveServer) -> None:
    """S37, T14: each byte comes only after the server could have closed for the one before."""
    with connected(hasty.url) as opened:
        opened.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n")
        opened.settimeout(0.1)
        received, sent = b"", 0
        while not received:
            try:
                received = opened.recv(1_000)
            except TimeoutError:
                opened.sendall(b"X")
                sent += 1

        assert statuses(received) == [408]
        assert sent < 20


def test_no_more_connections_than_the_peer_may_have(hasty: LiveServer) -> None:
    """S37: and whoever's end may open others."""
    with ExitStack() as stack:
        # A stock server would answer all of them.
        held = [stack.enter_context(connected(hasty.url)) for _ in range(MOST)]
        for opened in held:
            opened.sendall(LIVE)
            assert b"200 OK" in opened.recv(1_000)
        one_more = stack.enter_context(connected(hasty.url))

        assert until_closed(one_more) == b""

        # They are quiet, so the server ends them.
        for opened in held:
            until_closed(opened)
        again = stack.enter_context(connected(hasty.url))
        again.sendall(LIVE)
        assert b"200 OK" in again.recv(1_000)


def test_an_answer_that_is_not_taken_ends_the_connection(hasty: LiveServer) -> None:
    """S37, T14: the peer asks much and reads nothing."""
    request = b"GET /openapi.json HTTP/1.1\r\n" + HEAD.partition(b"\r\n")[2]
    token = f"Authorization: Bearer {hasty.demo['token']}\r\n\r\n".encode()
    with connected(hasty.url) as opened:
        end = select.poll()
        end.register(opened, select.POLLHUP)
        opened.sendall((request + token) * 400)

        assert end.poll(20_000)


def test_a_request_in_time_is_answered(live_server: LiveServer) -> None:
    """S37: the control; a part now and a part then is no fault."""
    with connected(live_server.url) as opened:
        for part in (LIVE[:10], LIVE[10:30], LIVE[30:]):
            opened.sendall(part)

        assert b"200 OK" in opened.recv(1_000)
