"""From a credential to a principal, read on the view that the work uses.

A credential is one of the gateway's own API tokens, or an access token of an issuer.
"""

from dataclasses import replace
from ipaddress import ip_address, ip_network
from typing import Final

from starlette.datastructures import Headers
from starlette.types import Scope

from gateway.auth.attempts import GuardedSignIn, LookUp
from gateway.domain.errors import Unauthenticated
from gateway.domain.holders import is_canonical_id
from gateway.domain.principals import Principal
from gateway.domain.tokens import PREFIX, earliest
from gateway.http.requests import ORGANIZATION_HEADER, credential_of
from gateway.identity.verifier import Verifier
from gateway.services.authentication import Authentication
from gateway.services.execution import RequestPrincipal
from gateway.storage.database import Database
from gateway.storage.unit_of_work import ReadUnit

# A peer with an IPv6 address usually has this whole network.
_NETWORK_BITS: Final = 64
_DOTS_OF_A_JWT: Final = 2


class SignIn:
    """Turns a credential into its principal."""

    def __init__(self, authentication: Authentication, verifier: Verifier) -> None:
        self._authentication = authentication
        self._verifier = verifier

    async def __call__(
        self, unit: ReadUnit, credential: str, organization_id: str | None = None
    ) -> Principal:
        """Return a credential's principal, as the unit shows it.

        No view is open while an issuer's keys are fetched: the first read comes after that.

        Raises:
            Unauthenticated: if it is not valid, or gives nothing in the organization.
            OrganizationNotNamed: if the user has several organizations and must name one.
            Unavailable: if the credential cannot be checked at the moment.

        """
        if credential.startswith(PREFIX):
            token = await self._authentication.token_principal(unit, credential)
            # A token belongs to one organization and is not valid in another.
            if organization_id not in {None, token.organization_id}:
                raise Unauthenticated
            return token
        if credential.count(".") != _DOTS_OF_A_JWT:
            raise Unauthenticated
        return await self._user(unit, credential, organization_id)

    async def _user(
        self, unit: ReadUnit, credential: str, organization_id: str | None
    ) -> Principal:
        verified = await self._verifier.verify(credential)
        # Read on each request: a removed permission ends with the next request.
        user = await self._authentication.user_principal(
            unit,
            issuer=verified.issuer,
            subject=verified.subject,
            claims=verified.claims,
            organization_id=organization_id,
        )
        return replace(user, expires_at=earliest(user.expires_at, verified.expires_at))


class RequestPrincipals:
    def __init__(self, database: Database, sign_in: GuardedSignIn, look_up: LookUp) -> None:
        """Take the database, and the two ways to read a credential.

        `sign_in` counts failures, for incoming credentials. `look_up` does not; it reads
        credentials again that have signed in before.
        """
        self._database = database
        self._sign_in = sign_in
        self._look_up = look_up

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
        view = self._database.view()
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

        return RequestPrincipal(principal, look_up, principal.creator.kind, view)


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
