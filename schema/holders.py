"""Holders of secrets: projects, environments and services."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Final, Self

import strawberry
from strawberry import ID, UNSET, argument, field

from gateway.domain.holders import Holder
from gateway.domain.refusals import HolderNotFound
from gateway.domain.scopes import SERVICE_SCOPES, Scope, ServiceType
from schema.context import Info
from schema.effective import EffectiveSecret, EffectiveSecretConnection
from schema.enums import LinkedServiceTypeEnum
from schema.fields import FILTER, ORDER, Name, Node, pure_field
from schema.inputs import SecretFilter, SecretOrder, to_filter, to_order, to_window, unset_to_none
from schema.pages import After, Before, Connection, First, Last
from schema.secrets import Secret, SecretConnection

if TYPE_CHECKING:
    from schema.history import DeletedSecretConnection

Filter = Annotated[SecretFilter | None, FILTER]
OrderBy = Annotated[SecretOrder | None, ORDER]
Kinds = Annotated[
    list[LinkedServiceTypeEnum] | None,
    argument(description="The kinds of service to return; all if omitted."),
]


@strawberry.interface(description="A holder of secrets: a project, an environment or a service.")
class SecretHolder(Node):
    source: strawberry.Private[Holder]
    name: Name

    @field(description="The secrets defined on this holder, without inherited ones.")
    async def secrets(
        self,
        info: Info,
        first: First = UNSET,
        after: After = UNSET,
        last: Last = UNSET,
        before: Before = UNSET,
        filter: Filter = UNSET,
        order_by: OrderBy = UNSET,
    ) -> SecretConnection:
        page = await info.context.services.secrets.defined_at(
            holder=self.source,
            window=to_window(first, after, last, before),
            order=to_order(order_by),
            only=to_filter(filter),
        )
        return SecretConnection.of(page, Secret.of)

    @field(
        description=(
            "All secrets visible from this holder: its own, those inherited from wider scopes and "
            "the built-in ones. They are ordered by scope, targets before their aliases and "
            "overrides. A secret and its override are both included."
        )
    )
    async def visible_secrets(
        self,
        info: Info,
        first: First = UNSET,
        after: After = UNSET,
        last: Last = UNSET,
        before: Before = UNSET,
    ) -> SecretConnection:
        max_size = info.context.max_page_size
        page = await info.context.services.secrets.visible_from(
            holder=self.source, window=to_window(first, after, last, before, max_size=max_size)
        )
        return SecretConnection.of(page, Secret.of)

    @field(
        description=(
            "The deleted secrets of this holder that are still kept, the last deleted first."
        )
    )
    async def deleted_secrets(
        self,
        info: Info,
        first: First = UNSET,
        after: After = UNSET,
        last: Last = UNSET,
        before: Before = UNSET,
    ) -> Annotated["DeletedSecretConnection", strawberry.lazy("schema.history")]:
        from schema.history import (  # noqa: PLC0415 - breaks the cycle
            DeletedSecret,
            DeletedSecretConnection,
        )

        page = await info.context.services.history.deleted_at(
            holder=self.source, window=to_window(first, after, last, before)
        )
        return DeletedSecretConnection.of(page, DeletedSecret.of)

    @classmethod
    def of(cls, holder: Holder) -> Self:
        return cls(source=holder, id=ID(holder.id), name=holder.name)


@strawberry.interface(
    description=(
        "A service runs in an environment. It sees its own secrets, those of its environment and "
        "its project, and the built-in ones."
    )
)
class Service(SecretHolder):
    @pure_field(description="The kind of service.")
    def service_type(self) -> LinkedServiceTypeEnum:
        return ServiceType(self.source.kind)

    @field(
        description=(
            "What the service sees at run time: one entry per key, with its origin and the secrets "
            "that it hides. The filter applies to the winning secrets."
        )
    )
    async def effective_secrets(
        self,
        info: Info,
        first: First = UNSET,
        after: After = UNSET,
        last: Last = UNSET,
        before: Before = UNSET,
        filter: Filter = UNSET,
        order_by: OrderBy = UNSET,
    ) -> EffectiveSecretConnection:
        page = await info.context.services.effective.page(
            service=self.source,
            window=to_window(first, after, last, before),
            order=to_order(order_by),
            only=to_filter(filter),
        )
        return EffectiveSecretConnection.of(page, EffectiveSecret.of)

    @field(description="The environment that the service runs in.")
    async def environment(
        self, info: Info
    ) -> Annotated["Environment", strawberry.lazy("schema.holders")]:
        return Environment.of(await _above(info, self.source.environment_id))


@strawberry.type(description="A service built from source.")
class Application(Service):
    """A service built from source."""


@strawberry.type(description="A service run from an image.")
class Container(Service):
    """A service run from an image."""


@strawberry.type(description="A service that runs to completion, on an event or a schedule.")
class Job(Service):
    """A service that runs to its end."""


@strawberry.type(description="A Helm chart.")
class Helm(Service):
    """A Helm chart."""


@strawberry.type(description="A Terraform stack.")
class Terraform(Service):
    """A Terraform stack."""


@strawberry.type(description="An agentic workflow.")
class AgenticWorkflow(Service):
    """An agentic workflow."""


@strawberry.type(description="A page of services.")
class ServiceConnection(Connection[Service]):
    """A page of a list."""


@strawberry.type(description="A stage of a project, e.g. production. Services run in it.")
class Environment(SecretHolder):
    @field(description="The project of the environment.")
    async def project(self, info: Info) -> Annotated["Project", strawberry.lazy("schema.holders")]:
        return Project.of(await _above(info, self.source.project_id))

    @field(description="The services of the environment, by name.")
    async def services(
        self,
        info: Info,
        first: First = UNSET,
        after: After = UNSET,
        last: Last = UNSET,
        before: Before = UNSET,
        types: Kinds = UNSET,
    ) -> ServiceConnection:
        chosen = unset_to_none(types)
        page = await info.context.services.hierarchy.services(
            environment=self.source,
            window=to_window(first, after, last, before),
            kinds=[kind for kind in SERVICE_SCOPES if chosen is None or kind.value in chosen],
        )
        return ServiceConnection.of(page, service_type)


@strawberry.type(description="A page of environments.")
class EnvironmentConnection(Connection[Environment]):
    """A page of a list."""


@strawberry.type(description="The widest holder of secrets.")
class Project(SecretHolder):
    @field(description="The environments of the project, by name.")
    async def environments(
        self,
        info: Info,
        first: First = UNSET,
        after: After = UNSET,
        last: Last = UNSET,
        before: Before = UNSET,
    ) -> EnvironmentConnection:
        page = await info.context.services.hierarchy.environments(
            project=self.source, window=to_window(first, after, last, before)
        )
        return EnvironmentConnection.of(page, Environment.of)


@strawberry.type(description="A page of projects.")
class ProjectConnection(Connection[Project]):
    """A page of a list."""


_TYPES: Final[Mapping[Scope, type[SecretHolder]]] = MappingProxyType(
    {
        Scope.PROJECT: Project,
        Scope.ENVIRONMENT: Environment,
        Scope.APPLICATION: Application,
        Scope.CONTAINER: Container,
        Scope.JOB: Job,
        Scope.HELM: Helm,
        Scope.TERRAFORM: Terraform,
        Scope.AGENTIC_WORKFLOW: AgenticWorkflow,
    }
)
HOLDER_TYPES: Final = tuple(_TYPES.values())


async def _above(info: Info, holder_id: str | None) -> Holder:
    # The ancestors of a visible holder are visible, and foreign keys ensure that they are stored.
    found = await info.context.holders.load(str(holder_id))
    if found is None:
        raise HolderNotFound(None, str(holder_id))
    return found


def holder_type(holder: Holder) -> SecretHolder:
    """Wrap a holder in the type of its kind."""
    return _TYPES[holder.kind].of(holder)


def service_type(holder: Holder) -> Service:
    """Wrap a service in the type of its kind."""
    wrapped = holder_type(holder)
    if not isinstance(wrapped, Service):
        raise TypeError(holder.kind)
    return wrapped
