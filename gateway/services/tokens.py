"""API tokens: shown once at creation, then stored only as a keyed hash."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Final, NoReturn

from gateway.crypto.envelope import keyed_hash
from gateway.domain import content
from gateway.domain.drafts import DEFAULT_WRITE_OPTIONS, HolderReference, WriteOptions
from gateway.domain.errors import Argument, InvalidInput
from gateway.domain.grants import (
    Grant,
    GranteeKind,
    GranteeReference,
    RoleAssignment,
    TokenAlreadyShown,
    TokenNotFound,
)
from gateway.domain.holders import is_canonical_id
from gateway.domain.origins import ActorKind
from gateway.domain.pages import Page, Window
from gateway.domain.permissions import ROLES, Permission, Role, Visibility
from gateway.domain.tokens import (
    ApiToken,
    Creator,
    earliest,
    ensure_can_end,
    new_token_text,
)
from gateway.services import access
from gateway.services.context import ScopedService, ServiceContext
from gateway.services.grants import (
    TokenEnding,
    TokenRevocation,
    end_created,
    require_revocable,
    revoke_created,
    visible,
)
from gateway.services.idempotency import codec_of, run_once
from gateway.storage import grants, tokens
from gateway.storage.unit_of_work import WriteUnit

MAX_DAYS: Final = 3_650


@dataclass(frozen=True, slots=True)
class NewToken:
    facts: ApiToken
    grant: Grant
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Created:
    """The recorded facts of a new token, without its text."""

    facts: ApiToken
    grant: Grant


_CREATED_CODEC: Final = codec_of(_Created)
_REVOCATION_CODEC: Final = codec_of(TokenRevocation)
_ENDING_CODEC: Final = codec_of(TokenEnding)


def _refuse_repeat(created: _Created) -> NoReturn:
    raise TokenAlreadyShown(created.facts, created.grant)


class Tokens(ScopedService):
    """The use cases around API tokens."""

    async def create(
        self,
        *,
        name: str,
        role: Role,
        on: HolderReference | None = None,
        lifetime: timedelta | None = None,
        options: WriteOptions = DEFAULT_WRITE_OPTIONS,
    ) -> NewToken:
        """Create a token with a role on a holder; for None, on the whole organization.

        It expires with the token that creates it, at the latest; so does that of a user who could
        not give the role without claim rules, with the user's credential.

        Raises:
            InvalidInput: for an invalid name.
            HolderNotFound: if the holder is not visible to the principal.
            Forbidden: if the principal cannot manage access there, or lacks a permission of
                the role there.
            RegistrationRequired: if only claim rules let the principal in, and the token could
                give access to others.
            QuotaExceeded: if the organization has its maximum number of valid tokens.
            IdempotencyConflict: if the idempotency key was used for another request.
            TokenAlreadyShown: if the same request created the token before.

        """
        principal = self._scope.principal
        content.ensure_name(name)
        text = new_token_text()
        async with self._scope.writing(options) as unit:
            holder = await access.require_at(unit, principal, Permission.ACCESS_MANAGE, on)
            access.require_role(principal, role, on=holder)
            if Permission.ACCESS_MANAGE in ROLES[role]:
                access.require_lasting(principal)
            new = self._new(name, RoleAssignment(role=role, holder=holder), lifetime)
            created = await run_once(
                self._scope,
                unit,
                options=options,
                request=("createApiToken", name, role, on, lifetime),
                codec=_CREATED_CODEC,
                work=partial(self._add, unit, new, digest=token_digest(self._context, text)),
                before_repeat=_refuse_repeat,
            )
        return NewToken(created.facts, created.grant, text)

    def _new(self, name: str, held: RoleAssignment, lifetime: timedelta | None) -> _Created:
        now = self._context.now()
        token = self._new_token(name, held, lifetime, at=now)
        grant = Grant(
            id=self._context.new_id(),
            organization_id=self._scope.principal.organization_id,
            grantee=GranteeReference(kind=GranteeKind.TOKEN, id=token.id),
            grantee_name=name,
            held=held,
            created_at=now,
        )
        return _Created(token, grant)

    async def _add(self, unit: WriteUnit, new: _Created, *, digest: bytes) -> _Created:
        token = new.facts
        count = await tokens.count_valid(unit, token.organization_id, at=token.created_at)
        self._context.quotas.ensure_room_for_token(count)
        await tokens.add(unit, token, digest=digest)
        await grants.add(unit, new.grant)
        return new

    def _new_token(
        self, name: str, held: RoleAssignment, lifetime: timedelta | None, *, at: datetime
    ) -> ApiToken:
        latest = self._scope.principal.created_tokens_expire_at(held)
        end = earliest(at + lifetime if lifetime else None, latest)
        return ApiToken(
            id=self._context.new_id(),
            organization_id=self._scope.principal.organization_id,
            name=name,
            created_at=at,
            expires_at=end,
            created_by=self._scope.principal.creator,
        )

    async def page(self, *, window: Window) -> Page[ApiToken]:
        """Return a page of tokens with a grant where the principal manages access, oldest first.

        Raises:
            Forbidden: if the principal manages access nowhere.
            InvalidInput: for a cursor of another list.

        """
        visibility = access.require_somewhere(self._scope.principal, Permission.ACCESS_MANAGE)
        # No event says when a token was used.
        self._scope.view.forget()
        return await tokens.page(self._scope.view, window, visibility=visibility)

    async def find(self, *, ids: Collection[str]) -> Mapping[str, ApiToken]:
        """Return those of the tokens that `page` lists, by id; empty without its permission."""
        visibility = self._scope.visibility(Permission.ACCESS_MANAGE)
        if not visibility.is_anywhere:
            return {}
        self._scope.view.forget()
        found = await tokens.by_ids(self._scope.view, ids, visibility=visibility)
        return {token.id: token for token in found}

    async def grants_of(self, *, token_ids: Iterable[str]) -> Sequence[Grant]:
        """Return the grants of these tokens that lie where the principal manages access.

        Raises:
            Forbidden: if the principal manages access nowhere.

        """
        visibility = access.require_somewhere(self._scope.principal, Permission.ACCESS_MANAGE)
        return await grants.of_tokens(self._scope.view, token_ids, visibility=visibility)

    async def revoke(
        self,
        *,
        token_id: str,
        keep_created: bool = False,
        options: WriteOptions = DEFAULT_WRITE_OPTIONS,
    ) -> TokenRevocation:
        """Revoke a token, and the tokens created with it, directly or not, unless they are kept.

        If the token is already revoked, those that it created are still revoked.

        Raises:
            TokenNotFound: if it is not visible to the principal.
            Forbidden: if it or a token that it created has a permission that the principal cannot
                grant.

        """
        visibility = access.require_somewhere(self._scope.principal, Permission.ACCESS_MANAGE)
        async with self._scope.writing(options) as unit:
            return await run_once(
                self._scope,
                unit,
                options=options,
                request=("revokeApiToken", token_id, keep_created),
                codec=_REVOCATION_CODEC,
                work=partial(self._revoke, unit, token_id, visibility, keep=keep_created),
            )

    async def _revoke(
        self,
        unit: WriteUnit,
        token_id: str,
        visibility: Visibility,
        *,
        keep: bool,
    ) -> TokenRevocation:
        found = await self._find_revocable(unit, token_id, visibility)
        now = self._context.now()
        await tokens.revoke(unit, token_id, at=now)
        created: Sequence[ApiToken] = ()
        if not keep:
            creator = Creator(ActorKind.TOKEN, token_id)
            created = await revoke_created(unit, creator, at=now, principal=self._scope.principal)
        revoked = await tokens.find(unit, token_id, visibility=visibility)
        shown = await visible(unit, created, principal=self._scope.principal)
        return TokenRevocation(revoked=revoked or found, created=shown)

    async def _find_revocable(
        self, unit: WriteUnit, token_id: str, visibility: Visibility
    ) -> ApiToken:
        known = is_canonical_id(token_id)
        found = await tokens.find(unit, token_id, visibility=visibility) if known else None
        if found is None:
            raise TokenNotFound(token_id)
        await require_revocable(unit, token_id, principal=self._scope.principal)
        return found

    async def end(
        self,
        *,
        token_id: str,
        at: datetime,
        keep_created: bool = False,
        options: WriteOptions = DEFAULT_WRITE_OPTIONS,
    ) -> TokenEnding:
        """Bring the end of a token forward, and with it that of the tokens created with it.

        Those end at that time at the latest, unless they are kept as they are.

        Raises:
            TokenNotFound: if it is not visible to the principal.
            InvalidEnd: if the time is not later than now, or later than its present end.
            TokenHasEnded: if it is no longer valid.
            Forbidden: if it or a token that it created has a permission that the principal cannot
                grant.

        """
        visibility = access.require_somewhere(self._scope.principal, Permission.ACCESS_MANAGE)
        async with self._scope.writing(options) as unit:
            return await run_once(
                self._scope,
                unit,
                options=options,
                request=("endApiToken", token_id, at.isoformat(), keep_created),
                codec=_ENDING_CODEC,
                work=partial(self._end, unit, token_id, at, visibility, keep=keep_created),
            )

    async def _end(
        self,
        unit: WriteUnit,
        token_id: str,
        at: datetime,
        visibility: Visibility,
        *,
        keep: bool,
    ) -> TokenEnding:
        principal = self._scope.principal
        found = await self._find_revocable(unit, token_id, visibility)
        ensure_can_end(found, at, now=self._context.now())
        await tokens.end_all(unit, [token_id], at=at)
        created: Sequence[ApiToken] = ()
        if not keep:
            creator = Creator(ActorKind.TOKEN, token_id)
            created = await end_created(unit, creator, at=at, principal=principal)
        ended = await tokens.find(unit, token_id, visibility=visibility)
        return TokenEnding(
            ended=ended or found, created=await visible(unit, created, principal=principal)
        )


def token_digest(context: ServiceContext, text: str) -> bytes:
    """Return the keyed hash that is stored for a token."""
    return keyed_hash(context.vault.keys.token_pepper, text.encode())


def lifetime_of(days: int | None) -> timedelta | None:
    """Return the lifetime of a token in days as a duration; None means no expiry.

    Raises:
        InvalidInput: if the number is out of bounds.

    """
    if days is None:
        return None
    if not 0 < days <= MAX_DAYS:
        raise InvalidInput(
            Argument.LIFETIME, f"The lifetime of a token must be 1 to {MAX_DAYS} days."
        )
    return timedelta(days=days)
