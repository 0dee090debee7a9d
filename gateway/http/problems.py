"""Errors as responses of the requested face: problems (RFC 9457) and GraphQL errors."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from types import MappingProxyType
from typing import Any, Final

import orjson
import structlog
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Scope

from gateway.domain.errors import ErrorCode, GatewayError, Internal
from gateway.domain.request_records import note_refusal
from gateway.http.requests import preferred

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
        ErrorCode.VERSION_NOT_KEPT: HTTPStatus.GONE,
        ErrorCode.UNAVAILABLE: HTTPStatus.SERVICE_UNAVAILABLE,
        ErrorCode.INTERNAL: HTTPStatus.INTERNAL_SERVER_ERROR,
    }
)

# Headers that tell a client how to proceed.
HEADERS: Final[Mapping[ErrorCode, Mapping[str, str]]] = MappingProxyType(
    {
        ErrorCode.UNAUTHENTICATED: {"WWW-Authenticate": 'Bearer realm="secrets-gateway"'},
        # The minimum; an error with a better value sets it itself.
        ErrorCode.RATE_LIMITED: {"Retry-After": "1"},
        ErrorCode.UNAVAILABLE: {"Retry-After": "1"},
    }
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
    note_refusal(code)
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
    note_refusal(code)
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
        return json.dumps(content, default=_read_again).encode()


def _read_again(fragment: object) -> object:
    """Return the content of what is already JSON."""
    if not isinstance(fragment, orjson.Fragment):
        raise TypeError
    return orjson.loads(orjson.dumps(fragment))


def error_entry(code: ErrorCode, message: str) -> Mapping[str, Any]:
    """Return an entry of `errors` without a location or path."""
    return {"message": message, "extensions": {"code": code}}


_log = structlog.get_logger(__name__)

_HTTP_ERRORS: Final[Mapping[int, tuple[ErrorCode, str]]] = {
    404: (
        ErrorCode.NOT_FOUND,
        "This path is unknown: this gateway serves the secrets domain only.",
    ),
    405: (ErrorCode.METHOD_NOT_ALLOWED, "This path does not support that method."),
}


class UnknownPath(GatewayError):
    code = ErrorCode.NOT_FOUND

    def __init__(self) -> None:
        super().__init__(_HTTP_ERRORS[404][1])


def to_known_error(error: Exception) -> GatewayError:
    """Return an error as one of the gateway; the unexpected is logged."""
    if isinstance(error, GatewayError):
        return error
    _log.error("unexpected_error", exc_info=error)
    return Internal()


def error_response(error: GatewayError, scope: Scope) -> Response:
    after = {} if error.retry_after is None else {"Retry-After": str(error.retry_after)}
    return _answer(error.code, error.message, scope, after)


def on_http_exception(request: Request, error: Exception) -> Response:
    """Convert Starlette's own refusals: an unknown path or a wrong method."""
    if not isinstance(error, HTTPException) or error.status_code not in _HTTP_ERRORS:
        raise error
    code, message = _HTTP_ERRORS[error.status_code]
    return _answer(code, message, request.scope, error.headers or {})


def _answer(code: ErrorCode, message: str, scope: Scope, headers: Mapping[str, str]) -> Response:
    if scope["path"] == PATH:
        accept = Headers(scope=scope).get("accept", "")
        return graphql_error(code, message, accept=accept, headers=headers)
    return problem(code, message, path=scope["path"], headers=headers)
