"""The gateway that the machine drives: its use cases over a real file, and a small hierarchy."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Coroutine, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from gateway.config.settings import Settings
from gateway.domain.drafts import HolderReference, ProvidedDraft
from gateway.domain.errors import BusinessError, ErrorCode
from gateway.domain.holders import new_id
from gateway.domain.pages import Window
from gateway.domain.principals import Principal
from gateway.domain.scopes import Scope, ServiceType
from gateway.domain.secrets import Secret, ServiceReference
from gateway.runtime import Runtime, migrate_database
from gateway.services.container import BoundServices
from gateway.services.delivery import RuntimeSecret
from gateway.storage.unit_of_work import ReadUnit
from tests.machine.model import Place

Result = TypeVar("Result")

PLATFORM_KEY: Final = "PLATFORM"
PLATFORM_VALUE: Final = "platform"
_SOURCE: Final = ServiceReference(id=new_id(), name="db", type=ServiceType.DATABASE)


@dataclass(frozen=True, slots=True)
class Stage:
    """Two projects of two environments of two services, and the use cases over them."""

    runner: asyncio.Runner
    runtime: Runtime
    principal: Principal
    places: tuple[Place, ...]

    @property
    def services(self) -> BoundServices:
        """The use cases that read nothing before they write."""
        return self.runtime.services.for_principal(self.principal)

    def services_on(self, unit: ReadUnit) -> BoundServices:
        """Return the use cases that read on one view."""
        return self.runtime.services.for_principal(self.principal, unit)

    @property
    def service_places(self) -> tuple[Place, ...]:
        """The holders that run."""
        return tuple(place for place in self.places if place.kind.is_service)

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Wait for a use case."""
        return self.runner.run(work)

    def outcome(self, work: Awaitable[Result]) -> Result | ErrorCode:
        """Wait for a use case; return what it did, or the code of its refusal."""

        async def settled() -> Result | ErrorCode:
            try:
                return await work
            except BusinessError as error:
                return error.code

        return self.runner.run(settled())

    def reset(self) -> Secret:
        """Take all secrets away, and register the platform's one."""
        path = self.runtime.settings.data_dir / "secrets.db"
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("PRAGMA foreign_keys = ON")
            for table in ("value_reference", "sealed_value"):
                connection.execute(f"DELETE FROM {table}")  # noqa: S608 - the names above
            connection.execute("DELETE FROM secret")
        draft = ProvidedDraft(key=PLATFORM_KEY, value=PLATFORM_VALUE, source=_SOURCE)
        return self.run(
            self.services.administration.register(
                holder_reference=named(self.platform_place), draft=draft
            )
        )

    @property
    def platform_place(self) -> Place:
        """The holder that the platform's secret hangs on: the first environment."""
        return next(place for place in self.places if place.kind is Scope.ENVIRONMENT)

    async def seen(self, at: Place, service: Place) -> tuple[list[Secret], list[RuntimeSecret]]:
        """Return what a holder sees, and what a service gets, in one view."""
        async with self.runtime.database.read() as unit:
            found = await self.services_on(unit).hierarchy.find(ids=[at.id])
            page = await self.services_on(unit).secrets.visible_from(
                holder=found[at.id], window=Window(size=100)
            )
            delivered = await self.services_on(unit).delivery.runtime_secrets(service_id=service.id)
        assert not page.has_next
        return [entry.item for entry in page.entries], list(delivered.secrets)


def named(place: Place) -> HolderReference:
    """Return the holder as a caller names it."""
    return HolderReference(place.kind, place.id)


@contextmanager
def opened_stage(folder: Path) -> Iterator[Stage]:
    """Open a gateway over a new folder, with the hierarchy in it."""
    settings = Settings(data_dir=folder, graphiql=False)
    with asyncio.Runner() as runner:
        runner.run(migrate_database(settings))
        runtime = Runtime.over(settings)
        running = runtime.running()
        runner.run(running.__aenter__())
        try:
            principal, places = runner.run(_hierarchy(runtime))
            yield Stage(runner, runtime, principal, places)
        finally:
            runner.run(running.__aexit__(None, None, None))


async def _hierarchy(runtime: Runtime) -> tuple[Principal, tuple[Place, ...]]:
    organization = await runtime.operator.organizations.create(name="machine")
    principal, places = Principal.operator(organization.id), list[Place]()

    async def made(kind: Scope, above: Place | None = None) -> Place:
        holder = await runtime.services.for_principal(principal).administration.create_holder(
            kind=kind, name=f"{kind} {len(places)}", parent=named(above) if above else None
        )
        places.append(Place(holder.id, kind, above.chain if above else ()))
        return places[-1]

    for project in [await made(Scope.PROJECT), await made(Scope.PROJECT)]:
        for environment in [await made(Scope.ENVIRONMENT, project) for _ in range(2)]:
            await made(Scope.JOB, environment)
            await made(Scope.CONTAINER, environment)
    return principal, tuple(places)
