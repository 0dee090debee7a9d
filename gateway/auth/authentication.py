"""ASGI middleware: no route is reached without a principal, but for those named public."""

import re
from collections.abc import Awaitable, Callable
from ipaddress import ip_address, ip_network
from typing import Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.domain.errors import Unauthenticated
from gateway.domain.origins import ActorKind, originating
from gateway.domain.principals import Principal
from gateway.domain.tokens import PREFIX

_SCHEMES: Final = frozenset({"bearer", "token"})
_MAX_CREDENTIAL_LENGTH: Final = 8_192
_IN_ADDRESS: Final = re.compile(rb"(?:^|&)access_token=")
# Whoever has an address of version 6 mostly has all of this network.
_NETWORK_BITS: Final = 64


class Authentication:
    """Turns the Authorization header into `scope["principal"]`."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        principal_of: Callable[[str, str], Awaitable[Principal]],
        is_public: Callable[[str], bool],
    ) -> None:
        """Take how a credential and its source are looked up, and which paths need none."""
        self._app = app
        self._principal_of = principal_of
        self._is_public = is_public

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with its principal.

        Raises:
            Unauthenticated: if it has no valid credential.
            RateLimited: if too many from there were not valid.
            Unavailable: if credentials cannot be looked up.

        """
        # The path that was matched, never the Host header or a rebuilt URL.
        if scope["type"] not in {"http", "websocket"} or self._is_public(scope["path"]):
            await self._app(scope, receive, send)
            return
        credential = _credential(scope)
        principal = scope["principal"] = await self._principal_of(credential, _source(scope))
        kind = ActorKind.TOKEN if credential.startswith(PREFIX) else ActorKind.USER
        with originating(actor_kind=kind, actor_id=principal.id):
            await self._app(scope, receive, send)


def _credential(scope: Scope) -> str:
    given = Headers(scope=scope).getlist("authorization")
    # An address ends up in logs and histories; beside a header it is one credential too many.
    if _IN_ADDRESS.search(scope["query_string"]):
        raise Unauthenticated
    if len(given) != 1 or len(given[0]) > _MAX_CREDENTIAL_LENGTH:
        raise Unauthenticated
    scheme, _, credential = given[0].partition(" ")
    if scheme.lower() not in _SCHEMES or not credential.strip():
        raise Unauthenticated
    # The original API has `Token` for its own tokens; what an issuer signed is a bearer's.
    if scheme.lower() == "token" and "." in credential:
        raise Unauthenticated
    return credential.strip()


def _source(scope: Scope) -> str:
    """Return whom failures from there are counted against."""
    host = scope["client"][0] if scope.get("client") else "unknown"
    try:
        address = ip_address(host)
    except ValueError:
        return str(host)
    if address.version == 4:  # noqa: PLR2004 - a version's number
        return str(address)
    return str(ip_network((address, _NETWORK_BITS), strict=False))
