"""Revoke tokens together with the tokens that were created with them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from gateway.domain.grants import GranteeKind, GranteeReference, User
from gateway.domain.permissions import Permission
from gateway.domain.principals import Principal
from gateway.domain.tokens import ApiToken, Creator
from gateway.domain.visibility import Visibility
from gateway.services import access
from gateway.storage import grants, tokens
from gateway.storage.unit_of_work import WriteUnit

# The number of entries of a page.
MAX_SHOWN: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRevocation:
    """A revoked token, and the revoked tokens that were created with it, directly or not."""

    revoked: ApiToken
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
        token for token in await tokens.created_by(unit, creator) if token.revoked_at is None
    ]
    # In few statements, however many tokens there are, since other writers wait.
    everywhere = Visibility.everywhere(principal.organization_id)
    ids = [token.id for token in created]
    for grant in await grants.of_tokens(unit, ids, visibility=everywhere):
        access.require_role(principal, grant.held.role, on=grant.held.holder)
    await tokens.revoke_all(unit, ids, at=at)
    return tuple(created)


async def require_revocable(unit: WriteUnit, token_id: str, *, principal: Principal) -> None:
    """Refuse to revoke a token with a permission that the principal cannot grant.

    Raises:
        Forbidden: with the missing permission.

    """
    grantee = GranteeReference(kind=GranteeKind.TOKEN, id=token_id)
    for held in await grants.assigned_to(unit, grantee):
        access.require_role(principal, held.role, on=held.holder)


async def visible(
    unit: WriteUnit, revoked: Sequence[ApiToken], *, principal: Principal
) -> tuple[ApiToken, ...]:
    """Return the first of the revoked tokens that the principal can list, in their new state."""
    visibility = access.require_somewhere(principal, Permission.ACCESS_MANAGE)
    shown: list[ApiToken] = []
    for token in revoked:
        if (found := await tokens.find(unit, token.id, visibility=visibility)) is not None:
            shown.append(found)
        if len(shown) == MAX_SHOWN:
            break
    return tuple(shown)
