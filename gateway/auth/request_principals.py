"""From a credential to a caller: who it speaks for, read on the view that the work is done on."""

from ipaddress import ip_address, ip_network
from typing import Final

from starlette.datastructures import Headers
from starlette.types import Scope

from gateway.auth.attempts import GuardedSignIn, LookUp
from gateway.domain.errors import Unauthenticated
from gateway.domain.ids import is_canonical_id
from gateway.domain.origins import ActorKind
from gateway.domain.principals import Principal
from gateway.domain.tokens import PREFIX
from gateway.http.requests import ORGANIZATION_HEADER
from gateway.services.execution import RequestPrincipal
from gateway.storage.unit_of_work import Database, ReadUnit

_SCHEMES: Final = frozenset({"bearer", "token"})
_MAX_CREDENTIAL_LENGTH: Final = 8_192
# A peer with an address of version 6 mostly has all of this network.
_NETWORK_BITS: Final = 64


class RequestPrincipals:
    """Signs callers in."""

    def __init__(self, database: Database, sign_in: GuardedSignIn, look_up: LookUp) -> None:
        """Take where views come from, and how a credential is read.

        `sign_in` counts failures, for credentials that come in; `look_up` does not, for those
        that signed in once and are read again.
        """
        self._database = database
        self._sign_in = sign_in
        self._look_up = look_up

    def view(self) -> ReadUnit:
        """Return a view for one request, which the caller closes."""
        return self._database.view()

    async def introduce(
        self, authorization: str, scope: Scope, organization_id: str | None = None
    ) -> RequestPrincipal:
        """Return the caller on no view: for what lasts longer than a request.

        The organization is the one that the first message of a WebSocket names, if it does; a
        header that names another one contradicts it.

        Raises:
            Unauthenticated: if it has no valid credential.
            OrganizationNotNamed: if it is of a user who has to name an organization.
            RateLimited: if too many from there were not valid.
            Unavailable: if credentials cannot be looked up.

        """
        credential = credential_of(authorization)
        view = self.view()
        try:
            named = _requested_organization(scope, organization_id)
            principal = await self._sign_in(view, credential, _source(scope), named)
        finally:
            await view.close()
        return self._caller(credential, principal, named)

    async def sign_in(self, view: ReadUnit, credential: str, scope: Scope) -> RequestPrincipal:
        """Return the caller on a view that the request's work is done on; errors as above."""
        named = _requested_organization(scope)
        principal = await self._sign_in(view, credential, _source(scope), named)
        return self._caller(credential, principal, named, view)

    def _caller(
        self,
        credential: str,
        principal: Principal,
        organization_id: str | None,
        view: ReadUnit | None = None,
    ) -> RequestPrincipal:
        # The organization stays the one that was chosen, also if the user joins others.
        chosen = organization_id or principal.organization_id

        async def look_up(unit: ReadUnit) -> Principal:
            return await self._look_up(unit, credential, chosen)

        kind = ActorKind.TOKEN if credential.startswith(PREFIX) else ActorKind.USER
        return RequestPrincipal(principal, look_up, kind, view)


def credential_of(authorization: str) -> str:
    """Return the credential in an Authorization header's text.

    Raises:
        Unauthenticated: if there is none of a known form.

    """
    if len(authorization) > _MAX_CREDENTIAL_LENGTH:
        raise Unauthenticated
    scheme, _, credential = authorization.partition(" ")
    if scheme.lower() not in _SCHEMES or not credential.strip():
        raise Unauthenticated
    # The original API has `Token` for its own tokens; what an issuer signed is a bearer's.
    if scheme.lower() == "token" and "." in credential:
        raise Unauthenticated
    return credential.strip()


def _requested_organization(scope: Scope, in_message: str | None = None) -> str | None:
    """Return the one organization that a request names, if it names one.

    Raises:
        Unauthenticated: if it names several, or what is no id.

    """
    named = Headers(raw=scope.get("headers", [])).getlist(ORGANIZATION_HEADER)
    if in_message is not None:
        named.append(in_message)
    if len(set(named)) > 1 or not all(map(is_canonical_id, named)):
        raise Unauthenticated
    return next(iter(named), None)


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
