"""A key management service as a real server: moto's, and our own for what moto does not do."""

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import boto3  # type: ignore[import-untyped] # it makes its clients as it runs
import httpx
import pytest

from gateway.crypto import key_providers
from tests.patience import PATIENCE, wait_until

CREDENTIALS: Final = MappingProxyType(
    {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
)


@contextmanager
def moto_server(folder: Path) -> Iterator[str]:
    """Run moto's server on a free port; give its address."""
    log = folder / "moto.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"],
            stdout=output,
            stderr=output,
            env=os.environ | {"PYTHONUNBUFFERED": "1", "PYTHONWARNINGS": "ignore"},
        )
        try:
            yield _address(process, log)
        finally:
            process.terminate()
            process.wait(timeout=PATIENCE)


def _address(process: "subprocess.Popen[bytes]", log: Path) -> str:
    def listens() -> re.Match[str] | None:
        assert process.poll() is None, log.read_text()
        return re.search(r"Running on .*(http://[\d.:]+)$", log.read_text(), re.MULTILINE)

    address = wait_until(listens)[1]
    httpx.get(address, timeout=PATIENCE)
    return address


def kms_client(endpoint: str) -> Any:
    """Return a client that administers keys."""
    return boto3.client("kms", endpoint_url=endpoint)


class FailingKms:
    """Answers every call the same way: with an error, or never."""

    def __init__(self, *, code: str | None) -> None:
        self.calls = 0
        self.code = code
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                outer.calls += 1
                outer.answer(self)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._released = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        """Refuse with the code; without one, hold the caller until the end."""
        if self.code is None:
            self._released.wait()
            return
        body = json.dumps({"__type": self.code, "message": "refused"}).encode()
        handler.send_response(400)
        handler.send_header("Content-Type", "application/x-amz-json-1.1")
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    @contextmanager
    def running(self) -> Iterator["FailingKms"]:
        """Serve until the block ends."""
        thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._released.set()
            self._server.shutdown()
            self._server.server_close()
            thread.join()


@pytest.fixture
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """What boto3 asks the environment for."""
    for name, text in CREDENTIALS.items():
        monkeypatch.setenv(name, text)


@pytest.fixture
def patient_kms(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for a key management service that a busy machine makes slow."""
    for name in ("_CONNECT_SECONDS", "_ANSWER_SECONDS"):
        monkeypatch.setattr(key_providers, name, PATIENCE)
