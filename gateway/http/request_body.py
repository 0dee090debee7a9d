"""Reads a request's whole body, up to a limit, before any work starts."""

import asyncio
from contextlib import suppress
from typing import Final

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive, Scope

from gateway.domain.errors import ErrorCode, GatewayError

MAX_BODY_BYTES: Final = 1024 * 1024
# A body that arrives within this time counts as sent with the head.
PROMPT_SECONDS: Final = 0.25


class TooLargeBody(GatewayError):
    """The body is larger than the limit."""

    code = ErrorCode.PAYLOAD_TOO_LARGE

    def __init__(self, most: int) -> None:
        super().__init__(f"A body must have at most {most // 1024} KiB.")


class RequestBody:
    """A request's body. The application gets it from `receive` once it is complete.

    Starlette has a limit too, but answers with its own plain text.
    """

    def __init__(self, scope: Scope, receive: Receive, *, most: int = MAX_BODY_BYTES) -> None:
        self._receive = receive
        self._most = most
        declared = Headers(scope=scope).get("content-length", "0")
        self._is_too_large = not declared.isdecimal() or int(declared) > most
        self._declared = 0 if self._is_too_large else int(declared)
        self._chunks: list[bytes] = []
        self._length = 0
        self._is_complete = False
        self._is_taken = False

    async def begin(self) -> bool:
        """Read what has already arrived; return whether that is a complete, acceptable body.

        Raises:
            ClientDisconnect: if the client has disconnected.

        """
        if self._is_too_large:
            return False
        with suppress(TimeoutError):
            async with asyncio.timeout(PROMPT_SECONDS):
                await self._read_on()
                if not self._is_complete and self._length == self._declared:
                    # The body is complete; some servers announce that with one more, empty message.
                    await self._read_on()
        return self._is_complete and not self._is_too_large

    async def complete(self) -> None:
        """Read the rest.

        Raises:
            TooLargeBody: if the body is declared, or turns out, to be larger than the bound.
            ClientDisconnect: if the client has disconnected.

        """
        while not self._is_too_large and not self._is_complete:
            await self._read_on()
        if self._is_too_large:
            raise TooLargeBody(self._most)

    async def receive(self) -> Message:
        """Return the whole body, and later the server's messages about the client."""
        if self._is_taken:
            return await self._receive()
        self._is_taken = True
        body, self._chunks = b"".join(self._chunks), []
        return {"type": "http.request", "body": body, "more_body": False}

    async def _read_on(self) -> None:
        message = await self._receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        chunk = message.get("body", b"")
        self._length += len(chunk)
        self._is_too_large = self._length > self._most
        self._chunks.append(chunk)
        self._is_complete = not message.get("more_body", False)
