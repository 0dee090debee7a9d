"""Kinds of credentials: the gateway's own API tokens, and access tokens of an issuer."""

from dataclasses import replace
from typing import Final

from gateway.domain.errors import Unauthenticated
from gateway.domain.principals import Principal
from gateway.domain.tokens import PREFIX
from gateway.identity.verifier import Verifier
from gateway.services.identities import Identities
from gateway.services.tokens import Tokens
from gateway.storage.unit_of_work import ReadUnit

_DOTS_OF_A_JWT: Final = 2


class SignIn:
    """Turns a credential into its principal."""

    def __init__(self, *, tokens: Tokens, identities: Identities, verifier: Verifier) -> None:
        self._tokens = tokens
        self._identities = identities
        self._verifier = verifier

    async def __call__(
        self, unit: ReadUnit, credential: str, organization_id: str | None = None
    ) -> Principal:
        """Return a credential's principal, as the unit shows it.

        No view is open while an issuer's keys are fetched: the first read comes after that.

        Raises:
            Unauthenticated: if it is not valid, or its user is not registered in the organization.
            OrganizationNotNamed: if the user has several organizations and must name one.
            Unavailable: if the credential cannot be checked at the moment.

        """
        if credential.startswith(PREFIX):
            token = await self._tokens.principal(unit, credential)
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
        user = await self._identities.principal(
            unit,
            issuer=verified.issuer,
            subject=verified.subject,
            organization_id=organization_id,
        )
        return replace(user, expires_at=verified.expires_at)
