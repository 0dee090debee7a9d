"""Results as Server-Sent Events: the distinct connections mode of the GraphQL over SSE protocol.

Each POST runs one operation. Each result is an event `next`, and the end is an event `complete`.
Errors of the operation are sent in the stream, because its client cannot read anything else.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final

import structlog
from starlette.types import Receive, Scope, Send

from gateway.domain.errors import ErrorCode, GatewayError, Unauthenticated
from gateway.graphql.messages import error_response, to_payload
from gateway.graphql.streaming import Streaming, until_one_ends
from gateway.http.connections import STATE_KEY, Connections
from gateway.http.negotiation import EVENTS
from gateway.http.problems import to_json
from gateway.services.execution import ExecutionResult, RequestPrincipal

_log = structlog.get_logger(__name__)

# Seconds. Proxies close a connection that is silent for long, usually after 30 or 60.
BEATS_EVERY: Final = 12.0
_BEAT: Final = b":\n\n"
_COMPLETE: Final = b"event: complete\ndata:\n\n"
_HEADERS: Final = (
    (b"content-type", f"{EVENTS}; charset=utf-8".encode()),
    # A buffering proxy would delay the events.
    (b"x-accel-buffering", b"no"),
)

Answers = AsyncGenerator[ExecutionResult, None]


class EventStream:
    """An ASGI response that ends with its results, the client's credential or the server."""

    def __init__(self, answers: Answers, caller: RequestPrincipal, streaming: Streaming) -> None:
        self._answers = answers
        self._caller = caller
        self._streaming = streaming

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the stream. A middleware cancels it when the client disconnects."""
        del receive
        await send({"type": "http.response.start", "status": 200, "headers": list(_HEADERS)})
        # Sent at once, so that the client knows that the subscription has started.
        await _write(send, _BEAT)
        stopping = _connections(scope).until_closing()
        try:
            await until_one_ends(
                self._send_events(send), _beat(send), self._end_with_caller(), stopping
            )
        except Unauthenticated as error:
            await _write(send, _event(error_response(error)) + _COMPLETE)
        await send({"type": "http.response.body", "body": b""})

    async def _end_with_caller(self) -> None:
        await self._streaming.monitor.wait_until_invalid(self._caller)
        raise Unauthenticated

    async def _send_events(self, send: Send) -> None:
        try:
            async with aclosing(self._answers) as answers:
                async for answer in answers:
                    await _write(send, _event(answer))
                    if answer.first_code is ErrorCode.UNAUTHENTICATED:
                        break
        except Exception as error:  # noqa: BLE001 - the response has started, so errors end here
            if not isinstance(error, GatewayError):
                _log.error("unexpected_error", exc_info=error)
            await _write(send, _event(error_response(error)))
        await _write(send, _COMPLETE)


async def _beat(send: Send) -> None:
    while True:
        await asyncio.sleep(BEATS_EVERY)
        await _write(send, _BEAT)


async def _write(send: Send, chunk: bytes) -> None:
    await send({"type": "http.response.body", "body": chunk, "more_body": True})


def _event(answer: ExecutionResult) -> bytes:
    return b"event: next\ndata: " + to_json(to_payload(answer)) + b"\n\n"


def _connections(scope: Scope) -> Connections:
    # Without a server, as in some tests, there is no shutdown.
    held = scope.get("state", {}).get(STATE_KEY)
    return held if isinstance(held, Connections) else Connections()
