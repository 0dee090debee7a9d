"""Converts errors to responses in the format of the requested interface."""

from collections.abc import Mapping
from typing import Final

import structlog
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from gateway.domain.errors import ErrorCode, GatewayError, Internal
from gateway.http.problems import PATH, graphql_error, problem

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
