"""Secrets and their targets. No type here has a value: values can be written but not read."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Self, TypeAlias

import strawberry
from strawberry import ID, UNSET, argument, field

from gateway.domain.audit import AuditEvent
from gateway.domain.history import SecretVersion
from gateway.domain.holders import Holder
from gateway.domain.pages import Page
from gateway.domain.secrets import Secret as DomainSecret
from schema.context import Info
from schema.enums import (
    ActorKind,
    APIVariableScopeEnum,
    APIVariableTypeEnum,
    LinkedServiceTypeEnum,
    PlannedChange,
)
from schema.fields import (
    DESCRIPTION,
    INTERPOLATION,
    MOUNT_PATH,
    SCOPE,
    TYPE,
    Node,
    pure_field,
    shown,
)
from schema.inputs import to_window
from schema.pages import After, Before, Connection, Edge, First, Last
from schema.targets import SecretAlias, SecretOverride, visible_target

if TYPE_CHECKING:
    from schema.access import Actor
    from schema.history import SecretVersionConnection
    from schema.holders import SecretHolder, Service, ServiceConnection

# A secret has a field for its holder, and a holder has fields for its secrets.
LazyHolder: TypeAlias = Annotated["SecretHolder", strawberry.lazy("schema.holders")]
LazyActor: TypeAlias = Annotated["Actor", strawberry.lazy("schema.access")]
LazyService: TypeAlias = Annotated["Service", strawberry.lazy("schema.holders")]
LazyServices: TypeAlias = Annotated["ServiceConnection", strawberry.lazy("schema.holders")]
LazyVersions: TypeAlias = Annotated["SecretVersionConnection", strawberry.lazy("schema.history")]
Change = Annotated[PlannedChange, argument(description="The planned change to the secret.")]


def wrap_holder(holder: Holder) -> LazyHolder:
    """Wrap a holder in the type of its kind."""
    from schema.holders import holder_type  # noqa: PLC0415 - breaks the cycle

    return holder_type(holder)


def _wrap_services(page: Page[Holder]) -> LazyServices:
    from schema.holders import ServiceConnection, service_type  # noqa: PLC0415 - as above

    return ServiceConnection.of(page, service_type)


def _wrap_versions(page: Page[SecretVersion]) -> LazyVersions:
    from schema import history  # noqa: PLC0415 - as above

    return history.SecretVersionConnection.of(page, history.SecretVersion.of)


async def _actor(info: Info, event: AuditEvent | None) -> LazyActor | None:
    from schema.access import actor_of  # noqa: PLC0415 - breaks the cycle

    return await actor_of(info, ActorKind(event.actor_kind), event.actor_id) if event else None


@strawberry.type(description="A delivery of a secret's value to a service.")
class LastDelivery:
    at: datetime = field(description="When it happened.")
    service_id: strawberry.Private[str]

    @field(description="The service that got the value; null if it is deleted or hidden from you.")
    async def to(self, info: Info) -> LazyService | None:
        from schema.holders import service_type  # noqa: PLC0415 - as above

        found = await info.context.holders.load(self.service_id)
        return service_type(found) if found else None


def _service_id(self: "Secret") -> ID | None:
    service = self.source.service
    return ID(service.id) if service else None


def _service_name(self: "Secret") -> str | None:
    service = self.source.service
    return service.name if service else None


def _service_type(self: "Secret") -> LinkedServiceTypeEnum | None:
    service = self.source.service
    return service.type if service else None


@strawberry.type(description="A secret. Its value can be written but not read.")
class Secret(Node):
    source: strawberry.Private[DomainSecret]
    key: str = shown(
        "source.key",
        "The name of the environment variable that delivers the value; case-sensitive.",
    )
    scope: APIVariableScopeEnum = shown("source.scope", SCOPE)
    variable_type: APIVariableTypeEnum = shown("source.variable_type", TYPE)
    mount_path: str | None = shown("source.mount_path", MOUNT_PATH)
    description: str | None = shown("source.description", DESCRIPTION)
    enable_interpolation_in_file: bool | None = shown(
        "source.enable_interpolation_in_file", INTERPOLATION
    )
    owned_by: str | None = shown(
        "source.owned_by",
        "The owner of the secret, e.g. the platform or an external secret manager.",
    )
    created_at: datetime = shown("source.created_at", "When the secret was created.")
    updated_at: datetime | None = shown("source.updated_at", "When the secret was last changed.")

    service_id: ID | None = pure_field(
        description=(
            "The service that the secret belongs to; for a BUILT_IN, the service that it comes "
            "from. Null for a secret of a project or an environment."
        ),
        resolver=_service_id,
    )
    service_name: str | None = pure_field(
        description="The name of the service in `serviceId`.", resolver=_service_name
    )
    service_type: LinkedServiceTypeEnum | None = pure_field(
        description="The kind of the service in `serviceId`.", resolver=_service_type
    )
    version: int = shown("source.version", "The version, which increases by one with every change.")
    organization_id: ID = shown(
        "source.holder.organization_id", "The organization that the secret belongs to."
    )
    project_id: ID = shown("source.holder.project_id", "The project that the secret belongs to.")
    environment_id: ID | None = shown(
        "source.holder.environment_id",
        "The environment that the secret belongs to; null for a secret of a project.",
    )

    @pure_field(
        description=(
            "The entity tag that REST sends in the header ETag, quotes included. It changes with "
            "this secret and with its target."
        )
    )
    def etag(self, info: Info) -> str:
        """Compute the tag from what the principal can see."""
        return info.context.services.secrets.tag_of(self.source)

    @pure_field(description="The target of an ALIAS; null if you cannot read it.")
    def aliased_secret(self, info: Info) -> SecretAlias | None:
        target = visible_target(info, self.source) if self.source.is_alias else None
        return SecretAlias.of(target) if target else None

    @pure_field(description="The target of an OVERRIDE; null if you cannot read it.")
    def overridden_secret(self, info: Info) -> SecretOverride | None:
        target = visible_target(info, self.source) if self.source.is_override else None
        return SecretOverride.of(target) if target else None

    @pure_field(
        description="The holder of the secret; for a BUILT_IN, the widest holder that sees it."
    )
    def holder(self) -> LazyHolder:
        return wrap_holder(self.source.holder)

    @field(
        description=(
            "Who created the secret. Null if you cannot read the audit log of its holder, if the "
            "log no longer has it, and where `AuditEvent.actor` is null."
        )
    )
    async def created_by(self, info: Info) -> LazyActor | None:
        edits = await info.context.secret_edits.load(self.source)
        return await _actor(info, edits.created if edits else None)

    @field(description="Who last changed the secret, or created it. Null as for `createdBy`.")
    async def updated_by(self, info: Info) -> LazyActor | None:
        edits = await info.context.secret_edits.load(self.source)
        return await _actor(info, edits.changed if edits else None)

    @field(
        description=(
            "The last delivery of the secret's value. Null if it was never delivered, if you "
            "cannot read the audit log of its holder, and if the log no longer has it."
        )
    )
    async def last_delivered(self, info: Info) -> LastDelivery | None:
        event = await info.context.last_deliveries.load(self.source)
        return LastDelivery(at=event.at, service_id=str(event.holder_id)) if event else None

    @field(
        description=(
            "The aliases and overrides that are deleted with this secret, and the secrets that "
            "would be delivered with another text because they refer to it. They are ordered by "
            "scope."
        )
    )
    async def dependents(
        self,
        info: Info,
        first: First = UNSET,
        after: After = UNSET,
        last: Last = UNSET,
        before: Before = UNSET,
    ) -> Annotated["SecretConnection", strawberry.lazy("schema.secrets")]:
        page = await info.context.services.secrets.dependents_of(
            secret=self.source, window=to_window(first, after, last, before)
        )
        return SecretConnection.of(page, Secret.of)

    @field(
        description=(
            "The services that would get something else if this secret had another value or were "
            "deleted, by name. References in other values count."
        )
    )
    async def impact(
        self,
        info: Info,
        of: Change = PlannedChange.DELETE,
        first: First = UNSET,
        after: After = UNSET,
        last: Last = UNSET,
        before: Before = UNSET,
    ) -> LazyServices:
        page = await info.context.services.effective.impact(
            secret=self.source,
            window=to_window(first, after, last, before),
            of_deletion=of is PlannedChange.DELETE,
        )
        return _wrap_services(page)

    @field(
        description=(
            "What the secret is and was, the newest version first. Older versions are deleted "
            "after the operator's retention period."
        )
    )
    async def versions(
        self,
        info: Info,
        first: First = UNSET,
        after: After = UNSET,
        last: Last = UNSET,
        before: Before = UNSET,
    ) -> LazyVersions:
        page = await info.context.services.history.versions_of(
            secret=self.source, window=to_window(first, after, last, before)
        )
        return _wrap_versions(page)

    @classmethod
    def of(cls, secret: DomainSecret) -> Self:
        return cls(source=secret, id=ID(secret.id))


@strawberry.type(description="A page of secrets.")
class SecretConnection(Connection[Secret]):
    """A page of a list."""


SecretEdge = Edge[Secret]
