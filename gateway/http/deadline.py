"""Cancels a request when its client disconnects or its deadline passes."""

import asyncio
from typing import Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.domain.errors import ErrorCode, GatewayError
from gateway.http.negotiation import EVENTS

_EMPTY: Final[Message] = {"type": "http.request", "body": b"", "more_body": False}
_GONE: Final[Message] = {"type": "http.disconnect"}


class DeadlineExceeded(GatewayError):
    """The answer took too long."""

    code = ErrorCode.DEADLINE_EXCEEDED

    def __init__(self, seconds: float) -> None:
        super().__init__(
            f"The request was given up after {seconds:g} seconds. A change that had begun is still "
            "completed. Check its result before you repeat it, or send an idempotency key."
        )


class RequestDeadlineMiddleware:
    """ASGI middleware that cancels a request when its client disconnects or its deadline passes.

    The time starts when the body is complete. The services shield a change that has begun.
    """

    def __init__(self, app: ASGIApp, *, seconds: float) -> None:
        self._app = app
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on until its client disconnects.

        Raises:
            DeadlineExceeded: if the deadline passes first.

        """
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        caller = _Caller(receive, is_silent=_is_without_body(scope))
        limit = asyncio.timeout(None)
        try:
            async with limit:
                watch = asyncio.create_task(caller.watch(limit, self._seconds))

                async def watched_send(message: Message) -> None:
                    if _begins_stream(message):
                        caller.listens(limit)
                    await send(message)

                try:
                    await self._app(scope, caller.receive, watched_send)
                finally:
                    watch.cancel()
        except TimeoutError:
            if not limit.expired():
                raise
            if not caller.has_gone.is_set():
                raise DeadlineExceeded(self._seconds) from None


class _Caller:
    """The client of a request. After the body, it can only disconnect."""

    def __init__(self, receive: Receive, *, is_silent: bool) -> None:
        self._receive = receive
        self._pending = [_EMPTY] if is_silent else []
        self._is_complete = asyncio.Event()
        self._listens = False
        self.has_gone = asyncio.Event()
        if is_silent:
            self._is_complete.set()

    async def receive(self) -> Message:
        """Return the body, and later the disconnection of the client."""
        if self._pending:
            return self._pending.pop()
        if self._is_complete.is_set():
            await self.has_gone.wait()
            return _GONE
        message = await self._receive()
        if not message.get("more_body", False):
            self._is_complete.set()
        return message

    def listens(self, limit: asyncio.Timeout) -> None:
        """Lift the deadline: a started response continues while the client is connected."""
        self._listens = True
        limit.reschedule(None)

    async def watch(self, limit: asyncio.Timeout, seconds: float) -> None:
        """Set the deadline, and cancel at once when the client disconnects."""
        await self._is_complete.wait()
        now = asyncio.get_running_loop().time
        # A quick response can start before this task runs.
        if not self._listens:
            limit.reschedule(now() + seconds)
        while (await self._receive())["type"] != _GONE["type"]:
            pass
        self.has_gone.set()
        if not limit.expired():
            limit.reschedule(now())


def _begins_stream(message: Message) -> bool:
    if message["type"] != "http.response.start":
        return False
    media_type = Headers(raw=message.get("headers", [])).get("content-type", "")
    return media_type.startswith(EVENTS)


def _is_without_body(scope: Scope) -> bool:
    headers = Headers(scope=scope)
    return headers.get("content-length", "0") == "0" and "transfer-encoding" not in headers
