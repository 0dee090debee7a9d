"""The targets of aliases and overrides, as these show them."""

from typing import TYPE_CHECKING, Annotated, Self

import strawberry
from strawberry import ID, field

from gateway.domain.secrets import Secret as DomainSecret
from gateway.domain.secrets import SecretFacts
from schema.context import Info
from schema.fields import BelongsTo, Description, Interpolation, Key, MountPath, Type

if TYPE_CHECKING:
    from schema.secrets import Secret


@strawberry.type
class _Facts:
    """The fields of a target, for aliases and overrides."""

    id: ID = field(description="The id of the target.")
    key: Key
    scope: BelongsTo
    variable_type: Type
    mount_path: MountPath
    description: Description
    enable_interpolation_in_file: Interpolation

    @classmethod
    def of(cls, facts: SecretFacts) -> Self:
        return cls(
            id=ID(facts.id),
            key=facts.key,
            scope=facts.scope,
            variable_type=facts.variable_type,
            mount_path=facts.mount_path,
            description=facts.description,
            enable_interpolation_in_file=facts.enable_interpolation_in_file,
        )

    @field(description="The target as a secret; null if you cannot read it.")
    async def secret(
        self, info: Info
    ) -> Annotated["Secret", strawberry.lazy("schema.secrets")] | None:
        from schema.secrets import Secret  # noqa: PLC0415 - breaks the cycle

        found = await info.context.secrets.load(self.id)
        return Secret.of(found) if found else None


@strawberry.type(
    description=(
        "The target of an alias, with the fields that are visible even if you cannot read the "
        "target."
    )
)
class SecretAlias(_Facts):
    """The target of an alias."""


@strawberry.type(description="The target of an override: the secret that it replaces.")
class SecretOverride(_Facts):
    """The target of an override: the secret that it replaces."""


def visible_target(info: Info, secret: DomainSecret) -> SecretFacts | None:
    """Return the target of an alias or override, if it is visible to the principal."""
    return info.context.services.secrets.target_of(secret)
