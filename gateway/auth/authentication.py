"""ASGI middleware: no route is reached without a principal, but for those named public."""

import re
from collections.abc import Awaitable, Callable
from functools import partial
from ipaddress import ip_address, ip_network
from typing import Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.domain.errors import Unauthenticated
from gateway.domain.execution import Caller
from gateway.domain.origins import ActorKind, originating
from gateway.domain.principals import Principal
from gateway.domain.tokens import PREFIX

_SCHEMES: Final = frozenset({"bearer", "token"})
_MAX_CREDENTIAL_LENGTH: Final = 8_192
_IN_ADDRESS: Final = re.compile(rb"(?:^|&)access_token=")
# Whoever has an address of version 6 mostly has all of this network.
_NETWORK_BITS: Final = 64

# Takes a credential and its source.
PrincipalOf = Callable[[str, str], Awaitable[Principal]]


class Authentication:
    """Turns the Authorization header into `scope["principal"]`, and `scope["caller"]` for streams.

    A WebSocket may come without one; who opens it has to say later who they are.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        principal_of: PrincipalOf,
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
        given = Headers(scope=scope).getlist("authorization")
        # An address ends up in logs and histories; beside a header it is one credential too many.
        if _IN_ADDRESS.search(scope["query_string"]) or len(given) > 1:
            raise Unauthenticated
        if scope["type"] == "websocket" and not given:
            # A page cannot set the header: the credential comes with the first message.
            await self._app(scope, receive, send)
            return
        caller = scope["caller"] = await signed_in(self._principal_of, "".join(given), scope)
        scope["principal"] = caller.viewer
        with originating(actor_kind=caller.kind, actor_id=caller.viewer.id):
            await self._app(scope, receive, send)


async def signed_in(principal_of: PrincipalOf, authorization: str, scope: Scope) -> Caller:
    """Return who an Authorization header's text speaks for, and how to look them up again.

    Raises:
        Unauthenticated: if it has no valid credential.
        RateLimited: if too many from there were not valid.
        Unavailable: if credentials cannot be looked up.

    """
    credential = _credential(authorization)
    look_up = partial(principal_of, credential, _source(scope))
    kind = ActorKind.TOKEN if credential.startswith(PREFIX) else ActorKind.USER
    return Caller(await look_up(), look_up, kind)


def _credential(authorization: str) -> str:
    if len(authorization) > _MAX_CREDENTIAL_LENGTH:
        raise Unauthenticated
    scheme, _, credential = authorization.partition(" ")
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
