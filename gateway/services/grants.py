"""Grants of roles, and their revocation."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Final

from gateway.domain.drafts import DEFAULT_WRITE_OPTIONS, HolderReference, WriteOptions
from gateway.domain.grants import (
    MAX_GRANTS,
    Grant,
    GrantConflict,
    GranteeKind,
    GranteeReference,
    GrantNotFound,
    RoleAssignment,
    TokenNotFound,
    TooManyGrants,
    User,
    UserNotFound,
)
from gateway.domain.holders import is_canonical_id
from gateway.domain.pages import Page, Window
from gateway.domain.permissions import Permission, Role, Visibility
from gateway.domain.principals import Principal
from gateway.domain.tokens import ApiToken, Creator
from gateway.services import access
from gateway.services.context import ScopedService
from gateway.services.idempotency import codec_of, run_once
from gateway.storage import grants, tokens, users
from gateway.storage.unit_of_work import ReadUnit, WriteUnit

# The number of entries of a page.
MAX_SHOWN: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRevocation:
    """A revoked token, and the revoked tokens that were created with it, directly or not."""

    revoked: ApiToken
    created: tuple[ApiToken, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenEnding:
    """A token with its new end, and the tokens created with it that would have ended later."""

    ended: ApiToken
    created: tuple[ApiToken, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class UserRemoval:
    """A removed user, and the revoked tokens that the user created, directly or not."""

    user: User
    created: tuple[ApiToken, ...] = ()


async def revoke_created(
    unit: WriteUnit, creator: Creator, *, at: datetime, principal: Principal
) -> tuple[ApiToken, ...]:
    """Revoke all tokens that a creator created, directly or not; return them, oldest first.

    A token in between can itself be revoked or expired; those that it created are still revoked.

    Raises:
        Forbidden: if one has a permission that the principal cannot grant. Nothing is revoked.
        IntegrityFault: if one was changed outside the gateway.

    """
    created = [
        token for token in await tokens.find_created_by(unit, creator) if token.revoked_at is None
    ]
    ids = [token.id for token in created]
    await _require_all_revocable(unit, ids, principal=principal)
    await tokens.revoke_all(unit, ids, at=at)
    return tuple(created)


async def end_created(
    unit: WriteUnit, creator: Creator, *, at: datetime, principal: Principal
) -> tuple[ApiToken, ...]:
    """Let all tokens that a creator created, directly or not, end at a time, at the latest.

    Returns those that would have ended later, oldest first, as they were.

    Raises:
        Forbidden: if one has a permission that the principal cannot grant. Nothing is changed.
        IntegrityFault: if one was changed outside the gateway.

    """
    created = [token for token in await tokens.find_created_by(unit, creator) if token.is_valid(at)]
    ids = [token.id for token in created]
    await _require_all_revocable(unit, ids, principal=principal)
    await tokens.end_all(unit, ids, at=at)
    return tuple(created)


async def _require_all_revocable(
    unit: WriteUnit, token_ids: Sequence[str], *, principal: Principal
) -> None:
    # In few statements, however many tokens there are, since other writers wait.
    everywhere = Visibility.everywhere(principal.organization_id)
    for grant in await grants.of_tokens(unit, token_ids, visibility=everywhere):
        access.require_role(principal, grant.held.role, on=grant.held.holder)


async def require_revocable(unit: WriteUnit, token_id: str, *, principal: Principal) -> None:
    """Refuse to revoke a token with a permission that the principal cannot grant.

    Raises:
        Forbidden: with the missing permission.

    """
    grantee = GranteeReference(kind=GranteeKind.TOKEN, id=token_id)
    for held in await grants.find_assignments(unit, grantee):
        access.require_role(principal, held.role, on=held.holder)


async def visible(
    unit: WriteUnit, changed: Sequence[ApiToken], *, principal: Principal
) -> tuple[ApiToken, ...]:
    """Return the first of the changed tokens that the principal can list, in their new state."""
    visibility = access.require_somewhere(principal, Permission.ACCESS_MANAGE)
    shown: list[ApiToken] = []
    for token in changed:
        if (found := await tokens.find(unit, token.id, visibility=visibility)) is not None:
            shown.append(found)
        if len(shown) == MAX_SHOWN:
            break
    return tuple(shown)


_GRANT_CODEC: Final = codec_of(Grant)


class Grants(ScopedService):
    """The use cases around grants."""

    async def grant(
        self,
        *,
        grantee: GranteeReference,
        role: Role,
        on: HolderReference | None = None,
        options: WriteOptions = DEFAULT_WRITE_OPTIONS,
    ) -> Grant:
        """Grant a role at a holder and all below it; without a holder, in the whole organization.

        Raises:
            HolderNotFound: if the holder is not visible to the principal.
            TokenNotFound: if the token is not visible to the principal.
            UserNotFound: if the organization has no such user.
            Forbidden: if the principal cannot manage access there, or lacks a permission of
                the role there.
            RegistrationRequired: if only claim rules let the principal in.
            GrantConflict: if the grantee already has it.
            TooManyGrants: if the grantee has the maximum number of grants.

        """
        principal = self._scope.principal
        async with self._scope.writing(options) as unit:
            holder = await access.require_at(unit, principal, Permission.ACCESS_MANAGE, on)
            access.require_role(principal, role, on=holder)
            access.require_lasting(principal)
            held = RoleAssignment(role=role, holder=holder)
            return await run_once(
                self._scope,
                unit,
                options=options,
                request=("grantRole", grantee, role, on),
                codec=_GRANT_CODEC,
                work=partial(self._add, unit, grantee, held),
            )

    async def _add(self, unit: WriteUnit, grantee: GranteeReference, held: RoleAssignment) -> Grant:
        name = await _name_of(unit, self._scope.principal, grantee)
        there = await grants.find_assignments(unit, grantee)
        if held in there:
            raise GrantConflict
        if len(there) >= MAX_GRANTS:
            raise TooManyGrants
        made = Grant(
            id=self._context.new_id(),
            organization_id=self._scope.principal.organization_id,
            grantee=grantee,
            grantee_name=name,
            held=held,
            created_at=self._context.now(),
        )
        await grants.add(unit, made)
        return made

    async def revoke(
        self, *, grant_id: str, options: WriteOptions = DEFAULT_WRITE_OPTIONS
    ) -> Grant:
        """Revoke a grant; it no longer applies to the next request.

        Raises:
            GrantNotFound: if it is not visible to the principal.
            Forbidden: if the principal could not have granted it.

        """
        principal = self._scope.principal
        visibility = access.require_somewhere(principal, Permission.ACCESS_MANAGE)
        async with self._scope.writing(options) as unit:
            return await run_once(
                self._scope,
                unit,
                options=options,
                request=("revokeRole", grant_id),
                codec=_GRANT_CODEC,
                work=partial(_remove, unit, principal, grant_id, visibility),
                before_repeat=partial(_require_giving, principal),
            )

    async def page(
        self,
        *,
        window: Window,
        of: GranteeReference | None = None,
    ) -> Page[Grant]:
        """Return a page of the grants where the principal manages access, of one grantee or all.

        Raises:
            Forbidden: if the principal manages access nowhere.
            InvalidInput: for a cursor of another list.

        """
        visibility = access.require_somewhere(self._scope.principal, Permission.ACCESS_MANAGE)
        if of is not None and not is_canonical_id(of.id):
            # No grantee has such an id, and the database does not accept every text.
            of = replace(of, id="")
        return await grants.page(self._scope.view, window, visibility=visibility, of=of)


async def _remove(
    unit: WriteUnit, principal: Principal, grant_id: str, visibility: Visibility
) -> Grant:
    known = is_canonical_id(grant_id)
    found = await grants.find(unit, grant_id, visibility=visibility) if known else None
    if found is None:
        raise GrantNotFound(grant_id)
    _require_giving(principal, found)
    await grants.remove(unit, grant_id)
    return found


def _require_giving(principal: Principal, grant: Grant) -> None:
    access.require_role(principal, grant.held.role, on=grant.held.holder)


async def _name_of(unit: ReadUnit, principal: Principal, grantee: GranteeReference) -> str:
    known = is_canonical_id(grantee.id)
    if grantee.kind is GranteeKind.USER:
        organization_id = principal.organization_id
        user = (
            await users.find(unit, grantee.id, organization_id=organization_id) if known else None
        )
        if user is None:
            raise UserNotFound(grantee.id)
        return user.display_name
    visibility = principal.visibility(Permission.ACCESS_MANAGE)
    token = await tokens.find(unit, grantee.id, visibility=visibility) if known else None
    if token is None:
        raise TokenNotFound(grantee.id)
    return token.name
