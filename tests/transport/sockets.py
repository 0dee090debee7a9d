"""Raw sockets: what a client library would never send, and what comes back."""

import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from tests.patience import PATIENCE


@contextmanager
def connected(url: str) -> Iterator[socket.socket]:
    """Give a connection to a server."""
    address = urlsplit(url)
    with socket.create_connection((address.hostname, address.port), timeout=PATIENCE) as opened:
        yield opened


def until_closed(opened: socket.socket) -> bytes:
    """Return what comes until the server closes the connection.

    Raises:
        TimeoutError: if it does not.

    """
    received = b""
    try:
        while part := opened.recv(65_536):
            received += part
    except ConnectionResetError:
        pass
    return received


def answer(opened: socket.socket) -> bytes:
    """Return one answer with a length, whole, and leave what comes after it."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += _more(opened, 1)
    length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
    assert length, head
    body = b""
    while len(body) < int(length[1]):
        body += _more(opened, int(length[1]) - len(body))
    return head + body


def _more(opened: socket.socket, count: int) -> bytes:
    part = opened.recv(count)
    assert part, "The connection is closed."
    return part


def statuses(received: bytes) -> list[int]:
    """Return the statuses of the answers in it."""
    return [int(item) for item in re.findall(rb"HTTP/1\.1 (\d{3})", received)]


def exchange(url: str, *sent: bytes) -> bytes:
    """Send parts, and return what comes until the connection is closed."""
    with connected(url) as opened:
        for part in sent:
            opened.sendall(part)
        return until_closed(opened)
