"""Sign in: find the principal of a credential, and keep when it was last used."""

import json
from dataclasses import replace
from datetime import datetime, timedelta
from hmac import compare_digest
from typing import Final
from uuid import UUID

import structlog

from gateway.crypto.envelope import keyed_hash
from gateway.domain.claim_patterns import NO_CLAIMS, Claims
from gateway.domain.claim_rules import Identity
from gateway.domain.errors import GatewayError, Unauthenticated
from gateway.domain.grants import choose_registration
from gateway.domain.origins import ActorKind, originating
from gateway.domain.principals import Principal
from gateway.domain.tokens import ApiToken, is_token_text
from gateway.services.context import ServiceContext
from gateway.services.tokens import token_digest
from gateway.storage import claim_rules, grants, tokens, users
from gateway.storage.unit_of_work import ReadUnit

_log = structlog.get_logger(__name__)
_MAX_NOTED: Final = 10_000
_ID_BYTES: Final = 16


class Homes:
    """Users who accepted their invitation by signing in, until that is stored."""

    def __init__(self, context: ServiceContext) -> None:
        self._context = context
        self._noted: set[str] = set()

    def note(self, user_id: str) -> None:
        """Note that an identity has used a registration while it had no home."""
        if len(self._noted) < _MAX_NOTED:
            self._noted.add(user_id)

    async def store(self) -> None:
        """Store the noted homes. One that cannot be stored is noted again at the next sign-in."""
        noted, self._noted = self._noted, set()
        for user_id in noted:
            try:
                with originating(actor_kind=ActorKind.USER, actor_id=user_id):
                    async with self._context.database.write() as unit:
                        await users.make_home(unit, user_id)
            except GatewayError as error:
                _log.warning("home_not_stored", code=error.code)


# The precision of a token's last use: one write per hour instead of one per request.
USE_IS_NOTED_EVERY: Final = timedelta(hours=1)


class TokenUses:
    """The uses that are not stored yet, so that no request waits for the database's writer."""

    def __init__(self, context: ServiceContext) -> None:
        self._context = context
        self._noted: dict[str, datetime] = {}
        self.homes = Homes(context)

    def note(self, token: ApiToken, now: datetime) -> None:
        """Note that a token is used, unless a recent use is stored."""
        is_fresh = token.last_used_at and now - token.last_used_at < USE_IS_NOTED_EVERY
        if not is_fresh:
            self._noted.setdefault(token.id, now)

    async def store(self) -> None:
        """Store the noted uses of tokens in one write, and the homes of users."""
        await self.homes.store()
        noted = dict(self._noted)
        if not noted:
            return
        try:
            async with self._context.database.write() as unit:
                for token_id, at in noted.items():
                    await tokens.note_use(unit, token_id, at=at, since=at - USE_IS_NOTED_EVERY)
        except GatewayError as error:
            # They stay noted until the next attempt.
            _log.warning("token_uses_not_stored", tokens=len(noted), code=error.code)
            return
        for token_id in noted:
            self._noted.pop(token_id, None)


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
        self,
        unit: ReadUnit,
        *,
        issuer: str,
        subject: str,
        claims: Claims = NO_CLAIMS,
        organization_id: str | None = None,
    ) -> Principal:
        """Return the principal of a verified identity, with its roles in this unit's view.

        The caller must have verified the issuer's assertion. Without an organization, the
        identity's home is used; see `domain.grants.choose_registration`. An identity that is not
        registered has the roles that claim rules of the named organization give it.

        Raises:
            Unauthenticated: for an identity that is not registered, or not in the organization,
                and that no rule of the organization applies to.
            OrganizationNotNamed: if several organizations are possible.
            Unavailable: if the database does not answer.

        """
        identity = Identity(issuer=issuer, subject=subject, claims=claims)
        rules = claim_rules.for_identity(identity, organization_id)
        unit.read_ahead(rules)
        found = await grants.registrations(unit, issuer, subject)
        chosen = choose_registration([user for user, _ in found], organization_id)
        if chosen is None:
            principal = self._unregistered(identity, organization_id)
        else:
            principal = next(principal for user, principal in found if user.id == chosen.id)
            if all(user.is_invited for user, _ in found):
                self._uses.homes.note(chosen.id)
        now = self._context.now()
        applying = await claim_rules.matching(unit, rules, principal, identity, at=now)
        if chosen is None and not applying:
            _log.info("identity_refused", reason="no_claim_rule")
            raise Unauthenticated
        return replace(principal, identity=identity).with_rules(applying)

    def _unregistered(self, identity: Identity, organization_id: str | None) -> Principal:
        """Return the principal without a role that an identity is in the named organization.

        Raises:
            Unauthenticated: without an organization. Nobody's rules can choose it: otherwise those
                of another one could lead somebody's requests there.

        """
        if organization_id is None:
            _log.info("identity_refused", reason="organization_not_named")
            raise Unauthenticated
        # Differs by organization, so that two of them cannot compare whom they know.
        parts = json.dumps([organization_id, identity.issuer, identity.subject]).encode()
        digest = keyed_hash(self._context.vault.keys.identity_key, parts)
        return Principal(
            id=str(UUID(bytes=digest[:_ID_BYTES], version=5)),
            organization_id=organization_id,
            kind=ActorKind.IDENTITY,
        )
