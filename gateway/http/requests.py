"""Adds an id, one log line and the common response headers to every request."""

import re
import time
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final
from uuid import uuid4

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.domain.origins import AuditFace, originating

_log = structlog.get_logger(__name__)

REQUEST_ID: Final = "X-Request-Id"
# Selects one of the organizations of a user.
ORGANIZATION_HEADER: Final = "X-Organization-Id"
GRAPHQL_PATH: Final = "/graphql"
_ACCEPTED_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
# A page of the gateway that needs another policy sets it itself.
DEFAULT_HEADERS: Final[Mapping[str, str]] = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
}
# Two years, the time that browsers require to preload a host as TLS only.
HTTPS_HEADERS: Final[Mapping[str, str]] = {
    "Strict-Transport-Security": "max-age=63072000; includeSubDomains"
}


# The second message type refuses a WebSocket.
_STARTS: Final = frozenset({"http.response.start", "websocket.http.response.start"})


class RequestFrame:
    """ASGI middleware that adds an id, a log line and the common headers to each request."""

    def __init__(self, app: ASGIApp, *, https: bool = False) -> None:
        self._app = app
        self._defaults = {**DEFAULT_HEADERS, **(HTTPS_HEADERS if https else {})}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; log it and add the headers."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        request_id, begun, status = _request_id(scope), time.perf_counter(), 0

        async def framed_send(message: Message) -> None:
            nonlocal status
            if message["type"] == "websocket.accept":
                status = HTTPStatus.SWITCHING_PROTOCOLS
            if message["type"] in _STARTS:
                status = int(message["status"])
                headers = MutableHeaders(scope=message)
                headers[REQUEST_ID] = request_id
                for name, default in self._defaults.items():
                    headers.setdefault(name, default)
            await send(message)

        face = AuditFace.GRAPHQL if scope["path"] == GRAPHQL_PATH else AuditFace.REST
        with (
            structlog.contextvars.bound_contextvars(request_id=request_id),
            originating(face=face, request_id=request_id),
        ):
            try:
                await self._app(scope, receive, framed_send)
            finally:
                elapsed = round((time.perf_counter() - begun) * 1000, 2)
                _log.info("request", **_describe(scope), status=status, milliseconds=elapsed)


def _request_id(scope: Scope) -> str:
    given = Headers(scope=scope).get(REQUEST_ID, "")
    return given if _ACCEPTED_ID.fullmatch(given) else str(uuid4())


def _describe(scope: Scope) -> Mapping[str, str]:
    # The route, not the path: a path is client text and can contain anything.
    route = scope.get("route")
    method = scope.get("method", "WEBSOCKET")
    return {"method": method, "route": getattr(route, "path", "unmatched")}
