"""Access checks. Every use case calls them before it does anything else.

An object that the principal cannot see is reported as not found. Forbidden means that the principal
sees the object but lacks the permission.
"""

from gateway.domain.drafts import HolderReference
from gateway.domain.errors import Forbidden, RegistrationRequired
from gateway.domain.holders import Holder, is_canonical_id
from gateway.domain.origins import ActorKind
from gateway.domain.permissions import ROLES, Permission, Role, Visibility
from gateway.domain.principals import Principal
from gateway.domain.refusals import HolderNotFound
from gateway.domain.request_records import note_holder
from gateway.domain.secrets import Secret, SecretFacts
from gateway.storage import holders
from gateway.storage.unit_of_work import ReadUnit


def can_see(principal: Principal, seen: Holder | Secret) -> bool:
    """Return whether the object is visible to the principal.

    A holder is visible if a grant is on it, above it or below it. A secret is visible if a grant
    with the permission to read secrets is on its holder or above it.
    """
    if isinstance(seen, Secret):
        return principal.may(Permission.SECRET_READ, on=seen.holder)
    return principal.visibility().includes_ancestor_of(seen)


def can_read_events_of(principal: Principal, secret: Secret) -> bool:
    """Return whether the principal can read the events of the secret in the audit log.

    Deliveries of a secret go to its holder or below, so it can then read of each of them.
    """
    return principal.may(Permission.AUDIT_READ, on=secret.holder)


def require(principal: Principal, permission: Permission, *, on: Holder | None) -> None:
    """Refuse a principal that lacks the permission on an object that it can see.

    None as the holder means the whole organization.

    Raises:
        Forbidden: with the permission.

    """
    if on is not None:
        note_holder(on.id)
    if not principal.may(permission, on=on):
        raise Forbidden(permission)


def require_somewhere(principal: Principal, permission: Permission) -> Visibility:
    """Return where the principal has the permission; for lists and for objects named by id only.

    Raises:
        Forbidden: if the principal has it nowhere.

    """
    if not principal.may_somewhere(permission):
        raise Forbidden(permission)
    return principal.visibility(permission)


async def require_on(
    unit: ReadUnit, principal: Principal, permission: Permission, named: HolderReference
) -> Holder:
    """Return the holder if the principal has the permission on it.

    Raises:
        HolderNotFound: if it is not visible to the principal, or of another kind.
        Forbidden: if the principal sees it and lacks the permission.

    """
    holder = await holders.find(unit, named.id) if is_canonical_id(named.id) else None
    if holder is None or not can_see(principal, holder) or named.scope not in (None, holder.kind):
        raise HolderNotFound(named.scope, named.id)
    require(principal, permission, on=holder)
    return holder


async def require_at(
    unit: ReadUnit, principal: Principal, permission: Permission, named: HolderReference | None
) -> Holder | None:
    """Return the holder as `require_on` does; None for the whole organization.

    Raises:
        HolderNotFound: if it is not visible to the principal, or of another kind.
        Forbidden: if the principal sees it and lacks the permission.

    """
    if named is not None:
        return await require_on(unit, principal, permission, named)
    require(principal, permission, on=None)
    return None


def require_role(principal: Principal, role: Role, *, on: Holder | None) -> None:
    """Refuse to grant or revoke a role with permissions that the principal lacks there.

    Raises:
        Forbidden: with the missing permission.

    """
    require(principal, Permission.ACCESS_MANAGE, on=on)
    for permission in sorted(ROLES[role] - principal.permissions_on(on)):
        raise Forbidden(permission)


def require_lasting(principal: Principal) -> None:
    """Refuse an identity that is no user: nobody can remove it, nor what it gave to others.

    Raises:
        RegistrationRequired: if only claim rules let the principal in.

    """
    if principal.kind is ActorKind.IDENTITY:
        raise RegistrationRequired


def visible_target(principal: Principal, secret: Secret) -> SecretFacts | None:
    """Return the target of an alias or override; None if the principal cannot see it."""
    visibility = principal.visibility(Permission.SECRET_READ)
    is_seen = visibility.covers_above(secret.holder, secret.target_holder_id)
    return secret.target if is_seen else None


def seen(principal: Principal, secret: Secret) -> Secret | None:
    """Return the secret; None if it is not visible to the principal."""
    return secret if can_see(principal, secret) else None
