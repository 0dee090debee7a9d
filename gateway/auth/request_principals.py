"""From a credential to a principal, read on the view that the work uses."""

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
# A peer with an IPv6 address usually has this whole network.
_NETWORK_BITS: Final = 64


class RequestPrincipals:
    """Signs in requests."""

    def __init__(self, database: Database, sign_in: GuardedSignIn, look_up: LookUp) -> None:
        """Take the database, and the two ways to read a credential.

        `sign_in` counts failures, for incoming credentials. `look_up` does not; it reads
        credentials again that have signed in before.
        """
        self._database = database
        self._sign_in = sign_in
        self._look_up = look_up

    def view(self) -> ReadUnit:
        """Return a view for one request; the caller must close it."""
        return self._database.view()

    async def introduce(
        self, authorization: str, scope: Scope, organization_id: str | None = None
    ) -> RequestPrincipal:
        """Return the principal without a view, for work that lasts longer than a request.

        `organization_id` is the organization that a WebSocket's first message names, if any;
        a header that names another one contradicts it.

        Raises:
            Unauthenticated: if there is no valid credential.
            OrganizationNotNamed: if the user must name an organization.
            RateLimited: if too many credentials from this source were not valid.
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
        """Return the principal on the view of the request's work; errors as in `introduce`."""
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
        # The chosen organization stays, even if the user joins others.
        chosen = organization_id or principal.organization_id

        async def look_up(unit: ReadUnit) -> Principal:
            return await self._look_up(unit, credential, chosen)

        kind = ActorKind.TOKEN if credential.startswith(PREFIX) else ActorKind.USER
        return RequestPrincipal(principal, look_up, kind, view)


def credential_of(authorization: str) -> str:
    """Return the credential in an Authorization header's text.

    Raises:
        Unauthenticated: if there is no credential of a known form.

    """
    if len(authorization) > _MAX_CREDENTIAL_LENGTH:
        raise Unauthenticated
    scheme, _, credential = authorization.partition(" ")
    if scheme.lower() not in _SCHEMES or not credential.strip():
        raise Unauthenticated
    # The original API uses `Token` for its own tokens; an issuer's token is a bearer token.
    if scheme.lower() == "token" and "." in credential:
        raise Unauthenticated
    return credential.strip()


def _requested_organization(scope: Scope, in_message: str | None = None) -> str | None:
    """Return the one organization that a request names, if it names one.

    Raises:
        Unauthenticated: if it names several, or an invalid id.

    """
    named = Headers(raw=scope.get("headers", [])).getlist(ORGANIZATION_HEADER)
    if in_message is not None:
        named.append(in_message)
    if len(set(named)) > 1 or not all(map(is_canonical_id, named)):
        raise Unauthenticated
    return next(iter(named), None)


def _source(scope: Scope) -> str:
    """Return the source that failures are counted against."""
    host = scope["client"][0] if scope.get("client") else "unknown"
    try:
        address = ip_address(host)
    except ValueError:
        return str(host)
    if address.version == 4:  # noqa: PLR2004 - the number of a version
        return str(address)
    return str(ip_network((address, _NETWORK_BITS), strict=False))
