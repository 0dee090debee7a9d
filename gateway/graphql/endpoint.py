"""GraphQL over HTTP: each POST runs one document and returns one result or a stream of them.

A stream has Server-Sent Events, in the distinct connections mode of the GraphQL over SSE protocol:
each result is an event `next`, and the end is an event `complete`. Errors of the operation are sent
in the stream, because its client cannot read anything else.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from http import HTTPStatus
from typing import Any, Final

import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from gateway.domain.errors import ErrorCode, GatewayError, Unauthenticated
from gateway.graphql.messages import GraphQLParams, error_response, to_payload
from gateway.graphql.streaming import Streaming, until_one_ends
from gateway.graphql.trusted_documents import TrustedDocuments
from gateway.http.connections import STATE_KEY, Connections
from gateway.http.json_body import read_json_object
from gateway.http.problems import HEADERS, STATUSES, json_response, to_json
from gateway.http.requests import EVENTS, GRAPHQL_JSON, preferred, takes_events, takes_events_only
from gateway.services.execution import ExecutionResult, ExecutorFactory, RequestPrincipal

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
                self._send_events(send), _send_heartbeats(send), self._end_with_caller(), stopping
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


async def _send_heartbeats(send: Send) -> None:
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


class GraphQLEndpoint:
    def __init__(
        self, open_run: ExecutorFactory, streaming: Streaming, documents: TrustedDocuments
    ) -> None:
        self._open_run = open_run
        self._streaming = streaming
        self._documents = documents

    async def answer(self, request: Request) -> Response | EventStream:
        """Answer one request.

        Raises:
            GatewayError: for an invalid body or an unavailable document, before anything runs.

        """
        body = await read_json_object(request)
        params = GraphQLParams.read(body, self._documents)
        accept = request.headers.get("accept", "")
        if takes_events(accept) and self._streaming.streams.is_subscription(*params.operation):
            return self._events(request, self._subscribe(request.scope["caller"], params))
        answer = await self._ran(request.scope["caller"], params)
        if takes_events_only(accept):
            return self._events(request, _alone(answer))
        return _response(answer, preferred(accept))

    async def _ran(self, caller: RequestPrincipal, params: GraphQLParams) -> ExecutionResult:
        async with self._open_run(caller) as run:
            return await run(params.document, params.variables, params.operation_name)

    def _events(self, request: Request, answers: Answers) -> EventStream:
        return EventStream(answers, request.scope["caller"], self._streaming)

    async def _subscribe(self, caller: RequestPrincipal, params: GraphQLParams) -> Answers:
        results = self._streaming.streams.stream(
            caller, params.document, params.variables, params.operation_name
        )
        with self._streaming.counted(caller):
            async with aclosing(results):
                async for answer in results:
                    yield answer


async def _alone(answer: ExecutionResult) -> Answers:
    yield answer


def _response(answer: ExecutionResult, media_type: str) -> Response:
    content = to_payload(answer)
    if answer.data is None and answer.first_code is ErrorCode.UNAVAILABLE:
        return _unavailable(content, media_type)
    return json_response(content, _status(answer, media_type), media_type)


def _status(answer: ExecutionResult, media_type: str) -> HTTPStatus:
    # Plain JSON answers 200 to every readable request, whatever its result. The exception: when
    # a limit is exceeded, the status shows it, for tools that count refusals by status.
    is_counted = media_type == GRAPHQL_JSON or answer.first_code is ErrorCode.LIMIT_EXCEEDED
    is_refused = answer.is_request_error and is_counted
    return HTTPStatus.BAD_REQUEST if is_refused else HTTPStatus.OK


def _unavailable(content: Mapping[str, Any], media_type: str) -> Response:
    # Nothing ran and there is no data, so the status itself must tell the client to retry.
    response = json_response(content, STATUSES[ErrorCode.UNAVAILABLE], media_type)
    response.headers.update(HEADERS[ErrorCode.UNAVAILABLE])
    return response
