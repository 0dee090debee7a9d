"""Which credential is which: an API token of ours, or an access token of an issuer."""

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
    """Turns a credential into who it speaks for."""

    def __init__(self, *, tokens: Tokens, identities: Identities, verifier: Verifier) -> None:
        self._tokens = tokens
        self._identities = identities
        self._verifier = verifier

    async def __call__(
        self, unit: ReadUnit, credential: str, organization_id: str | None = None
    ) -> Principal:
        """Return who a credential speaks for, as the unit shows it.

        No view is held while an issuer's keys are fetched: nothing is read before they are there.

        Raises:
            Unauthenticated: for any that is not valid, or is of somebody whom nobody let in there.
            OrganizationNotNamed: for a user of several organizations who has to name one.
            Unavailable: if that cannot be told just now.

        """
        if credential.startswith(PREFIX):
            token = await self._tokens.principal(unit, credential)
            # A token is of one organization, and nothing in another.
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
        # Looked up each time: what was taken away from a user is gone with the next request.
        user = await self._identities.principal(
            unit,
            issuer=verified.issuer,
            subject=verified.subject,
            organization_id=organization_id,
        )
        return replace(user, expires_at=verified.expires_at)
