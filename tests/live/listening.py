"""Listening to subscriptions as clients do: over a WebSocket, and as Server-Sent Events."""

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Final, Protocol, TypeAlias

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from tests.patience import PATIENCE
from tests.servers import LiveServer

Json: TypeAlias = dict[str, Any]

SUBPROTOCOL: Final = Subprotocol("graphql-transport-ws")
END: Final = "END"


class Listener(Protocol):
    """One subscription. Answers come as objects with `data` or `errors`; the end comes as END."""

    async def next(self, within: float = PATIENCE) -> Json | str:
        """Return the next answer."""


Listen: TypeAlias = Callable[..., AbstractAsyncContextManager[Listener]]


@dataclass(frozen=True, slots=True)
class _Queued:
    answers: "asyncio.Queue[Json | str]"

    async def next(self, within: float = PATIENCE) -> Json | str:
        return await asyncio.wait_for(self.answers.get(), within)


@asynccontextmanager
async def listening_to_events(
    server: LiveServer, document: str, variables: Mapping[str, Any], *, token: str | None = None
) -> AsyncIterator[Listener]:
    """Listen to Server-Sent Events; the block begins when the server has begun to answer."""
    headers = {
        "Authorization": f"Bearer {token or server.demo['token']}",
        "Accept": "text/event-stream",
    }
    body = {"query": document, "variables": variables}
    answers: asyncio.Queue[Json | str] = asyncio.Queue()
    async with (
        httpx.AsyncClient(timeout=None) as client,  # noqa: S113 - it lasts as long as the test
        client.stream("POST", f"{server.url}/graphql", json=body, headers=headers) as response,
    ):
        assert response.headers["Content-Type"] == "text/event-stream; charset=utf-8"
        reading = asyncio.create_task(_read_events(response, answers))
        try:
            yield _Queued(answers)
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)


async def _read_events(response: httpx.Response, answers: "asyncio.Queue[Json | str]") -> None:
    event = ""
    async for line in response.aiter_lines():
        if line.startswith("event: "):
            event = line.removeprefix("event: ")
        elif line.startswith("data:") and event == "next":
            await answers.put(json.loads(line.removeprefix("data:")))
        elif event == "complete":
            await answers.put(END)
            return


@asynccontextmanager
async def opened_socket(
    server: LiveServer, *, protocols: tuple[str, ...] = (SUBPROTOCOL,), **options: Any
) -> AsyncIterator[ClientConnection]:
    """Open a socket and say nothing yet."""
    address = server.url.replace("http://", "ws://") + "/graphql"
    spoken = [Subprotocol(protocol) for protocol in protocols]
    async with connect(
        address,
        subprotocols=spoken or None,
        open_timeout=PATIENCE,
        ping_timeout=PATIENCE,
        close_timeout=PATIENCE,
        **options,
    ) as socket:
        yield socket


@asynccontextmanager
async def introduced_socket(
    server: LiveServer, *, token: str | None = None
) -> AsyncIterator[ClientConnection]:
    """Open a socket and say who one is."""
    async with opened_socket(server) as socket:
        credential = f"Bearer {token or server.demo['token']}"
        await say(socket, type="connection_init", payload={"Authorization": credential})
        assert await heard(socket) == {"type": "connection_ack"}
        yield socket


async def say(socket: ClientConnection, **message: Any) -> None:
    """Send a message."""
    await socket.send(json.dumps(message))


async def heard(socket: ClientConnection, within: float = PATIENCE) -> Json:
    """Return the next message."""
    message: Json = json.loads(await asyncio.wait_for(socket.recv(), within))
    return message


_IDS = count(1)


@dataclass(frozen=True, slots=True)
class SocketListener:
    """One operation of a socket that carries no other."""

    socket: ClientConnection
    # What came before the server was known to have the operation.
    early: "deque[Json]" = field(default_factory=deque)

    async def next(self, within: float = PATIENCE) -> Json | str:
        message = self.early.popleft() if self.early else await heard(self.socket, within)
        match message["type"]:
            case "next":
                payload: Json = message["payload"]
                return payload
            case "error":
                return {"errors": message["payload"]}
            case _:
                assert message["type"] == "complete"
                return END


@asynccontextmanager
async def listening_on_a_socket(
    server: LiveServer, document: str, variables: Mapping[str, Any], *, token: str | None = None
) -> AsyncIterator[Listener]:
    """Listen over a WebSocket of one's own; the block begins when the server has the operation."""
    async with introduced_socket(server, token=token) as socket:
        payload = {"query": document, "variables": variables}
        await say(socket, type="subscribe", id=str(next(_IDS)), payload=payload)
        # It reads in order, so once it answers this it has read what came before. An answer of the
        # operation can come earlier.
        await say(socket, type="ping")
        listener = SocketListener(socket)
        while (message := await heard(socket)) != {"type": "pong"}:
            listener.early.append(message)
        yield listener
