"""Permissions, the roles that give them, and where a principal has one."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Final, Self

from gateway.domain.holders import Holder


class Permission(StrEnum):
    SECRET_READ = "secret:read"  # noqa: S105 - a permission's name
    SECRET_WRITE = "secret:write"  # noqa: S105 - a permission's name
    SECRET_DELIVER = "secret:deliver"  # noqa: S105 - as above
    # Destroys former values. An editor lacks it, so an edit can always be taken back.
    SECRET_PURGE = "secret:purge"  # noqa: S105 - as above
    HIERARCHY_READ = "hierarchy:read"
    HIERARCHY_WRITE = "hierarchy:write"
    ACCESS_MANAGE = "access:manage"
    AUDIT_READ = "audit:read"
    # Only OPERATOR carries it. Nobody can grant or revoke a role with permissions that they lack,
    # so only an operator can make or remove another one.
    INSTANCE_WRITE = "instance:write"


class Role(StrEnum):
    VIEWER = "viewer"
    EDITOR = "editor"
    RUNTIME = "runtime"
    ADMIN = "admin"
    AUDITOR = "auditor"
    OPERATOR = "operator"


_VIEWS: Final = frozenset({Permission.SECRET_READ, Permission.HIERARCHY_READ})

ROLES: Final[Mapping[Role, frozenset[Permission]]] = {
    Role.VIEWER: _VIEWS,
    Role.EDITOR: _VIEWS | {Permission.SECRET_WRITE},
    # All that a service needs to start. On a service, it has the service's name too: see
    # `RoleAssignment`.
    Role.RUNTIME: frozenset({Permission.SECRET_DELIVER}),
    Role.ADMIN: frozenset(Permission) - {Permission.INSTANCE_WRITE},
    # The audit log and the hierarchy, but no list of secrets.
    Role.AUDITOR: frozenset({Permission.AUDIT_READ, Permission.HIERARCHY_READ}),
    # INSTANCE_WRITE is apart from ADMIN: an administrator of one organization must not create
    # others.
    Role.OPERATOR: frozenset(Permission),
}


@dataclass(frozen=True, kw_only=True)
class Visibility:
    organization_id: str
    is_everywhere: bool = False
    holders: tuple[Holder, ...] = ()

    @classmethod
    def everywhere(cls, organization_id: str) -> Self:
        return cls(organization_id=organization_id, is_everywhere=True)

    @property
    def is_anywhere(self) -> bool:
        return self.is_everywhere or bool(self.holders)

    @cached_property
    def holder_ids(self) -> frozenset[str]:
        return frozenset(holder.id for holder in self.holders)

    @cached_property
    def ancestor_ids(self) -> frozenset[str]:
        """The ids of the holders above one with a grant: visible by name, for navigation."""
        return frozenset(above for holder in self.holders for above in holder.chain_ids[1:])

    def covers(self, holder: Holder) -> bool:
        """Return whether a grant is on the holder or above it."""
        return holder.organization_id == self.organization_id and (
            self.is_everywhere or not self.holder_ids.isdisjoint(holder.chain_ids)
        )

    def includes_ancestor_of(self, holder: Holder) -> bool:
        """Return whether a grant is on the holder, above it or below it."""
        is_on_the_way = (
            holder.organization_id == self.organization_id and holder.id in self.ancestor_ids
        )
        return is_on_the_way or self.covers(holder)

    def common(self, other: Self) -> Self:
        """Return where both have a grant, of the same organization."""
        if self.is_everywhere or other.is_everywhere:
            return other if self.is_everywhere else self
        shared = {
            holder.id: holder
            for one, another in ((self, other), (other, self))
            for holder in one.holders
            if another.covers(holder)
        }
        return type(self)(organization_id=self.organization_id, holders=tuple(shared.values()))

    def covers_above(self, holder: Holder, above_id: str | None) -> bool:
        """Return whether a grant is on the holder `above_id` of this one's chain, or above it."""
        if above_id not in holder.chain_ids:
            return self.is_everywhere
        from_there_on = holder.chain_ids[holder.chain_ids.index(above_id) :]
        return self.is_everywhere or not self.holder_ids.isdisjoint(from_there_on)
