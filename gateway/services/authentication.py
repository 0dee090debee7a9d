"""Sign-in: from a token's text or a verified identity to the principal of the request."""

from datetime import datetime
from hmac import compare_digest

from gateway.domain.errors import Unauthenticated
from gateway.domain.grants import choose_registration
from gateway.domain.principals import Principal
from gateway.domain.tokens import is_token_text
from gateway.services.context import ServiceContext
from gateway.services.token_uses import TokenUses
from gateway.services.tokens import token_digest
from gateway.storage import grants
from gateway.storage.unit_of_work import ReadUnit


class Authentication:
    """Finds principals. Nothing else works without one."""

    def __init__(self, context: ServiceContext, uses: TokenUses) -> None:
        self._context = context
        self._uses = uses

    def now(self) -> datetime:
        """Return the time that decides whether credentials are valid."""
        return self._context.now()

    async def token_principal(self, unit: ReadUnit, text: str) -> Principal:
        """Return the principal of a token, with its grants in this unit's view.

        Raises:
            Unauthenticated: for a malformed, unknown, revoked or expired token alike.
            Unavailable: if the database does not answer.

        """
        if not is_token_text(text):
            raise Unauthenticated
        digest, now = token_digest(self._context, text), self._context.now()
        found = await grants.token_with_grants(unit, digest, at=now)
        # An index compares byte by byte and stops early, so compare again in constant time.
        if found is None or not compare_digest(found[1], digest):
            raise Unauthenticated
        self._uses.note(found[0], now)
        return found[2]

    async def user_principal(
        self, unit: ReadUnit, *, issuer: str, subject: str, organization_id: str | None = None
    ) -> Principal:
        """Return the principal of a verified identity, with its grants in this unit's view.

        The caller must have verified the issuer's assertion. Without an organization, the
        identity's home is used; see `domain.grants.choose_registration`.

        Raises:
            Unauthenticated: for an identity that is not registered, or not in the organization.
            OrganizationNotNamed: if several organizations are possible.
            Unavailable: if the database does not answer.

        """
        found = await grants.registrations(unit, issuer, subject)
        chosen = choose_registration([user for user, _ in found], organization_id)
        if chosen is None:
            raise Unauthenticated
        if all(user.is_invited for user, _ in found):
            self._uses.homes.note(chosen.id)
        return next(principal for user, principal in found if user.id == chosen.id)
