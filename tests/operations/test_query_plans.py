"""Reads follow indexes: the database tells how it runs each statement that the services send.

A scan or a sort of a table that grows takes longer with every row, whatever a page shows of it.
"""

import re
import sqlite3
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
from sqlalchemy import event, select

from gateway.domain.audit import ANY_EVENT, AuditAction, AuditFilter
from gateway.domain.change_feed import FeedCursor
from gateway.domain.grants import RoleAssignment
from gateway.domain.holders import Holder
from gateway.domain.pages import (
    BY_KEY,
    BY_SCOPE,
    EVERY_SECRET,
    SecretOrder,
    SecretOrderField,
    SecretSearch,
    Window,
)
from gateway.domain.permissions import Role
from gateway.domain.principals import Principal
from gateway.domain.scopes import Scope
from gateway.domain.secrets import Secret
from gateway.services.container import BoundServices
from gateway.storage import change_feed, holders, secrets
from gateway.storage.tables import SecretRow
from gateway.storage.unit_of_work import ReadUnit
from tests.world import World

pytestmark = pytest.mark.asyncio(loop_scope="module")

# What does not grow: a query's own rows, one row of the head, the few deletions that are under way,
# and lists of ids in a parameter.
_SMALL = re.compile(
    r"SCAN (CONSTANT ROW|anon_\d+|\(subquery-\d+\)|audit_head|deletion|.* VIRTUAL TABLE INDEX .*)$"
)
_WINDOW = Window(size=10)
_NEWEST = SecretOrder(field=SecretOrderField.UPDATED_AT, is_descending=True)
_LATE = datetime.now(UTC) + timedelta(days=1)
_EARLY = _LATE - timedelta(days=90)


@dataclass(slots=True)
class Plans:
    """What the database says of the statements that ran, step by step."""

    steps: list[tuple[str, bool]] = field(default_factory=list)

    @property
    def scans(self) -> list[str]:
        """Scans of what grows."""
        return [
            step for step, _ in self.steps if step.startswith("SCAN") and not _SMALL.match(step)
        ]

    @property
    def sorts(self) -> list[str]:
        """Sorts of all that a condition finds; the rows of one page at the end may be sorted."""
        sort = "USE TEMP B-TREE FOR ORDER BY"
        return [step for step, is_inner in self.steps if step == sort and is_inner]

    @property
    def indexes(self) -> set[str]:
        """The indexes that were used."""
        return {found[1] for step, _ in self.steps if (found := re.search(r"INDEX (\w+)", step))}


@contextmanager
def _explaining(world: World) -> Iterator[Plans]:
    plans, sent = Plans(), list[tuple[str, Any]]()

    def note(_: object, __: object, statement: str, parameters: Any, *___: object) -> None:
        sent.append((statement, parameters))

    engine = world.runtime.database.readers.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield plans
    finally:
        event.remove(engine, "before_cursor_execute", note)
    with closing(sqlite3.connect(world.runtime.database.path)) as connection:
        for statement, parameters in sent:
            rows = connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
            plans.steps += [(text, parent != 0) for _, parent, _, text in rows]


@dataclass(frozen=True, slots=True)
class Scene:
    """A service, a secret above it, and its key."""

    service: Holder
    secret: Secret


async def _scene(world: World, unit: ReadUnit) -> Scene:
    service = await holders.find(unit, world.demo.job_id)
    assert service
    found = await secrets.find_with_key(unit, service, "PAYMENT_API_KEY")
    assert found
    return Scene(service, found)


Read = Callable[[BoundServices, Scene], Awaitable[object]]
READS: dict[str, Read] = {
    "effective by key": lambda services, scene: services.effective.page(
        service=scene.service, window=_WINDOW, order=BY_KEY
    ),
    "effective by scope": lambda services, scene: services.effective.page(
        service=scene.service, window=_WINDOW, order=BY_SCOPE
    ),
    "visible": lambda services, scene: services.secrets.visible_from(
        holder=scene.service, window=_WINDOW
    ),
    "defined": lambda services, scene: services.secrets.defined_at(
        holder=scene.service, window=_WINDOW
    ),
    "projects": lambda services, _: services.hierarchy.projects(window=_WINDOW),
    "tokens": lambda services, _: services.tokens.page(window=_WINDOW),
    "grants": lambda services, _: services.grants.page(window=_WINDOW),
    "users": lambda services, _: services.identities.page(window=_WINDOW),
}
SORTED_READS: dict[str, Read] = {
    "explain": lambda services, scene: services.effective.explain(
        service_id=scene.service.id, key=scene.secret.key
    ),
    "impact": lambda services, scene: services.effective.impact(
        secret=scene.secret, window=_WINDOW, of_deletion=False
    ),
    "impact of a deletion": lambda services, scene: services.effective.impact(
        secret=scene.secret, window=_WINDOW, of_deletion=True
    ),
    "dependents": lambda services, scene: services.secrets.dependents_of(
        secret=scene.secret, window=_WINDOW
    ),
    "delivery": lambda services, scene: services.delivery.runtime_secrets(
        service_id=scene.service.id
    ),
    "search": lambda services, _: services.secrets.search(
        window=_WINDOW, only=SecretSearch(key_contains="KEY", scopes=(Scope.JOB,))
    ),
    "search for what is unused": lambda services, _: services.secrets.search(
        window=_WINDOW, only=SecretSearch(unused_since=_EARLY)
    ),
    "edits": lambda services, scene: services.secret_events.edits_of(secrets=[scene.secret]),
    "last deliveries": lambda services, scene: services.secret_events.last_deliveries_of(
        secrets=[scene.secret]
    ),
    "picture": lambda services, scene: services.pictures.of_service(service_id=scene.service.id),
}


def _principals(world: World, service: Holder) -> Sequence[Principal]:
    """Return one that sees everything, and one that sees the service alone."""
    operator = Principal.operator(world.demo.organization_id)
    grants = (RoleAssignment(role=Role.ADMIN, holder=service),)
    return [
        operator,
        Principal(id="limited", organization_id=operator.organization_id, grants=grants),
    ]


async def _plans(world: World, read: Read) -> Plans:
    async with world.runtime.database.read() as unit:
        scene = await _scene(world, unit)
    with _explaining(world) as plans:
        for principal in _principals(world, scene.service):
            async with world.runtime.database.read() as unit:
                await read(world.runtime.services.for_principal(principal, unit), scene)
    return plans


@pytest.mark.parametrize("name", READS)
async def test_a_page_reads_what_it_shows(shared_world: World, name: str) -> None:
    plans = await _plans(shared_world, READS[name])

    assert plans.indexes
    assert plans.scans == []
    assert plans.sorts == []


@pytest.mark.parametrize("name", ["projects", "tokens", "grants", "users"])
async def test_a_list_of_one_index_is_not_sorted_at_all(shared_world: World, name: str) -> None:
    plans = await _plans(shared_world, READS[name])

    assert [step for step, _ in plans.steps if "TEMP B-TREE" in step] == []


@pytest.mark.parametrize("name", SORTED_READS)
async def test_other_reads_of_secrets_scan_nothing(shared_world: World, name: str) -> None:
    plans = await _plans(shared_world, SORTED_READS[name])

    assert plans.indexes
    assert plans.scans == []


SEARCH_BY_KEY: Final = "ix_secret_organization_id_key_id_updated_at_scope_variable_type_holder_id"
SEARCH_BY_TIME: Final = "ix_secret_organization_id_updated_at_id"
SEARCHES: Final[dict[str, tuple[str, SecretOrder, SecretSearch]]] = {
    "all": (SEARCH_BY_KEY, BY_KEY, EVERY_SECRET),
    "by key": (SEARCH_BY_KEY, BY_KEY, SecretSearch(key_contains="x", scopes=(Scope.JOB,))),
    "by time": (SEARCH_BY_TIME, _NEWEST, EVERY_SECRET),
    "by time, of a time": (SEARCH_BY_TIME, _NEWEST, SecretSearch(updated_since=_LATE)),
    "of a time": (SEARCH_BY_TIME, BY_KEY, SecretSearch(updated_since=_LATE)),
}


@pytest.mark.parametrize("name", SEARCHES)
async def test_a_search_of_everything_is_read_in_its_order(shared_world: World, name: str) -> None:
    index, order, only = SEARCHES[name]
    operator = Principal.operator(shared_world.demo.organization_id)
    async with shared_world.runtime.database.read() as unit:
        services = shared_world.runtime.services.for_principal(operator, unit)
        with _explaining(shared_world) as plans:
            await services.secrets.search(window=_WINDOW, order=order, only=only)

    assert index in plans.indexes
    assert plans.scans == []
    assert plans.sorts == [] or name == "of a time"


OF_PROJECT_BY_TIME: Final = "ix_secret_project_id_updated_at_id"
OF_PROJECT_BY_KEY: Final = "ix_secret_project_id_key_list_rank_id"
IN_PROJECT: Final[dict[str, tuple[str, SecretOrder, datetime | None]]] = {
    "by key": (OF_PROJECT_BY_KEY, BY_KEY, None),
    "by time": (OF_PROJECT_BY_TIME, _NEWEST, None),
    "by time, of a time": (OF_PROJECT_BY_TIME, _NEWEST, _LATE),
    "of a time": (OF_PROJECT_BY_TIME, BY_KEY, _LATE),
}


@pytest.mark.parametrize("name", IN_PROJECT)
async def test_a_search_of_a_project_is_read_in_its_order(shared_world: World, name: str) -> None:
    index, order, since = IN_PROJECT[name]
    only = SecretSearch(holder_ids=(shared_world.demo.project_id,), updated_since=since)
    operator = Principal.operator(shared_world.demo.organization_id)
    async with shared_world.runtime.database.read() as unit:
        services = shared_world.runtime.services.for_principal(operator, unit)
        with _explaining(shared_world) as plans:
            await services.secrets.search(window=_WINDOW, order=order, only=only)

    assert index in plans.indexes
    assert plans.scans == []


# By the index that a page is read through.
FILTERS = {
    "ix_audit_event_actor_id_seq": AuditFilter(actor_id="nobody"),
    "ix_audit_event_organization_id_action_seq": AuditFilter(
        actions=(AuditAction.HOLDER_CREATED, AuditAction.SECRET_DELETED)
    ),
    "ix_audit_event_holder_id_seq": AuditFilter(holder_id="00000000-0000-4000-8000-000000000000"),
    "ix_audit_event_project_id_seq": AuditFilter(holder_id="00000000-0000-4000-8000-000000000000"),
    "ix_audit_event_organization_id_seq": ANY_EVENT,
}


async def _audit_plans(world: World, only: AuditFilter) -> Plans:
    return await _plans(world, lambda services, _: services.audit.page(window=_WINDOW, only=only))


@pytest.mark.parametrize("index", FILTERS)
async def test_a_filter_follows_an_index(shared_world: World, index: str) -> None:
    plans = await _audit_plans(shared_world, FILTERS[index])

    assert index in plans.indexes
    assert plans.scans == []
    assert plans.sorts == []


@pytest.mark.parametrize(
    "only",
    [
        AuditFilter(secret_id="00000000-0000-4000-8000-000000000000"),
        AuditFilter(since=_LATE),
        AuditFilter(until=_LATE),
        AuditFilter(actor_id="gateway", actions=(AuditAction.SECRET_DELETED,)),
        AuditFilter(actor_id="operator", actions=(AuditAction.VALUES_DELIVERED,), until=_LATE),
    ],
    ids=["secret", "since", "until", "actor and action", "actor, delivery and time"],
)
async def test_filters_together_scan_nothing(shared_world: World, only: AuditFilter) -> None:
    plans = await _audit_plans(shared_world, only)

    assert plans.scans == []
    assert plans.sorts == []


async def test_the_change_feed_follows_the_index_of_each_holder(shared_world: World) -> None:
    async with shared_world.runtime.database.read() as unit:
        service = (await _scene(shared_world, unit)).service
        with _explaining(shared_world) as plans:
            await change_feed.changes(
                unit, FeedCursor(0, ""), service.chain_ids, cursor_of=lambda _: ""
            )

    assert "ix_audit_event_holder_id_seq" in plans.indexes
    assert plans.scans == []
    assert plans.sorts == []


async def test_a_scan_and_a_sort_are_seen(shared_world: World) -> None:
    """The control: without an index the database says so."""
    secret = SecretRow.__table__
    some = select(secret.c.id).order_by(secret.c.description).limit(5).subquery()
    async with shared_world.runtime.database.read() as unit:
        with _explaining(shared_world) as plans:
            await unit.rows(select(secret.c.id).where(secret.c.id.in_(select(some.c.id))))

    assert plans.scans == ["SCAN secret"]
    assert plans.sorts == ["USE TEMP B-TREE FOR ORDER BY"]
