"""Revoking tokens together with the tokens that were created with them."""

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

# As many as a page has entries.
MAX_SHOWN: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRevocation:
    """A revoked token, and the valid tokens created with it, directly or not, revoked too."""

    revoked: ApiToken
    created: tuple[ApiToken, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class UserRemoval:
    """A removed user, and the valid tokens that the user created, directly or not, revoked too."""

    user: User
    created: tuple[ApiToken, ...] = ()


async def revoke_created(
    unit: WriteUnit, creator: Creator, *, at: datetime, principal: Principal
) -> tuple[ApiToken, ...]:
    """Revoke all tokens created by a creator, and by those, and so on; return them, oldest first.

    A token in between can be revoked or expired itself: what it created goes all the same.

    Raises:
        Forbidden: if one was granted more than the principal can grant; nothing is revoked then.
        IntegrityFault: if one is not what the gateway wrote.

    """
    created = [
        token for token in await tokens.created_by(unit, creator) if token.revoked_at is None
    ]
    # In few statements, however many there are: other writers wait meanwhile.
    everywhere = Visibility.everywhere(principal.organization_id)
    ids = [token.id for token in created]
    for grant in await grants.of_tokens(unit, ids, visibility=everywhere):
        access.require_role(principal, grant.held.role, on=grant.held.holder)
    await tokens.revoke_all(unit, ids, at=at)
    return tuple(created)


async def require_revocable(unit: WriteUnit, token_id: str, *, principal: Principal) -> None:
    """Refuse to revoke a token that was granted more than the principal can grant.

    Raises:
        Forbidden: naming the missing permission.

    """
    grantee = GranteeReference(kind=GranteeKind.TOKEN, id=token_id)
    for held in await grants.assigned_to(unit, grantee):
        access.require_role(principal, held.role, on=held.holder)


async def visible(
    unit: WriteUnit, revoked: Sequence[ApiToken], *, principal: Principal
) -> tuple[ApiToken, ...]:
    """Return the first of the revoked tokens that the principal can list, as they are now."""
    visibility = access.require_somewhere(principal, Permission.ACCESS_MANAGE)
    shown: list[ApiToken] = []
    for token in revoked:
        if (found := await tokens.find(unit, token.id, visibility=visibility)) is not None:
            shown.append(found)
        if len(shown) == MAX_SHOWN:
            break
    return tuple(shown)
