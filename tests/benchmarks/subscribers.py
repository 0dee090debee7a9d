"""Many subscribers over WebSockets, as cheap for the client as they can be.

They read no more of a message than its type, because the client must not be what takes the time.
So they speak the protocol themselves, as far as they need it.
"""

import asyncio
import base64
import json
import os
import struct
import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Final

import httpx

from tests.benchmarks.load import new_run
from tests.benchmarks.processes import Server
from tests.benchmarks.requests import Request
from tests.benchmarks.samples import Samples
from tests.patience import PATIENCE, patiently

# What a client that only invalidates needs, and what one that shows the change needs.
NAMED: Final = """
subscription Changes($holder: SecretHolderRef!) {
  secretChanged(holder: $holder) { cursor kind key }
}"""
SHOWN: Final = """
subscription Changes($holder: SecretHolderRef!) {
  secretChanged(holder: $holder) { cursor kind key secret { id version } }
}"""
_AT_ONCE: Final = 50
_TEXT, _PING, _PONG = 0x1, 0x9, 0xA
_FINAL: Final = 0x80
_MASKED: Final = 0x80
_NO_MASK: Final = bytes(4)
# A longer text has its length in two bytes, and one that is too long for them does not occur here.
_MAX_SHORT: Final = 125


@dataclass(frozen=True, slots=True)
class Heard:
    """Milliseconds from each change's request to the last listener; CPU seconds of all changes.

    Megabytes are those of each subscriber.
    """

    milliseconds: Sequence[float]
    cpu_seconds: float
    megabytes: float


class _Audience:
    """Counts what listeners hear."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.count = 0
        self.all_heard = asyncio.Event()

    def hear(self) -> None:
        self.count += 1
        if self.count >= self.size:
            self.all_heard.set()

    def forget(self) -> None:
        self.count = 0
        self.all_heard.clear()


class _Listener(asyncio.Protocol):
    """A WebSocket with one subscription."""

    def __init__(self, token: str, payload: Mapping[str, object], audience: _Audience) -> None:
        self.is_ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._token = token
        self._payload = payload
        self._audience = audience
        self._transport: asyncio.Transport | None = None
        self._is_open = False
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        key = base64.b64encode(os.urandom(16)).decode()
        transport.write(
            "GET /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n".encode()
        )

    def data_received(self, data: bytes) -> None:
        self._received += data
        if not self._is_open:
            head, end, self._received = self._received.partition(b"\r\n\r\n")
            if not end:
                self._received = head
                return
            self._is_open = True
            self._say(type="connection_init", payload={"Authorization": f"Bearer {self._token}"})
        while (frame := _first_frame(self._received)) is not None:
            opcode, text, self._received = frame
            self._hear(opcode, text)

    def connection_lost(self, error: Exception | None) -> None:
        if not self.is_ready.done():
            message = f"the server closed: {self._received[-200:]!r}"
            self.is_ready.set_exception(error or ConnectionError(message))

    def close(self) -> None:
        assert self._transport
        self._transport.abort()

    def _hear(self, opcode: int, text: bytes) -> None:
        if opcode == _PING:
            self._send(_PONG, text)
        elif b'"next"' in text:
            self._audience.hear()
        elif b'"connection_ack"' in text:
            self._say(type="subscribe", id="1", payload=self._payload)
            # It is answered after what came before.
            self._say(type="ping")
        elif b'"pong"' in text:
            self.is_ready.set_result(None)

    def _say(self, **message: object) -> None:
        self._send(_TEXT, json.dumps(message).encode())

    def _send(self, opcode: int, text: bytes) -> None:
        assert self._transport
        if len(text) <= _MAX_SHORT:
            size = bytes([_MASKED | len(text)])
        else:
            size = bytes([_MASKED | _MAX_SHORT + 1]) + struct.pack(">H", len(text))
        self._transport.write(bytes([_FINAL | opcode]) + size + _NO_MASK + text)


def _first_frame(received: bytes) -> tuple[int, bytes, bytes] | None:
    """Return the opcode and the text of the first frame, and what follows; None if it is part."""
    if len(received) < 2:
        return None
    begin, size = 2, received[1]
    if size > _MAX_SHORT:
        begin, size = 4, int.from_bytes(received[2:4], "big")
    end = begin + size
    if len(received) < end:
        return None
    return received[0] & 0xF, received[begin:end], received[end:]


@dataclass(frozen=True, slots=True)
class Hall:
    """Where listeners listen: one half to the changes of a job, the other to another job."""

    server: Server
    samples: Samples
    document: str
    listeners: int

    async def hear(self, change: Request, *, changes: int) -> Heard:
        """Change the first job so many times."""
        before = self.server.megabytes
        audience, others = _Audience(self.listeners), _Audience(self.listeners)
        async with AsyncExitStack() as stack:
            client = await stack.enter_async_context(
                httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.server.port}", timeout=PATIENCE)
            )
            for job, heard_by in zip(self.samples.written_jobs, (audience, others), strict=False):
                await self._listen(job, heard_by, stack)
            each = (self.server.megabytes - before) / (2 * self.listeners)
            spent = self.server.cpu_seconds
            taken = [await _change(client, change, audience) for _ in range(changes)]
            spent = self.server.cpu_seconds - spent
        assert not others.count, "Listeners heard of another job."
        return Heard(taken, spent, each)

    async def _listen(self, job: str, audience: _Audience, stack: AsyncExitStack) -> None:
        payload = {"query": self.document, "variables": {"holder": {"jobId": job}}}
        loop = asyncio.get_running_loop()
        for _ in range(self.listeners // _AT_ONCE):
            opened = [
                loop.create_connection(
                    lambda: _Listener(self.samples.token, payload, audience),
                    "127.0.0.1",
                    self.server.port,
                )
                for _ in range(_AT_ONCE)
            ]
            listeners = [listener for _, listener in await asyncio.gather(*opened)]
            for listener in listeners:
                stack.callback(listener.close)
            async with patiently():
                await asyncio.gather(*(listener.is_ready for listener in listeners))


async def _change(client: httpx.AsyncClient, change: Request, audience: _Audience) -> float:
    audience.forget()
    before, after = change.parts(new_run())
    begun = time.perf_counter()
    response = await client.request(
        change.method, change.path, content=f"{before}{after}", headers=change.headers
    )
    response.raise_for_status()
    async with patiently():
        await audience.all_heard.wait()
    return (time.perf_counter() - begun) * 1000
