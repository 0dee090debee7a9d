"""The principal of a request."""

from dataclasses import dataclass
from datetime import datetime
from typing import Self

from gateway.domain.grants import GranteeKind, RoleAssignment
from gateway.domain.holders import Holder
from gateway.domain.origins import ActorKind
from gateway.domain.permissions import Permission, Role, Visibility
from gateway.domain.tokens import Creator


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """An authenticated caller and its grants. `id` is the id of its token or user."""

    id: str
    organization_id: str
    grants: tuple[RoleAssignment, ...] = ()
    # What `id` names; None for a principal without a row of its own, such as the operator.
    kind: GranteeKind | None = None
    # When its credential expires. Work that outlasts a request must end by then.
    expires_at: datetime | None = None

    def has_access_of(self, other: "Principal") -> bool:
        """Return whether both are the same principal with the same grants, in any order."""
        return (self.kind, self.id) == (other.kind, other.id) and (
            set(self.grants) == set(other.grants)
        )

    @classmethod
    def operator(cls, organization_id: str) -> Self:
        """Return the principal of the command line: having the key file permits everything."""
        held = RoleAssignment(role=Role.OPERATOR)
        return cls(
            id="operator",
            organization_id=organization_id,
            grants=(held,),
        )

    @property
    def creator(self) -> Creator:
        kind = ActorKind[self.kind] if self.kind else ActorKind.OPERATOR
        return Creator(kind, self.id)

    @property
    def created_tokens_expire_at(self) -> datetime | None:
        """The latest expiry of the tokens that it creates; None for no limit.

        A user has no limit: its issuer's access token expires in minutes and is renewed, and
        removing the user revokes the tokens that the user created.
        """
        return self.expires_at if self.kind is GranteeKind.TOKEN else None

    def may(self, permission: Permission, *, on: Holder | None) -> bool:
        """Return whether a grant on the holder or above it carries the permission.

        None as the holder means the whole organization.
        """
        return permission in self.permissions_on(on)

    def permissions_on(self, holder: Holder | None) -> frozenset[Permission]:
        """Return its permissions on a holder; for None, on the whole organization."""
        if holder is not None and holder.organization_id != self.organization_id:
            return frozenset()
        reaching = (held.permissions for held in self.grants if held.reaches(holder))
        return frozenset().union(*reaching)

    def visibility(self, permission: Permission | None = None) -> Visibility:
        """Return the scope of its grants that carry the permission; for None, of all grants."""
        counting = [
            held for held in self.grants if permission is None or permission in held.permissions
        ]
        return Visibility(
            organization_id=self.organization_id,
            is_everywhere=any(held.holder is None for held in counting),
            holders=tuple(held.holder for held in counting if held.holder),
        )

    def may_somewhere(self, permission: Permission) -> bool:
        """Return whether a grant on any holder carries the permission."""
        return any(permission in held.permissions for held in self.grants)
