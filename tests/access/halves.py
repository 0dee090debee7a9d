"""Requests that come in two parts, and what happens between them."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import httpx
from starlette.types import ASGIApp, Message, Scope

from tests.patience import until
from tests.world import World

JSON: Final = "application/json"


@dataclass(slots=True)
class HalfSent:
    """A request whose last byte comes after something else has happened.

    The gateway has looked at the credential by then: it asks for the rest.
    """

    app: ASGIApp
    scope: Scope
    body: bytes
    heard: list[Message] = field(default_factory=list)
    _parts_asked_for: int = 0
    _rest: asyncio.Event = field(default_factory=asyncio.Event)

    async def answered_after(self, between: Callable[[], Awaitable[object]]) -> httpx.Response:
        """Send all but the last byte, wait for something else to happen, and send it."""
        running = asyncio.ensure_future(self.app(self.scope, self._receive, self._send))
        await until(lambda: self._parts_asked_for == 2)
        await between()
        self._rest.set()
        await running
        return self._response()

    async def _receive(self) -> Message:
        self._parts_asked_for += 1
        match self._parts_asked_for:
            case 1:
                return {"type": "http.request", "body": self.body[:-1], "more_body": True}
            case 2:
                await self._rest.wait()
                return {"type": "http.request", "body": self.body[-1:], "more_body": False}
            case _:
                await asyncio.Event().wait()
                raise AssertionError

    async def _send(self, message: Message) -> None:
        self.heard.append(message)

    def _response(self) -> httpx.Response:
        parts = [item.get("body", b"") for item in self.heard[1:]]
        return httpx.Response(self.heard[0]["status"], content=b"".join(parts))


def half_sent(
    world: World, token: str, path: str, content: Mapping[str, Any], *, method: str = "POST"
) -> HalfSent:
    """Return a request that carries a JSON body in two parts."""
    body = json.dumps(content).encode()
    headers = {
        "host": "localhost",
        "authorization": f"Bearer {token}",
        "content-type": JSON,
        "content-length": str(len(body)),
    }
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": b"",
        "headers": [(name.encode(), text.encode()) for name, text in headers.items()],
    }
    transport = world.client._transport  # noqa: SLF001 - the application behind it
    assert isinstance(transport, httpx.ASGITransport)
    return HalfSent(transport.app, scope, body)
