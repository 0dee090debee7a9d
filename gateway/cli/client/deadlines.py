"""The deadline of a whole request, whose single waits a server can renew with every byte."""

import signal
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from http.client import HTTPConnection, HTTPResponse, HTTPSConnection
from io import BufferedReader, RawIOBase
from time import monotonic
from typing import TYPE_CHECKING, Any, Final
from urllib.request import HTTPHandler, HTTPSHandler, Request

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

# Of an attempt to connect, and of each wait for data: a live stream has a comment every 12 s.
SECONDS: Final = 30.0
# Of a whole request, from the look-up of the name to the last byte; of a stream, to its head.
DEADLINE_SECONDS: Final = 120.0

_until: Final[ContextVar[float | None]] = ContextVar("until", default=None)


class TooSlow(OSError):
    """The deadline of a request has passed."""


@contextmanager
def deadline() -> Iterator[None]:
    """End what the block waits for when the request has taken too long.

    An alarm interrupts any wait, but only of the main thread. Another one has its deadline looked
    at before each wait for a part of the response.
    """
    if threading.current_thread() is not threading.main_thread():
        token = _until.set(monotonic() + DEADLINE_SECONDS)
        try:
            yield
        finally:
            _until.reset(token)
        return
    former = signal.signal(signal.SIGALRM, _end_wait)
    signal.setitimer(signal.ITIMER_REAL, DEADLINE_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, former)


def _end_wait(*_: object) -> None:
    raise TooSlow


class _Received(RawIOBase):
    """What comes from a socket until the deadline of the thread that reads it."""

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        self._received = connected.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int | None:
        until = _until.get()
        if until is None:
            return self._received.readinto(buffer)
        left = until - monotonic()
        if left <= 0:
            raise TooSlow
        self._socket.settimeout(min(left, SECONDS))
        try:
            return self._received.readinto(buffer)
        except TimeoutError:
            raise TooSlow if left < SECONDS else TimeoutError from None

    def close(self) -> None:
        self._received.close()
        super().close()


class _Response(HTTPResponse):
    def __init__(self, sock: socket.socket, *arguments: Any, **options: Any) -> None:  # noqa: ANN401 - as the library calls it
        super().__init__(sock, *arguments, **options)
        self.fp.close()
        self.fp = BufferedReader(_Received(sock))


class _Connection(HTTPConnection):
    response_class = _Response


class _SecureConnection(HTTPSConnection):
    response_class = _Response


class PlainHandler(HTTPHandler):
    def http_open(self, req: Request) -> HTTPResponse:
        return self.do_open(_Connection, req)


class SecureHandler(HTTPSHandler):
    """Opens https URLs with a TLS context."""

    def __init__(self, tls: ssl.SSLContext) -> None:
        super().__init__(context=tls)
        self._tls = tls

    def https_open(self, req: Request) -> HTTPResponse:
        return self.do_open(_SecureConnection, req, context=self._tls)
