"""Messages of GraphQL over HTTP, and streams of them as server-sent events."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Final, Self

import structlog
from starlette.types import Receive, Scope, Send

from gateway.domain.errors import ErrorCode, GatewayError, Internal, Unauthenticated
from gateway.graphql.streaming import Streaming, until_one_ends
from gateway.graphql.trusted_documents import TrustedDocuments
from gateway.http.connections import STATE_KEY, Connections
from gateway.http.json_body import BodyFault, RefusedBody
from gateway.http.negotiation import EVENTS
from gateway.http.problems import error_entry, to_json
from gateway.services.execution import ExecutionResult, RequestPrincipal


@dataclass(frozen=True, slots=True)
class GraphQLParams:
    document: str
    variables: Mapping[str, Any]
    operation_name: str | None

    @property
    def operation(self) -> tuple[str, str | None]:
        return self.document, self.operation_name

    @classmethod
    def read(cls, body: Mapping[str, Any], documents: TrustedDocuments) -> Self:
        """Read a request's parameters; look up a named document among the trusted ones.

        Raises:
            RefusedBody: naming the parameter that is missing or of another type.
            GatewayError: if the document is unknown or must not run.

        """
        document = documents.text_of(body)
        variables, name = body.get("variables"), body.get("operationName")
        if not isinstance(variables, dict | None):
            raise RefusedBody(BodyFault.NO_VARIABLES)
        if not isinstance(name, str | None):
            raise RefusedBody(BodyFault.NO_OPERATION_NAME)
        if not isinstance(body.get("extensions"), dict | None):
            raise RefusedBody(BodyFault.NO_EXTENSIONS)
        return cls(document, variables or {}, name)


def to_payload(answer: ExecutionResult) -> Mapping[str, Any]:
    """Return the JSON object of a result."""
    content: dict[str, Any] = {}
    if answer.errors:
        content["errors"] = answer.errors
    if not answer.is_request_error:
        content["data"] = answer.data
    if answer.extensions:
        content["extensions"] = answer.extensions
    return content


def error_response(error: Exception) -> ExecutionResult:
    """Return the result for an error of the gateway."""
    known = error if isinstance(error, GatewayError) else Internal()
    entry = error_entry(known.code, known.message)
    return ExecutionResult(data=None, errors=[entry], is_request_error=True)


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
