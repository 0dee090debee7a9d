"""Secrets and their targets. No type here has a value: values can be written but not read."""

from datetime import datetime
from typing import Annotated, Self

import strawberry

from gateway.domain.secrets import Secret as DomainSecret
from gateway.domain.secrets import SecretFacts
from schema.context import Info
from schema.cycles import LazyHolder, LazyServices, wrapped_holder, wrapped_services
from schema.enums import (
    APIVariableScopeEnum,
    APIVariableTypeEnum,
    LinkedServiceTypeEnum,
    PlannedChange,
)
from schema.filters import wanted_window
from schema.node import Node
from schema.pages import After, Before, Connection, Edge, First, Last


@strawberry.type
class _Facts:
    """The fields of a target, for aliases and overrides."""

    id: strawberry.ID = strawberry.field(description="The id of the target.")
    key: str
    scope: APIVariableScopeEnum
    variable_type: APIVariableTypeEnum
    mount_path: str | None = strawberry.field(description="The mount path of a FILE.")
    description: str | None
    enable_interpolation_in_file: bool | None

    @classmethod
    def of(cls, facts: SecretFacts) -> Self:
        return cls(
            id=strawberry.ID(facts.id),
            key=facts.key,
            scope=facts.scope,
            variable_type=facts.variable_type,
            mount_path=facts.mount_path,
            description=facts.description,
            enable_interpolation_in_file=facts.enable_interpolation_in_file,
        )

    @strawberry.field(description="The target as a secret; null if you cannot read it.")
    async def secret(
        self, info: Info
    ) -> Annotated["Secret", strawberry.lazy("schema.secrets")] | None:
        """Load the target."""
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
    return info.context.services.secrets.target_of(secret, principal=info.context.principal)


@strawberry.type(description="A secret. Its value can be written but not read.")
class Secret(Node):
    source: strawberry.Private[DomainSecret]
    key: str = strawberry.field(
        description="The name of the environment variable that delivers the value; case-sensitive."
    )
    scope: APIVariableScopeEnum
    variable_type: APIVariableTypeEnum
    mount_path: str | None = strawberry.field(description="The mount path of a FILE.")
    description: str | None
    enable_interpolation_in_file: bool | None
    owned_by: str | None = strawberry.field(
        description="The owner of the secret, e.g. the platform or an external secret manager."
    )
    created_at: datetime
    updated_at: datetime | None
    service_id: strawberry.ID | None = strawberry.field(
        description=(
            "The service that the secret belongs to; for a BUILT_IN, the service that it comes "
            "from. Null for a secret of a project or an environment."
        )
    )
    service_name: str | None
    service_type: LinkedServiceTypeEnum | None
    version: int = strawberry.field(
        description="The version, which increases by one with every change."
    )
    organization_id: strawberry.ID
    project_id: strawberry.ID
    environment_id: strawberry.ID | None = strawberry.field(
        description="The environment that the secret belongs to; null for a secret of a project."
    )

    @strawberry.field(
        description=(
            "The entity tag that REST sends in the header ETag, quotes included. It changes with "
            "this secret and with its target."
        )
    )
    def etag(self, info: Info) -> str:
        """Compute the tag from what the principal can see."""
        context = info.context
        return context.services.entity_tags.of_secret(self.source, principal=context.principal)

    @strawberry.field(description="The target of an ALIAS; null if you cannot read it.")
    def aliased_secret(self, info: Info) -> SecretAlias | None:
        """Return the target of an alias."""
        target = visible_target(info, self.source) if self.source.is_alias else None
        return SecretAlias.of(target) if target else None

    @strawberry.field(description="The target of an OVERRIDE; null if you cannot read it.")
    def overridden_secret(self, info: Info) -> SecretOverride | None:
        """Return the target of an override."""
        target = visible_target(info, self.source) if self.source.is_override else None
        return SecretOverride.of(target) if target else None

    @strawberry.field(
        description="The holder of the secret; for a BUILT_IN, the widest holder that sees it."
    )
    def holder(self) -> LazyHolder:
        """Wrap the holder, which came with the secret."""
        return wrapped_holder(self.source.holder)

    @strawberry.field(
        description=(
            "The aliases and overrides that are deleted with this secret, and the secrets that "
            "would be delivered with another text because they refer to it. They are ordered by "
            "scope."
        )
    )
    async def dependents(
        self,
        info: Info,
        first: First = strawberry.UNSET,
        after: After = strawberry.UNSET,
        last: Last = strawberry.UNSET,
        before: Before = strawberry.UNSET,
    ) -> Annotated["SecretConnection", strawberry.lazy("schema.secrets")]:
        """Load a page of the secrets that refer to this one."""
        page = await info.context.services.secrets.dependents_of(
            info.context.view,
            principal=info.context.principal,
            secret=self.source,
            window=wanted_window(first, after, last, before),
        )
        return SecretConnection.of(page, Secret.of)

    @strawberry.field(
        description=(
            "The services that would get something else if this secret had another value or were "
            "deleted, by name. References in other values count."
        )
    )
    async def impact(
        self,
        info: Info,
        of: PlannedChange = PlannedChange.DELETE,
        first: First = strawberry.UNSET,
        after: After = strawberry.UNSET,
        last: Last = strawberry.UNSET,
        before: Before = strawberry.UNSET,
    ) -> LazyServices:
        """Load a page of the affected services."""
        page = await info.context.services.effective.impact(
            info.context.view,
            principal=info.context.principal,
            secret=self.source,
            window=wanted_window(first, after, last, before),
            of_deletion=of is PlannedChange.DELETE,
        )
        return wrapped_services(page)

    @classmethod
    def of(cls, secret: DomainSecret) -> Self:
        """Convert the domain object."""
        service, holder = secret.service, secret.holder
        return cls(
            source=secret,
            id=strawberry.ID(secret.id),
            key=secret.key,
            scope=secret.scope,
            variable_type=secret.variable_type,
            mount_path=secret.mount_path,
            description=secret.description,
            enable_interpolation_in_file=secret.enable_interpolation_in_file,
            owned_by=secret.owned_by,
            created_at=secret.created_at,
            updated_at=secret.updated_at,
            service_id=strawberry.ID(service.id) if service else None,
            service_name=service.name if service else None,
            service_type=service.type if service else None,
            version=secret.version,
            organization_id=strawberry.ID(holder.organization_id),
            project_id=strawberry.ID(holder.project_id),
            environment_id=strawberry.ID(holder.environment_id) if holder.environment_id else None,
        )


@strawberry.type(description="A page of secrets.")
class SecretConnection(Connection[Secret]):
    """A page of a list."""


SecretEdge = Edge[Secret]
