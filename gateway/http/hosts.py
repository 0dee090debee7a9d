"""Accepts only requests whose Host header names this gateway."""

import re
from collections.abc import Collection
from typing import Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.domain.errors import ErrorCode, GatewayError

_HOST: Final = re.compile(r"(?:\[(?P<v6>[0-9a-f:.]+)\]|(?P<name>[a-z0-9._-]+))(?::[0-9]{1,5})?")


class UnknownHost(GatewayError):
    """The Host header does not name this gateway."""

    code = ErrorCode.BAD_USER_INPUT

    def __init__(self) -> None:
        super().__init__("The Host header must name a host of this gateway (see allowed_hosts).")


class HostGate:
    """ASGI middleware that refuses requests to other hosts, e.g. after DNS rebinding."""

    def __init__(
        self, app: ASGIApp, *, hosts: Collection[str], open_paths: Collection[str]
    ) -> None:
        self._app = app
        self._hosts = hosts
        self._open_paths = open_paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on if its host is allowed.

        Raises:
            UnknownHost: if the request names another host, no host, or several.

        """
        if scope["type"] in {"http", "websocket"} and scope["path"] not in self._open_paths:
            _ensure_known(Headers(scope=scope).getlist("host"), self._hosts)
        await self._app(scope, receive, send)


def _ensure_known(given: list[str], hosts: Collection[str]) -> None:
    found = _HOST.fullmatch(given[0].lower()) if len(given) == 1 else None
    if found is None or (found["v6"] or found["name"]) not in hosts:
        raise UnknownHost
