"""GraphQL over HTTP: one POST, one document, one answer."""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

import orjson
from starlette.requests import Request
from starlette.responses import Response

from gateway.domain.errors import ErrorCode
from gateway.domain.execution import Answer, OpenRun
from gateway.http.json_body import BodyFault, RefusedBody, read_json_object
from gateway.http.negotiation import GRAPHQL_JSON, preferred
from gateway.http.statuses import HEADERS, STATUSES

PATH: Final = "/graphql"


class GraphQLEndpoint:
    """Answers requests with documents."""

    def __init__(self, open_run: OpenRun) -> None:
        """Take what begins a caller's request."""
        self._open_run = open_run

    async def answer(self, request: Request) -> Response:
        """Answer one request.

        Raises:
            GatewayError: for a body that is none, before anything runs.

        """
        body = await read_json_object(request)
        document, variables, operation_name = _parameters(body)
        async with self._open_run(request.scope["principal"]) as run:
            answer = await run(document, variables, operation_name)
        return _response(answer, preferred(request.headers.get("accept", "")))


def _parameters(body: Mapping[str, Any]) -> tuple[str, Mapping[str, Any], str | None]:
    document, variables, name = (body.get(key) for key in ("query", "variables", "operationName"))
    if not isinstance(document, str):
        raise RefusedBody(BodyFault.NO_DOCUMENT)
    if not isinstance(variables, dict | None):
        raise RefusedBody(BodyFault.NO_VARIABLES)
    if not isinstance(name, str | None):
        raise RefusedBody(BodyFault.NO_OPERATION_NAME)
    if not isinstance(body.get("extensions"), dict | None):
        raise RefusedBody(BodyFault.NO_EXTENSIONS)
    return document, variables or {}, name


def _response(answer: Answer, media_type: str) -> Response:
    content: dict[str, Any] = {}
    if answer.errors:
        content["errors"] = answer.errors
    if not answer.is_request_error:
        content["data"] = answer.data
    if answer.extensions:
        content["extensions"] = answer.extensions
    if answer.data is None and answer.first_code is ErrorCode.UNAVAILABLE:
        return _unavailable(content, media_type)
    return _json(content, _status(answer, media_type), media_type)


def _status(answer: Answer, media_type: str) -> HTTPStatus:
    # Plain JSON answers 200 to a request that could be read, whatever became of it. Not so where
    # a limit is passed: what counts refusals by their status is to see it.
    is_counted = media_type == GRAPHQL_JSON or answer.first_code is ErrorCode.LIMIT_EXCEEDED
    is_refused = answer.is_request_error and is_counted
    return HTTPStatus.BAD_REQUEST if is_refused else HTTPStatus.OK


def _unavailable(content: Mapping[str, Any], media_type: str) -> Response:
    # Nothing was done and nothing is told: whoever tries again has to see it without reading.
    response = _json(content, STATUSES[ErrorCode.UNAVAILABLE], media_type)
    response.headers.update(HEADERS[ErrorCode.UNAVAILABLE])
    return response


def graphql_error(
    code: ErrorCode, message: str, *, accept: str, headers: Mapping[str, str]
) -> Response:
    """Return an error that came before any document could run."""
    error = {"message": message, "extensions": {"code": code}}
    response = _json({"errors": [error]}, STATUSES[code], preferred(accept))
    response.headers.update({**HEADERS.get(code, {}), **headers})
    return response


def _json(content: Mapping[str, Any], status: HTTPStatus, media_type: str) -> Response:
    return Response(_encoded(content), status, media_type=f"{media_type}; charset=utf-8")


def _encoded(content: Mapping[str, Any]) -> bytes:
    try:
        return orjson.dumps(content)
    except TypeError:
        # What a caller sent is told back in places; a lone surrogate goes back as an escape.
        return json.dumps(content).encode()
