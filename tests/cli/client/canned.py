"""An HTTP server that answers what a test wants, and notes what it was sent."""

import json
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.patience import PATIENCE


@dataclass(slots=True)
class CannedGateway:
    """What it answers, to everything, and what came."""

    url: str
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    received: list[tuple[str, str, Mapping[str, str]]] = field(default_factory=list)

    def answer(self, status: int, body: object, **headers: str) -> None:
        self.status, self.headers = status, {k.replace("_", "-"): v for k, v in headers.items()}
        self.body = body if isinstance(body, bytes) else json.dumps(body).encode()

    def refuse(self, status: int, code: str, message: str, **headers: str) -> None:
        error = {"message": message, "extensions": {"code": code}}
        self.answer(status, {"errors": [error]}, **headers)


class _Quiet(ThreadingHTTPServer):
    def handle_error(self, *_: Any) -> None:
        """Say nothing of a client that goes away."""


@contextmanager
def serving_canned(certified: tuple[Path, Path] | None = None) -> Iterator[CannedGateway]:
    """Serve on a free port; over https with a certificate and its key."""
    server = _Quiet(("127.0.0.1", 0), BaseHTTPRequestHandler)
    scheme = "https" if certified else "http"
    canned = CannedGateway(f"{scheme}://127.0.0.1:{server.server_port}")

    class Handler(BaseHTTPRequestHandler):
        timeout = PATIENCE

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", "0")))
            canned.received.append((self.command, self.path, dict(self.headers)))
            self.send_response(canned.status)
            for name, text in canned.headers.items():
                self.send_header(name, text)
            self.send_header("Content-Length", str(len(canned.body)))
            self.end_headers()
            self.wfile.write(canned.body)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server.RequestHandlerClass = Handler
    if certified:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(*certified)
        server.socket = context.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield canned
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
