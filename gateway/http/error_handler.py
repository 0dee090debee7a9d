"""Converts every exception to a response in the format of the requested interface."""

from collections.abc import Mapping
from typing import Final

import structlog
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.domain.errors import ErrorCode, GatewayError, Internal
from gateway.http import graphql
from gateway.http.problems import path_of, problem

_log = structlog.get_logger(__name__)

_HTTP_ERRORS: Final[Mapping[int, tuple[ErrorCode, str]]] = {
    404: (
        ErrorCode.NOT_FOUND,
        "This path is unknown: this gateway serves the secrets domain only.",
    ),
    405: (ErrorCode.METHOD_NOT_ALLOWED, "This path does not support that method."),
}


class UnknownPath(GatewayError):
    """The path does not match any route."""

    code = ErrorCode.NOT_FOUND

    def __init__(self) -> None:
        super().__init__(_HTTP_ERRORS[404][1])


class ExceptionMiddleware:
    """ASGI middleware that converts every exception to a response."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; answer the exceptions that it raises."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        if path_of(scope).endswith("\n"):
            # `$` also matches before a final line break, which no path has.
            await error_response(UnknownPath(), scope)(scope, receive, send)
            return
        has_begun = False

        async def watched_send(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        try:
            await self._app(scope, receive, watched_send)
        except ClientDisconnect:
            # The client has disconnected: there is nothing to answer and no error to log.
            _log.info("client_gone")
        except Exception as error:
            if has_begun:
                raise
            await error_response(_to_known_error(error), scope)(scope, receive, send)


def _to_known_error(error: Exception) -> GatewayError:
    if isinstance(error, GatewayError):
        return error
    _log.error("unexpected_error", exc_info=error)
    return Internal()


def error_response(error: GatewayError, scope: Scope) -> Response:
    """Return the error response in the format of the path's interface."""
    after = {} if error.retry_after is None else {"Retry-After": str(error.retry_after)}
    return _answer(error.code, error.message, scope, after)


def on_http_exception(request: Request, error: Exception) -> Response:
    """Convert Starlette's own refusals: an unknown path or a wrong method."""
    if not isinstance(error, HTTPException) or error.status_code not in _HTTP_ERRORS:
        raise error
    code, message = _HTTP_ERRORS[error.status_code]
    return _answer(code, message, request.scope, error.headers or {})


def _answer(code: ErrorCode, message: str, scope: Scope, headers: Mapping[str, str]) -> Response:
    if path_of(scope) == graphql.PATH:
        accept = Headers(scope=scope).get("accept", "")
        return graphql.graphql_error(code, message, accept=accept, headers=headers)
    return problem(code, message, path=path_of(scope), headers=headers)
