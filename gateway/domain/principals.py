"""Who a request speaks for."""

from dataclasses import dataclass
from datetime import datetime
from typing import Self

from gateway.domain.grants import GranteeKind, RoleAssignment
from gateway.domain.holders import Holder
from gateway.domain.origins import ActorKind
from gateway.domain.permissions import Permission, Role
from gateway.domain.tokens import Creator
from gateway.domain.visibility import Visibility


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """An authenticated caller, with all that it was granted. `id` is its token's or user's id."""

    id: str
    organization_id: str
    grants: tuple[RoleAssignment, ...] = ()
    # What `id` names; None for who has no row of its own, such as the operator.
    kind: GranteeKind | None = None
    # When its credential ends; what lasts longer than a request is not to outlast this.
    expires_at: datetime | None = None

    def has_access_of(self, other: "Principal") -> bool:
        """Tell whether both are the same principal with the same grants, in any order."""
        return (self.kind, self.id) == (other.kind, other.id) and (
            set(self.grants) == set(other.grants)
        )

    @classmethod
    def operator(cls, organization_id: str) -> Self:
        """Return who the command line speaks for: whoever has the key file may do everything."""
        held = RoleAssignment(role=Role.OPERATOR)
        return cls(
            id="operator",
            organization_id=organization_id,
            grants=(held,),
        )

    @property
    def creator(self) -> Creator:
        """What is stored as the creator of the tokens that it creates."""
        kind = ActorKind[self.kind] if self.kind else ActorKind.OPERATOR
        return Creator(kind, self.id)

    @property
    def created_tokens_expire_at(self) -> datetime | None:
        """The time that no token created by it can outlive.

        An issuer's access token lives for minutes and is renewed: the user behind it lasts, and
        removing the user revokes its tokens.
        """
        return self.expires_at if self.kind is GranteeKind.TOKEN else None

    def may(self, permission: Permission, *, on: Holder | None) -> bool:
        """Tell whether a grant on the holder or above it carries the permission.

        Without a holder, it is about the whole organization.
        """
        return permission in self.permissions_on(on)

    def permissions_on(self, holder: Holder | None) -> frozenset[Permission]:
        """Return all that it may do on a holder; without one, on the whole organization."""
        if holder is not None and holder.organization_id != self.organization_id:
            return frozenset()
        reaching = (held.permissions for held in self.grants if held.reaches(holder))
        return frozenset().union(*reaching)

    def visibility(self, permission: Permission | None = None) -> Visibility:
        """Return where its grants lie, those that carry the permission; without one, all."""
        counting = [
            held for held in self.grants if permission is None or permission in held.permissions
        ]
        return Visibility(
            organization_id=self.organization_id,
            is_everywhere=any(held.holder is None for held in counting),
            holders=tuple(held.holder for held in counting if held.holder),
        )

    def may_somewhere(self, permission: Permission) -> bool:
        """Tell whether any grant carries the permission, wherever it lies."""
        return any(permission in held.permissions for held in self.grants)
