"""The principal of the request, and its organization."""

from typing import Annotated, Self

import strawberry
from strawberry import ID, UNSET, argument, field

from gateway.domain.holders import Organization as DomainOrganization
from gateway.domain.principals import Principal
from schema.context import Info
from schema.enums import ActorKind, PermissionEnum
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


@strawberry.type(description="You: the token or the user that the credential belongs to.")
class Viewer:
    id: ID = field(description="The UUID of the token or the user.")
    kind: ActorKind = field(description="Whether you are a token or a user.")

    @field(description="The name of the token, or the display name of the user.")
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
        return cls(id=ID(principal.id), kind=principal.creator.kind)
