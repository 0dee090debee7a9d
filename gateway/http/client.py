"""The client of one request: its body, its deadline and its disconnect."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Final

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive, Scope, Send

from gateway.domain.errors import ErrorCode, GatewayError
from gateway.http.requests import EVENTS

MAX_BODY_BYTES: Final = 1024 * 1024
# As many as 64 bits hold; Python refuses to read a number of thousands of digits.
_MAX_LENGTH_DIGITS: Final = 19
# A body that arrives within this time counts as sent with the head.
PROMPT_SECONDS: Final = 0.25


class DeadlineExceeded(GatewayError):
    """The answer took too long."""

    code = ErrorCode.DEADLINE_EXCEEDED

    def __init__(self, seconds: float) -> None:
        super().__init__(
            f"The request was given up after {seconds:g} seconds. A change that had begun is still "
            "completed. Check its result before you repeat it, or send an idempotency key."
        )


class TooLargeBody(GatewayError):
    """The body is larger than the limit."""

    code = ErrorCode.PAYLOAD_TOO_LARGE

    def __init__(self) -> None:
        super().__init__(f"A body must have at most {MAX_BODY_BYTES // 1024} KiB.")


class Client:
    """The client of one request. After the body, it can only disconnect.

    The body is read before any work starts. Starlette has a limit for bodies too, but answers with
    its own plain text.
    """

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        declared = headers.get("content-length", "0")
        self._receive, self._send = receive, send
        self._declared = _length_of(declared)
        self._is_too_large = self._declared > MAX_BODY_BYTES
        self._chunks: list[bytes] = []
        self._length = 0
        self._is_complete = asyncio.Event()
        if declared == "0" and "transfer-encoding" not in headers:
            self._is_complete.set()
        self._is_taken = False
        self._limit = asyncio.timeout(None)
        self._gets_stream = False
        self._has_gone = asyncio.Event()
        # Whether a part of the response has been sent.
        self.has_response = False
        # Awaited once the response is ready, before its first part is sent.
        self.before_response: Callable[[], Awaitable[None]] | None = None

    @asynccontextmanager
    async def waiting(self, seconds: float) -> AsyncIterator[None]:
        """Cancel the block when the client disconnects or its deadline passes.

        The time starts when the body is complete. The services shield a change that has begun.

        Raises:
            DeadlineExceeded: if the deadline passes first.

        """
        try:
            async with self._limit:
                watch = asyncio.create_task(self._watch(seconds))
                try:
                    yield
                finally:
                    watch.cancel()
        except TimeoutError:
            if not self._limit.expired():
                raise
            if not self._has_gone.is_set():
                raise DeadlineExceeded(seconds) from None

    async def has_sent_body(self) -> bool:
        """Read what has already arrived; return whether that is a complete, acceptable body.

        Raises:
            ClientDisconnect: if the client has disconnected.

        """
        if self._is_too_large or self._is_complete.is_set():
            return not self._is_too_large
        with suppress(TimeoutError):
            async with asyncio.timeout(PROMPT_SECONDS):
                await self._read_on()
                if not self._is_complete.is_set() and self._length == self._declared:
                    # The body is complete; some servers announce that with one more, empty message.
                    await self._read_on()
        return self._is_complete.is_set() and not self._is_too_large

    async def read_body(self) -> None:
        """Read the rest of the body.

        Raises:
            TooLargeBody: if the body is declared, or turns out, to be larger than the limit.
            ClientDisconnect: if the client has disconnected.

        """
        while not self._is_too_large and not self._is_complete.is_set():
            await self._read_on()
        if self._is_too_large:
            raise TooLargeBody

    async def receive(self) -> Message:
        """Return the body, and later the disconnection of the client."""
        if self._is_complete.is_set():
            if self._is_taken:
                await self._has_gone.wait()
                return {"type": "http.disconnect"}
            self._is_taken = True
            body, self._chunks = b"".join(self._chunks), []
            return {"type": "http.request", "body": body, "more_body": False}
        # A path that needs no credential: nothing has read the body.
        self._is_taken = True
        message = await self._receive()
        if not message.get("more_body", False):
            self._is_complete.set()
        return message

    async def send(self, message: Message) -> None:
        """Send a part of the response."""
        if message["type"] == "http.response.start":
            if self.before_response is not None:
                await self.before_response()
            if _begins_stream(message):
                # A started stream continues while the client is connected.
                self._gets_stream = True
                self._limit.reschedule(None)
        self.has_response = True
        await self._send(message)

    async def _watch(self, seconds: float) -> None:
        """Set the deadline, and cancel at once when the client disconnects."""
        await self._is_complete.wait()
        now = asyncio.get_running_loop().time
        # A quick response can start before this task runs.
        if not self._gets_stream:
            self._limit.reschedule(now() + seconds)
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._has_gone.set()
        if not self._limit.expired():
            self._limit.reschedule(now())

    async def _read_on(self) -> None:
        message = await self._receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        chunk = message.get("body", b"")
        self._length += len(chunk)
        self._is_too_large = self._length > MAX_BODY_BYTES
        self._chunks.append(chunk)
        if not message.get("more_body", False):
            self._is_complete.set()


def _length_of(declared: str) -> int:
    is_length = declared.isdecimal() and len(declared) <= _MAX_LENGTH_DIGITS
    return int(declared) if is_length else MAX_BODY_BYTES + 1


def _begins_stream(message: Message) -> bool:
    media_type = Headers(raw=message.get("headers", [])).get("content-type", "")
    return media_type.startswith(EVENTS)
