"""Errors as responses: problems (RFC 9457) and GraphQL errors."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from types import MappingProxyType
from typing import Any, Final

import orjson
from starlette.responses import JSONResponse, Response

from gateway.domain.errors import ErrorCode
from gateway.http.negotiation import preferred

MEDIA_TYPE: Final = "application/problem+json"

STATUSES: Final[Mapping[ErrorCode, HTTPStatus]] = MappingProxyType(
    {
        ErrorCode.BAD_USER_INPUT: HTTPStatus.BAD_REQUEST,
        ErrorCode.SCOPE_VIOLATION: HTTPStatus.BAD_REQUEST,
        ErrorCode.ALIAS_OF_ALIAS: HTTPStatus.BAD_REQUEST,
        ErrorCode.NOT_OVERRIDABLE: HTTPStatus.BAD_REQUEST,
        ErrorCode.READ_ONLY: HTTPStatus.FORBIDDEN,
        ErrorCode.NOT_FOUND: HTTPStatus.NOT_FOUND,
        ErrorCode.CONFLICT: HTTPStatus.CONFLICT,
        ErrorCode.IDEMPOTENCY_CONFLICT: HTTPStatus.CONFLICT,
        ErrorCode.TOKEN_ALREADY_SHOWN: HTTPStatus.CONFLICT,
        ErrorCode.VERSION_CONFLICT: HTTPStatus.PRECONDITION_FAILED,
        ErrorCode.NOT_EMPTY: HTTPStatus.CONFLICT,
        ErrorCode.SECRET_IN_USE: HTTPStatus.CONFLICT,
        ErrorCode.QUOTA_EXCEEDED: HTTPStatus.CONFLICT,
        ErrorCode.REFERENCE_UNRESOLVED: HTTPStatus.CONFLICT,
        ErrorCode.REFERENCES_NOT_UPDATED: HTTPStatus.CONFLICT,
        ErrorCode.DELIVERY_LIMIT_EXCEEDED: HTTPStatus.CONFLICT,
        ErrorCode.UNAUTHENTICATED: HTTPStatus.UNAUTHORIZED,
        ErrorCode.FORBIDDEN: HTTPStatus.FORBIDDEN,
        ErrorCode.ORGANIZATION_REQUIRED: HTTPStatus.FORBIDDEN,
        ErrorCode.PERSISTED_QUERY_NOT_FOUND: HTTPStatus.BAD_REQUEST,
        ErrorCode.PERSISTED_QUERY_NOT_SUPPORTED: HTTPStatus.BAD_REQUEST,
        ErrorCode.DOCUMENT_NOT_TRUSTED: HTTPStatus.FORBIDDEN,
        ErrorCode.LIMIT_EXCEEDED: HTTPStatus.BAD_REQUEST,
        ErrorCode.DEADLINE_EXCEEDED: HTTPStatus.GATEWAY_TIMEOUT,
        ErrorCode.METHOD_NOT_ALLOWED: HTTPStatus.METHOD_NOT_ALLOWED,
        ErrorCode.PAYLOAD_TOO_LARGE: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        ErrorCode.UNSUPPORTED_MEDIA_TYPE: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        ErrorCode.RATE_LIMITED: HTTPStatus.TOO_MANY_REQUESTS,
        ErrorCode.CURSOR_EXPIRED: HTTPStatus.GONE,
        ErrorCode.UNAVAILABLE: HTTPStatus.SERVICE_UNAVAILABLE,
        ErrorCode.INTERNAL: HTTPStatus.INTERNAL_SERVER_ERROR,
    },
)

# Headers that tell a client how to proceed.
HEADERS: Final[Mapping[ErrorCode, Mapping[str, str]]] = MappingProxyType(
    {
        ErrorCode.UNAUTHENTICATED: {"WWW-Authenticate": 'Bearer realm="secrets-gateway"'},
        # The minimum; an error with a better value sets it itself.
        ErrorCode.RATE_LIMITED: {"Retry-After": "1"},
        ErrorCode.UNAVAILABLE: {"Retry-After": "1"},
    },
)


def problem(
    code: ErrorCode,
    detail: str,
    *,
    path: str,
    extensions: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """Return the body of a REST error; `extensions` are RFC 9457's, e.g. `existing_variable`."""
    status = STATUSES[code]
    named = {"type": f"urn:secrets-gateway:error:{code}", "code": code}
    return JSONResponse(
        {**fields(status, detail, path=path), **named, **(extensions or {})},
        status_code=status,
        media_type=MEDIA_TYPE,
        headers={**HEADERS.get(code, {}), **(headers or {})},
    )


def fields(status: HTTPStatus, detail: str, *, path: str = "") -> dict[str, Any]:
    """Return the fields of every error body; the path is empty if the request was unreadable."""
    return {
        # RFC 9457: the status alone describes the problem.
        "type": "about:blank",
        "title": status.phrase,
        "status": status.value,
        "detail": detail,
        "instance": path,
        "error": status.phrase,
        "message": detail,
        "path": path,
        "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }


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
