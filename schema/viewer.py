"""The principal of the request, and its organization."""

from collections.abc import Sequence
from typing import Annotated, Self

import strawberry
from strawberry import ID, UNSET, argument, field

from gateway.domain.claim_rules import ClaimRule
from gateway.domain.holders import Organization as DomainOrganization
from gateway.domain.principals import Principal
from schema.context import Info
from schema.enums import ActorKind, PermissionEnum, RoleEnum
from schema.fields import pure_field
from schema.inputs import SecretHolderRef, unset_to_none

On = Annotated[
    SecretHolderRef | None,
    argument(description="The holder; the whole organization if omitted."),
]


@strawberry.type(description="A tenant.")
class Organization:
    id: ID = field(description="The UUID.")
    name: str = field(description="The name.")

    @classmethod
    def of(cls, organization: DomainOrganization) -> Self:
        return cls(id=ID(organization.id), name=organization.name)


@strawberry.type(description="A claim rule that gives you a role.")
class ViewerClaimRule:
    id: ID = field(description="The UUID of the claim rule.")
    name: str = field(description="Whom the rule is for, in its creator's words.")
    role: RoleEnum = field(description="The role that it gives you.")


@strawberry.type(description="You: whom the credential belongs to.")
class Viewer:
    id: ID = field(
        description="The UUID of the token or the user; for an IDENTITY, a stable id of it here."
    )
    kind: ActorKind = field(description="Whether you are a token, a user or an identity.")
    rules: strawberry.Private[Sequence[ClaimRule]]

    @pure_field(description="The claim rules that give you roles. Grants can give you others.")
    def claim_rules(self) -> list[ViewerClaimRule]:
        return [
            ViewerClaimRule(id=ID(rule.id), name=rule.name, role=rule.held.role)
            for rule in self.rules
        ]

    @field(
        description=(
            "The name of the token, the display name of the user, or the subject of the identity."
        )
    )
    async def name(self, info: Info) -> str:
        return await info.context.services.viewer.name()

    @field(description="Your organization.")
    async def organization(self, info: Info) -> Organization:
        return Organization.of(await info.context.services.viewer.organization())

    @field(
        description=(
            "What you can do on a holder and all below it. The list is empty for a holder that you "
            "cannot see."
        )
    )
    async def permissions(self, info: Info, on: On = UNSET) -> list[PermissionEnum]:
        holder = unset_to_none(on)
        return list(
            await info.context.services.viewer.permissions(
                on=holder.reference() if holder else None
            )
        )

    @classmethod
    def of(cls, principal: Principal) -> Self:
        return cls(id=ID(principal.id), kind=principal.creator.kind, rules=principal.claim_rules)
