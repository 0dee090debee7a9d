"""No body larger than a bound, whether its length is declared or not."""

from typing import Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.domain.errors import ErrorCode, GatewayError

MAX_BODY_BYTES: Final = 1024 * 1024


class TooLargeBody(GatewayError):
    """The body is larger than what is read."""

    code = ErrorCode.PAYLOAD_TOO_LARGE

    def __init__(self, most: int) -> None:
        """Name the bound."""
        super().__init__(f"A body has at most {most // 1024} KiB.")


class BodyLimit:
    """ASGI middleware that stops reading at the bound.

    Starlette has one too, but that writes an answer of its own in plain text over ours.
    """

    def __init__(self, app: ASGIApp, *, most: int) -> None:
        """Wrap an application; `most` is in bytes."""
        self._app = app
        self._most = most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, its body counted.

        Raises:
            TooLargeBody: if the body is declared, or turns out, to be larger than the bound.

        """
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        declared = Headers(scope=scope).get("content-length", "0")
        if not declared.isdecimal() or int(declared) > self._most:
            raise TooLargeBody(self._most)
        length = 0

        async def counted_receive() -> Message:
            nonlocal length
            message = await receive()
            length += len(message.get("body", b""))
            if length > self._most:
                raise TooLargeBody(self._most)
            return message

        await self._app(scope, counted_receive, send)
