"""Secrets and what they refer to. No type here has a value: it can be written, never read."""

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
    """What both kinds of reference tell of the secret they refer to."""

    id: strawberry.ID = strawberry.field(description="The id of the secret that is referred to.")
    key: str
    scope: APIVariableScopeEnum
    variable_type: APIVariableTypeEnum
    mount_path: str | None = strawberry.field(description="For a FILE: where it is mounted.")
    description: str | None
    enable_interpolation_in_file: bool | None

    @classmethod
    def of(cls, facts: SecretFacts) -> Self:
        """Tell the facts."""
        return cls(
            id=strawberry.ID(facts.id),
            key=facts.key,
            scope=facts.scope,
            variable_type=facts.variable_type,
            mount_path=facts.mount_path,
            description=facts.description,
            enable_interpolation_in_file=facts.enable_interpolation_in_file,
        )

    @strawberry.field(description="The secret itself; null where the viewer may not read it.")
    async def secret(
        self, info: Info
    ) -> Annotated["Secret", strawberry.lazy("schema.secrets")] | None:
        """Load the secret that is referred to."""
        found = await info.context.secrets.load(self.id)
        return Secret.of(found) if found else None


@strawberry.type(
    description="What an alias stands for: what may be told of it to one who may not read it."
)
class SecretAlias(_Facts):
    """What an alias stands for."""


@strawberry.type(description="What an override replaces.")
class SecretOverride(_Facts):
    """What an override replaces."""


def seen_target(info: Info, secret: DomainSecret) -> SecretFacts | None:
    """Return what an alias or override refers to, if that is there for the viewer."""
    return info.context.services.secrets.target_of(secret, principal=info.context.principal)


@strawberry.type(description="A secret. Its value can be written, never read.")
class Secret(Node):
    source: strawberry.Private[DomainSecret]
    key: str = strawberry.field(
        description="The name under which services get the value; case-sensitive."
    )
    scope: APIVariableScopeEnum
    variable_type: APIVariableTypeEnum
    mount_path: str | None = strawberry.field(
        description="For a secret of type FILE: where it is mounted."
    )
    description: str | None
    enable_interpolation_in_file: bool | None
    owned_by: str | None = strawberry.field(
        description="What made the secret, e.g. the platform or an external secret manager."
    )
    created_at: datetime
    updated_at: datetime | None
    service_id: strawberry.ID | None = strawberry.field(
        description=(
            "The service it belongs to; for a BUILT_IN, the one it comes from. Null on PROJECT and "
            "ENVIRONMENT rows."
        )
    )
    service_name: str | None
    service_type: LinkedServiceTypeEnum | None
    version: int = strawberry.field(description="Grows by one with every change.")
    organization_id: strawberry.ID
    project_id: strawberry.ID
    environment_id: strawberry.ID | None = strawberry.field(
        description="The environment it lives in; null for what hangs on the project."
    )

    @strawberry.field(
        description=(
            "The entity tag that REST sends in the header ETag, quotes included. It changes with "
            "this secret and with the secret that it refers to."
        )
    )
    def etag(self, info: Info) -> str:
        """Make the tag for what the viewer can see."""
        context = info.context
        return context.services.entity_tags.of_secret(self.source, principal=context.principal)

    @strawberry.field(
        description="Set on an ALIAS; null where the viewer may not read what it stands for."
    )
    def aliased_secret(self, info: Info) -> SecretAlias | None:
        """Tell what an alias stands for."""
        target = seen_target(info, self.source) if self.source.is_alias else None
        return SecretAlias.of(target) if target else None

    @strawberry.field(
        description="Set on an OVERRIDE; null where the viewer may not read what it replaces."
    )
    def overridden_secret(self, info: Info) -> SecretOverride | None:
        """Tell what an override replaces."""
        target = seen_target(info, self.source) if self.source.is_override else None
        return SecretOverride.of(target) if target else None

    @strawberry.field(
        description="What the secret hangs on; for a BUILT_IN, the widest holder that sees it."
    )
    def holder(self) -> LazyHolder:
        """Wrap the holder, which came with the secret."""
        return wrapped_holder(self.source.holder)

    @strawberry.field(
        description=(
            "The aliases and overrides which go when this secret is deleted, and the secrets that "
            "are delivered with another text then because they refer to it, by scope."
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
        """Load a page of what refers to the secret."""
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
            "deleted, by name; also through references in other values."
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
        """Load a page of the services that the secret matters to."""
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
        """Tell all that is known of the secret."""
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
