"""WebSockets: access, opening and closing."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from typing import Final

import structlog
from starlette.types import Scope
from starlette.websockets import WebSocket, WebSocketDisconnect

from gateway.domain.errors import ErrorCode, GatewayError
from gateway.graphql.conversation import Conversation
from gateway.graphql.streaming import CloseCode, Closed, Gone, SocketParts, SocketTimes, Streaming
from gateway.graphql.trusted_documents import TrustedDocuments
from gateway.http.access_log import AccessLog
from gateway.services.execution import ExecutorFactory, RequestPrincipal

_log = structlog.get_logger(__name__)

# After a restart all clients reconnect at once. Only this many authenticate at a time, to leave
# database connections for requests; the others wait in turn.
MAX_SIGN_INS: Final = 4
# Seconds, including the wait.
SIGN_IN_SECONDS: Final = 60

SUBPROTOCOL: Final = "graphql-transport-ws"

_NOT_SPOKEN: Final = Closed(CloseCode.SUBPROTOCOL_NOT_ACCEPTABLE, "Subprotocol not acceptable")

# Takes the Authorization header's text and the socket's scope.
SignIn = Callable[[str, Scope, str | None], Awaitable[RequestPrincipal]]


class ForeignOrigin(GatewayError):
    code = ErrorCode.FORBIDDEN

    def __init__(self) -> None:
        super().__init__("Pages of this origin cannot open a WebSocket here (see cors_origins).")


class SocketEndpoint:
    def __init__(
        self,
        open_run: ExecutorFactory,
        streaming: Streaming,
        documents: TrustedDocuments,
        sign_in: SignIn,
        *,
        origins: Collection[str],
        times: SocketTimes,
        access_log: AccessLog,
    ) -> None:
        self._open_run = open_run
        self._streaming = streaming
        self._documents = documents
        self._sign_in = sign_in
        self._origins = origins
        self._times = times
        self._access_log = access_log
        self._signing_in = asyncio.Semaphore(MAX_SIGN_INS)

    async def answer(self, websocket: WebSocket) -> None:
        """Serve one socket until it ends.

        Raises:
            ForeignOrigin: if the origin is not allowed, before the socket opens.

        """
        self._ensure_own(websocket)
        is_spoken = SUBPROTOCOL in websocket.scope["subprotocols"]
        await websocket.accept(SUBPROTOCOL if is_spoken else None)
        begun = time.perf_counter()
        closed = await self._end_of(websocket) if is_spoken else _NOT_SPOKEN
        if closed is not None:
            with suppress(WebSocketDisconnect, OSError, RuntimeError):
                await websocket.close(closed.code, closed.reason)
        code = closed.code if closed else None
        _log.info("socket_ended", code=code, seconds=round(time.perf_counter() - begun, 2))

    async def _end_of(self, websocket: WebSocket) -> Closed | None:
        """Serve the socket; return why the server ends it, or None if the client did."""
        channel, caller = _WebSocketChannel(websocket), websocket.scope.get("caller")
        try:
            await Conversation(channel, self._parts(websocket.scope), caller).hold()
        except Closed as closed:
            return closed
        except Gone:
            return None
        except Exception as error:  # noqa: BLE001 - the socket is open, so errors end here
            _log.error("unexpected_error", exc_info=error)
        return Closed(CloseCode.INTERNAL, "Internal error")

    def _parts(self, scope: Scope) -> SocketParts:
        async def sign_in(authorization: str, organization_id: str | None) -> RequestPrincipal:
            async with asyncio.timeout(SIGN_IN_SECONDS), self._signing_in:
                return await self._sign_in(authorization, scope, organization_id)

        return SocketParts(
            open_run=self._open_run,
            streaming=self._streaming,
            documents=self._documents,
            sign_in=sign_in,
            times=self._times,
            access_log=self._access_log,
        )

    def _ensure_own(self, websocket: WebSocket) -> None:
        # CORS does not cover sockets: a browser lets any page try, but sends the page's origin.
        origin = websocket.headers.get("origin")
        host = websocket.headers.get("host", "")
        own = {f"http://{host}", f"https://{host}"}
        if origin is not None and origin not in own and origin not in self._origins:
            raise ForeignOrigin


class _WebSocketChannel:
    def __init__(self, websocket: WebSocket) -> None:
        self._websocket = websocket

    async def receive(self) -> bytes:
        message = await self._websocket.receive()
        if message["type"] == "websocket.disconnect":
            raise Gone
        text: str | None = message.get("text")
        if text is None:
            raise Closed(CloseCode.BAD_REQUEST, "A message is text")
        return text.encode()

    async def send(self, text: bytes) -> None:
        try:
            await self._websocket.send({"type": "websocket.send", "text": text.decode()})
        except (WebSocketDisconnect, OSError, RuntimeError):
            raise Gone from None
