"""The principal of a request."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Self

from gateway.domain.claim_rules import ClaimRule, Identity
from gateway.domain.grants import RoleAssignment
from gateway.domain.holders import Holder
from gateway.domain.origins import ActorKind
from gateway.domain.permissions import ROLES, Permission, Role, Visibility
from gateway.domain.tokens import Creator, earliest


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """An authenticated caller and its roles.

    `id` is the id of its token or user; of an identity that is no user, a keyed hash of it.
    """

    id: str
    organization_id: str
    grants: tuple[RoleAssignment, ...] = ()
    # What `id` names; None for a principal without a row of its own, such as the operator.
    kind: ActorKind | None = None
    # Whom the issuer of the credential confirms; None for API tokens and the operator.
    identity: Identity | None = field(default=None, repr=False)
    # The rules that give it roles; `grants` has these roles too, after its own.
    claim_rules: tuple[ClaimRule, ...] = ()
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
        return Creator(self.kind or ActorKind.OPERATOR, self.id)

    @property
    def actor_id(self) -> str:
        """What the audit log calls it. An identity that is no user has no row with its name."""
        if self.kind is ActorKind.IDENTITY and self.identity is not None:
            return self.identity.name
        return self.id

    def with_rules(self, rules: Iterable[ClaimRule]) -> Self:
        """Return the principal with the roles that claim rules give; it ends with the first."""
        found = tuple(rules)
        return replace(
            self,
            grants=(*self.grants, *(rule.held for rule in found)),
            claim_rules=found,
            expires_at=earliest(self.expires_at, *(rule.expires_at for rule in found)),
        )

    def created_tokens_expire_at(self, held: RoleAssignment) -> datetime | None:
        """Return the latest expiry of a token with this role that it creates; None for no limit.

        A user has no limit where its grants carry the role: its issuer's access token expires in
        minutes and is renewed, and removing the user revokes the tokens that the user created. What
        only a claim rule carries ends with the credential, as the rule can end, or no longer apply
        to the next access token. An identity that is no user has rules alone.
        """
        is_limited = self.kind is ActorKind.TOKEN or not self._is_granted(held)
        return self.expires_at if is_limited else None

    def _is_granted(self, held: RoleAssignment) -> bool:
        """Return whether it could give the role without its claim rules."""
        if not self.claim_rules:
            return True
        granted = replace(self, grants=self.grants[: -len(self.claim_rules)])
        needed = ROLES[held.role] | {Permission.ACCESS_MANAGE}
        return needed <= granted.permissions_on(held.holder)

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
