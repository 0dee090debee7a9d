"""A wire between clients and a server, which can be cut."""

import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from socketserver import BaseRequestHandler, ThreadingTCPServer
from threading import Thread
from typing import Final
from urllib.parse import urlsplit

_CHUNK_BYTES: Final = 65_536


class Wire(ThreadingTCPServer):
    """Listens at one place, whatever becomes of the server behind it."""

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Passage)
        self.server: tuple[str, int] | None = None
        self.passages: set[socket.socket] = set()

    @classmethod
    @contextmanager
    def laid(cls) -> Iterator["Wire"]:
        """Lay a wire until the block ends."""
        with cls() as wire:
            Thread(target=wire.serve_forever, args=[0.05], daemon=True).start()
            try:
                yield wire
            finally:
                wire.cut()
                wire.shutdown()

    @property
    def url(self) -> str:
        """Where clients connect."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def lead_to(self, url: str) -> None:
        """Pass on what comes from now on."""
        parts = urlsplit(url)
        assert parts.hostname is not None
        assert parts.port is not None
        self.server = (parts.hostname, parts.port)

    def cut(self) -> None:
        """Break all connections, and take no new ones."""
        self.server = None
        for passage in list(self.passages):
            _break(passage)


class _Passage(BaseRequestHandler):
    server: Wire
    request: socket.socket

    def handle(self) -> None:
        with suppress(OSError):
            if behind := self.server.server:
                with closing(socket.create_connection(behind)) as far:
                    self._pass_on(far)

    def _pass_on(self, far: socket.socket) -> None:
        ends = {self.request, far}
        self.server.passages |= ends
        back = Thread(target=_pump, args=[far, self.request], daemon=True)
        back.start()
        _pump(self.request, far)
        back.join()
        self.server.passages -= ends


def _pump(here: socket.socket, there: socket.socket) -> None:
    with suppress(OSError):
        while some := here.recv(_CHUNK_BYTES):
            there.sendall(some)
    _break(here)
    _break(there)


def _break(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
