"""Frames and handshakes against the WebSocket protocol: each ends its socket, none is a fault."""

import re
import shutil
import socket
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NoReturn

import pytest

from gateway.services.demo import Demo
from tests.patience import SILENCE
from tests.servers import LiveServer, serving, serving_measured
from tests.transport.loosened import without
from tests.transport.sockets import connected, statuses, until_closed

TEXT: Final = 1
CLOSE: Final = 8
PING: Final = 9


def _handshake(more: bytes = b"", *, path: bytes = b"/graphql") -> bytes:
    return (
        b"GET " + path + b" HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
        b"Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: graphql-transport-ws\r\n"
        + more
        + b"\r\n"
    )


def _frame(
    opcode: int,
    payload: bytes = b"",
    *,
    is_last: bool = True,
    reserved: int = 0,
    is_masked: bool = True,
    length: int | None = None,
) -> bytes:
    """Return a client's frame; the mask is zeros."""
    size = len(payload) if length is None else length
    mask_bit = is_masked << 7
    first = is_last << 7 | reserved << 4 | opcode
    if size < 126:
        head = bytes([first, mask_bit | size])
    elif size < 2**16:
        head = bytes([first, mask_bit | 126]) + struct.pack("!H", size)
    else:
        head = bytes([first, mask_bit | 127]) + struct.pack("!Q", size)
    return head + (bytes(4) if is_masked else b"") + payload


MALFORMED: Final = {
    "text that is not UTF-8": (_frame(TEXT, b"\xff\xfe"), 1007),
    "several of them": (_frame(TEXT, b"\xff") * 3, 1007),
    "a lone surrogate": (_frame(TEXT, b"\xed\xa0\x80"), 1007),
    "fragments that are not UTF-8": (_frame(TEXT, b"\xe2", is_last=False) + _frame(0, b"("), 1007),
    "such text behind a message": (_frame(TEXT, b'{"type":"ping"}') + _frame(TEXT, b"\xff"), 1007),
    "such text behind bytes": (_frame(2, b"x") + _frame(TEXT, b"\xff"), 1007),
    "such a reason to close": (_frame(CLOSE, b"\x03\xe8\xff"), 1007),
    "an unknown kind": (_frame(3, b"x"), 1002),
    "an unknown control frame": (_frame(11, b"x"), 1002),
    "no mask": (_frame(TEXT, b"{}", is_masked=False), 1002),
    "compression that was not agreed on": (_frame(TEXT, b"{}", reserved=4), 1002),
    "another reserved bit": (_frame(TEXT, b"{}", reserved=1), 1002),
    "a ping in fragments": (_frame(PING, is_last=False), 1002),
    "a ping that is too long": (_frame(PING, b"x" * 126), 1002),
    "a fragment of nothing": (_frame(0, b"x"), 1002),
    "a message within another": (_frame(TEXT, b"x", is_last=False) + _frame(TEXT, b"y"), 1002),
    "an end within a message": (_frame(TEXT, b"x", is_last=False) + _frame(CLOSE), 1002),
    "half a code to close": (_frame(CLOSE, b"x"), 1002),
    "a code that is never sent": (_frame(CLOSE, struct.pack("!H", 1005)), 1002),
    "more than a body": (_frame(TEXT, length=2**21), 1009),
    "more than can be": (_frame(TEXT, length=2**63), 1009),
}


def _open(server: LiveServer, opened: socket.socket) -> None:
    """Open a WebSocket, without a credential."""
    opened.sendall(_handshake())
    received = b""
    while b"\r\n\r\n" not in received:
        received += opened.recv(4_096)
    assert statuses(received) == [101], server.logged


@pytest.mark.rule("S69")
@pytest.mark.parametrize(("sent", "code"), MALFORMED.values(), ids=MALFORMED.keys())
def test_a_malformed_frame_ends_the_socket_with_one_line(
    server: LiveServer, sent: bytes, code: int
) -> None:
    before = len(server.logged)
    with connected(server.url) as opened:
        _open(server, opened)
        opened.sendall(sent)
        received = until_closed(opened)
    logged = server.logged[before:]

    assert received[2:4] == struct.pack("!H", code)
    assert re.findall(r"malformed_frame .*code=(\d+)", logged) == [str(code)]
    assert "Traceback" not in logged


def test_stock_sockets_log_a_traceback_for_such_text(
    template: tuple[Path, Demo], tmp_path: Path
) -> None:
    """The control of the test above."""
    folder = shutil.copytree(template[0], tmp_path / "data")
    with serving(folder, template[1], program=without("sockets")) as server:
        with connected(server.url) as opened:
            _open(server, opened)
            opened.sendall(_frame(TEXT, b"\xff"))
            until_closed(opened)

        assert "Traceback" in server.logged


HANDSHAKES: Final = {
    "more headers than the library reads": _handshake(b"X-A: b\r\n" * 200),
    "a longer header than it reads": _handshake(b"X-A: " + b"a" * 9_000 + b"\r\n"),
    "a longer path than it reads": _handshake(path=b"/graphql?" + b"a" * 9_000),
    "a body": _handshake(b"Content-Length: 3\r\n") + b"abc",
    "a body of chunks": _handshake(b"Transfer-Encoding: chunked\r\n") + b"0\r\n\r\n",
    "two keys": _handshake(b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"),
    "another version": _handshake().replace(b"Version: 13", b"Version: 12"),
}


@pytest.mark.parametrize("sent", HANDSHAKES.values(), ids=HANDSHAKES.keys())
def test_a_malformed_handshake_is_answered_and_closed(server: LiveServer, sent: bytes) -> None:
    """A connection that nobody answers would stay open for as long as its peer likes."""
    with connected(server.url) as opened:
        opened.sendall(sent)

        assert statuses(until_closed(opened)) == [400]
    assert "Traceback" not in server.logged


def test_stock_sockets_leave_such_a_connection_open(
    template: tuple[Path, Demo], tmp_path: Path
) -> None:
    """The control of the test above."""
    folder = shutil.copytree(template[0], tmp_path / "data")
    with (
        serving(folder, template[1], program=without("sockets"), BODY_SECONDS="0.1") as server,
        connected(server.url) as opened,
    ):
        opened.sendall(_handshake(b"X-A: b\r\n" * 200))
        opened.settimeout(SILENCE)
        with pytest.raises(TimeoutError):
            opened.recv(1)


@pytest.fixture
def hasty(template: tuple[Path, Demo], tmp_path: Path) -> Iterator[LiveServer]:
    """A server that does not wait long for a peer that does not read."""
    folder = shutil.copytree(template[0], tmp_path / "data")
    with serving_measured(folder, template[1], HEAD_SECONDS="60", BODY_SECONDS="0.6") as server:
        yield server


def test_a_peer_that_reads_no_answers_cannot_go_on_asking(hasty: LiveServer) -> None:
    """Each ping is answered, and the answers would fill the memory."""
    pings = _frame(PING, b"x" * 125) * 1_000
    with connected(hasty.url) as opened:
        _open(hasty, opened)
        # The server stops reading, and drops the connection when the answers are not taken.
        with pytest.raises(ConnectionError):
            _send_for_ever(opened, pings)


def _send_for_ever(opened: socket.socket, sent: bytes) -> NoReturn:
    while True:
        opened.sendall(sent)
