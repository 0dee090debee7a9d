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


def statuses(received: bytes) -> list[int]:
    """Return the statuses of the answers in it."""
    return [int(it) for it in re.findall(rb"HTTP/1\.1 (\d{3})", received)]


def exchange(url: str, *sent: bytes) -> bytes:
    """Send parts, and return what comes until the connection is closed."""
    with connected(url) as opened:
        for part in sent:
            opened.sendall(part)
        return until_closed(opened)
