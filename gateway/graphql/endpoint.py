"""GraphQL over HTTP: each POST runs one document and returns one result or a stream of them."""

from collections.abc import Mapping
from contextlib import aclosing
from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from gateway.domain.errors import ErrorCode
from gateway.graphql.messages import GraphQLParams, to_payload
from gateway.graphql.sse import Answers, EventStream
from gateway.graphql.streaming import Streaming
from gateway.graphql.trusted_documents import TrustedDocuments
from gateway.http.json_body import read_json_object
from gateway.http.negotiation import GRAPHQL_JSON, preferred, takes_events, takes_events_only
from gateway.http.problems import HEADERS, STATUSES, json_response
from gateway.services.execution import ExecutionResult, ExecutorFactory, RequestPrincipal


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
