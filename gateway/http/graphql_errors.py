"""JSON responses and errors in the format of GraphQL, for the paths and the pipeline."""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

import orjson
from starlette.responses import Response

from gateway.domain.errors import ErrorCode
from gateway.http.negotiation import preferred
from gateway.http.problems import HEADERS, STATUSES

PATH: Final = "/graphql"


def graphql_error(
    code: ErrorCode, message: str, *, accept: str, headers: Mapping[str, str]
) -> Response:
    """Return the response for an error before any document ran."""
    response = json_response(
        {"errors": [error_entry(code, message)]}, STATUSES[code], preferred(accept)
    )
    response.headers.update({**HEADERS.get(code, {}), **headers})
    return response


def json_response(content: Mapping[str, Any], status: HTTPStatus, media_type: str) -> Response:
    """Return a JSON response of that media type."""
    return Response(to_json(content), status, media_type=f"{media_type}; charset=utf-8")


def to_json(content: Mapping[str, Any]) -> bytes:
    """Return the JSON of a result, or of an object that contains one."""
    try:
        return orjson.dumps(content)
    except TypeError:
        # Answers can contain text from the request; a lone surrogate is returned as an escape.
        return json.dumps(content).encode()


def error_entry(code: ErrorCode, message: str) -> Mapping[str, Any]:
    """Return an entry of `errors` without a location or path."""
    return {"message": message, "extensions": {"code": code}}
