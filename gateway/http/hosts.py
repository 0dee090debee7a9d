"""Only requests that were meant for this gateway: those that name one of its hosts."""

import re
from collections.abc import Collection
from typing import Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.domain.errors import ErrorCode, GatewayError

_HOST: Final = re.compile(r"(?:\[(?P<v6>[0-9a-f:.]+)\]|(?P<name>[a-z0-9._-]+))(?::[0-9]{1,5})?")


class UnknownHost(GatewayError):
    """The request was sent to another name than this gateway's."""

    code = ErrorCode.BAD_USER_INPUT

    def __init__(self) -> None:
        super().__init__("The Host header names no host of this gateway (see allowed_hosts).")


class HostGate:
    """ASGI middleware that refuses requests to other hosts, as a rebound name in DNS makes them."""

    def __init__(
        self, app: ASGIApp, *, hosts: Collection[str], open_paths: Collection[str]
    ) -> None:
        self._app = app
        self._hosts = hosts
        self._open_paths = open_paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, if it is for us.

        Raises:
            UnknownHost: if it names another host, none, or several.

        """
        if scope["type"] in {"http", "websocket"} and scope["path"] not in self._open_paths:
            _ensure_known(Headers(scope=scope).getlist("host"), self._hosts)
        await self._app(scope, receive, send)


def _ensure_known(given: list[str], hosts: Collection[str]) -> None:
    found = _HOST.fullmatch(given[0].lower()) if len(given) == 1 else None
    if found is None or (found["v6"] or found["name"]) not in hosts:
        raise UnknownHost
