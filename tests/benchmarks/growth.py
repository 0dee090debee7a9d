"""A database that grows around one service whose own content stays the same.

The gateway writes the service's secrets and all events. Other secrets are stored with their MACs
and without events, as the reads do not look at what the log recorded of them.
"""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gateway.config.settings import Settings
from gateway.domain.audit import AuditAction, AuditDraft, AuditSubject
from gateway.domain.drafts import AliasDraft, HolderReference, SecretDraft
from gateway.domain.grants import RoleAssignment
from gateway.domain.holders import Holder, new_id
from gateway.domain.origins import ActorKind, originating
from gateway.domain.permissions import Role
from gateway.domain.principals import Principal
from gateway.domain.scopes import Scope
from gateway.domain.secrets import Secret, SecretType
from gateway.runtime import Runtime, migrate_database
from gateway.services.context import utc_now
from gateway.services.demo import ensure_demo
from gateway.services.import_plan import ImportRow
from gateway.storage import holders, secret_rows
from gateway.storage.database import Database

KEYS: Final = 3_000
RARE: Final = 200
RARE_ACTOR: Final = "rare"
COMMON_ACTOR: Final = "common"
RARE_ACTION: Final = AuditAction.HOLDER_CHANGED
COMMON_ACTION: Final = AuditAction.HOLDER_CREATED
_AT_ONCE: Final = 1_000
_AT_HOLDER: Final = 50
_TREES_AT_ONCE: Final = 25


@dataclass(frozen=True, slots=True)
class Grown:
    """A service with secrets in its chain, one of them, and who looks at it."""

    runtime: Runtime
    operator: Principal
    service: Holder
    secret: Secret

    @property
    def limited(self) -> Principal:
        """A principal that sees the service and nothing else."""
        grants = (RoleAssignment(role=Role.ADMIN, holder=self.service),)
        return Principal(id="limited", organization_id=self.operator.organization_id, grants=grants)


@asynccontextmanager
async def grown_database(folder: Path, *, size: int, events: int) -> AsyncIterator[Grown]:
    """Open a database with so many further secrets and events."""
    settings = Settings(data_dir=folder)
    await migrate_database(settings)
    runtime = Runtime.over(settings)
    async with runtime.running():
        demo = await ensure_demo(runtime.services, runtime.operator, runtime.database)
        operator = Principal.operator(demo.organization_id)
        service, secret = await _fill_chain(runtime, operator)
        await _add_events(runtime, service, secret, events=events)
        async with Database(settings.resolved_database_url) as database:
            database.macs = runtime.database.macs
            await _add_secrets(database, service, size=size)
        yield Grown(runtime, operator, service, secret)


async def _fill_chain(runtime: Runtime, operator: Principal) -> tuple[Holder, Secret]:
    services = runtime.services.for_principal(operator)
    above: Holder | None = None
    for kind in (Scope.PROJECT, Scope.ENVIRONMENT, Scope.JOB):
        parent = HolderReference(above.kind, above.id) if above else None
        above = await services.administration.create_holder(
            kind=kind, name=f"measured {kind}", parent=parent
        )
        drafts = [
            SecretDraft(
                key=f"{kind}_{number:04}", value="x" if number % 100 else f"{{{{{kind}_0001}}}}"
            )
            for number in range(KEYS // 3)
        ]
        reference = HolderReference(kind, above.id)
        await services.imports.run(
            holder_reference=reference, rows=[ImportRow(draft) for draft in drafts], overwrite=False
        )
    assert above is not None
    secret = await services.secrets.create(
        holder_reference=HolderReference(Scope.PROJECT, above.project_id),
        draft=SecretDraft(key="KEY_00", value="one"),
    )
    await services.aliases.create(
        holder_reference=HolderReference(Scope.JOB, above.id),
        target_id=secret.id,
        draft=AliasDraft(key="ALIAS"),
    )
    return above, secret


def _drafts(kind: Scope) -> Iterator[SecretDraft]:
    for number in range(KEYS // 3):
        value = "x" if number % 100 else f"{{{{{kind}_0001}}}}"
        yield SecretDraft(key=f"{kind}_{number:04}", value=value)


async def _add_events(runtime: Runtime, service: Holder, secret: Secret, *, events: int) -> None:
    """Add events of a rare and of a common kind; all rare ones are older than the common ones."""
    draft = AuditDraft(
        action=RARE_ACTION,
        subject=AuditSubject.SECRET,
        subject_id=secret.id,
        organization_id=service.organization_id,
        project_id=service.project_id,
        holder_id=service.id,
    )
    await _record(runtime, RARE_ACTOR, [draft] * RARE)
    others = [
        AuditDraft(
            action=COMMON_ACTION,
            subject=AuditSubject.HOLDER,
            subject_id=holder_id,
            organization_id=service.organization_id,
            project_id=project_id,
            holder_id=holder_id,
        )
        for project_id in (new_id() for _ in range(10))
        for holder_id in (new_id() for _ in range(10))
    ]
    for _ in range(events // _AT_ONCE):
        await _record(runtime, COMMON_ACTOR, others * (_AT_ONCE // len(others)))


async def _record(runtime: Runtime, actor_id: str, drafts: Sequence[AuditDraft]) -> None:
    with originating(actor_kind=ActorKind.TOKEN, actor_id=actor_id):
        async with runtime.database.write() as unit:
            unit.drafts.extend(drafts)


async def _add_secrets(database: Database, near: Holder, *, size: int) -> None:
    """Add secrets, one half to the service's project and the other to other projects."""
    for start in range(0, size // (4 * _AT_HOLDER), _TREES_AT_ONCE):
        numbers = range(start, min(start + _TREES_AT_ONCE, size // (4 * _AT_HOLDER)))
        trees = (tree(near, number) for number in numbers for tree in (_environment, _project))
        async with database.write() as unit:
            for holder, parent in (pair for tree in trees for pair in tree):
                await holders.add(unit, holder, parent=parent, at=utc_now())
                if holder.kind is not Scope.PROJECT:
                    rows = [secret_rows.row_of(each, None) for each in _secrets_at(holder)]
                    await unit.insert(*rows)


Pair = tuple[Holder, Holder | None]


def _environment(near: Holder, number: int) -> Iterator[Pair]:
    project = Holder(
        id=near.project_id,
        kind=Scope.PROJECT,
        name="",
        organization_id=near.organization_id,
        project_id=near.project_id,
        environment_id=None,
    )
    yield from _below(project, number)


def _project(near: Holder, number: int) -> Iterator[Pair]:
    project_id = new_id()
    project = Holder(
        id=project_id,
        kind=Scope.PROJECT,
        name=f"project {number}",
        organization_id=near.organization_id,
        project_id=project_id,
        environment_id=None,
    )
    yield project, None
    yield from _below(project, number)


def _below(project: Holder, number: int) -> Iterator[Pair]:
    environment_id = new_id()
    above = project
    for holder_id, kind in ((environment_id, Scope.ENVIRONMENT), (new_id(), Scope.JOB)):
        holder = Holder(
            id=holder_id,
            kind=kind,
            name=f"{kind} {number}",
            organization_id=project.organization_id,
            project_id=project.id,
            environment_id=environment_id,
        )
        yield holder, above
        above = holder


def _secrets_at(holder: Holder) -> Iterator[Secret]:
    now = utc_now()
    for number in range(_AT_HOLDER):
        yield Secret(
            id=new_id(),
            key=f"KEY_{number:02}",
            mount_path=None,
            scope=holder.kind,
            variable_type=SecretType.VALUE,
            description=None,
            enable_interpolation_in_file=None,
            owned_by="bench",
            version=1,
            created_at=now,
            updated_at=now,
            target=None,
            holder=holder,
            service=None,
        )
