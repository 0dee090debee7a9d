"""Prepared statements give what SQLAlchemy gives, and run in few visits to the database."""

import pkgutil
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from importlib import import_module
from typing import Any

import pytest
from sqlalchemy import bindparam, select, update

import gateway.storage
from gateway.domain.errors import ConcurrentChange, IntegrityFault
from gateway.domain.holders import Holder, new_id
from gateway.domain.scopes import Scope
from gateway.domain.secrets import Secret, SecretType
from gateway.storage import holders, rows, secret_rows, secrets
from gateway.storage.audit.event_log import EVENT
from gateway.storage.audit.row_macs import HOLDERS
from gateway.storage.live_rows import HOLDER, SECRET
from gateway.storage.prepared import NotPreparable, Planned, Prepared, each_of
from gateway.storage.unit_of_work import ReadUnit
from tests.unit.test_sqlite_dialect import counting_visits
from tests.world import World

pytestmark = pytest.mark.asyncio(loop_scope="module")

_AT = datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC)
# What an alias takes: two sign-ins, the end of the first one's view, twice to read, the new row
# with the records' look-up, the audit log, and the commit.
VISITS_OF_AN_ALIAS = 8


async def _job(unit: ReadUnit, world: World) -> Holder:
    found = await holders.find(unit, world.demo.job_id)
    assert found
    return found


def _secret(holder: Holder, key: str) -> Secret:
    return Secret(
        id=new_id(),
        key=key,
        mount_path=None,
        scope=holder.kind,
        variable_type=SecretType.VALUE,
        description="",
        enable_interpolation_in_file=None,
        holder=holder,
        service=None,
        target=None,
        target_holder_id=None,
        target_version=None,
        owned_by="QOVERY",
        version=1,
        created_at=_AT,
        updated_at=_AT,
    )


def _all_prepared() -> dict[str, Prepared]:
    modules = [
        import_module(found.name)
        for found in pkgutil.walk_packages(gateway.storage.__path__, "gateway.storage.")
        if ".migrations" not in found.name
    ]
    return {
        f"{module.__name__}.{name}": each
        for module in modules
        for name, each in vars(module).items()
        if isinstance(each, Prepared)
    }


async def test_every_prepared_statement_has_one_text() -> None:
    found = _all_prepared()

    assert len(found) > 10
    assert all(
        each.sql.split()[0] in {"SELECT", "INSERT", "UPDATE", "DELETE"} for each in found.values()
    )


async def test_a_statement_whose_text_depends_on_its_parameters_is_refused() -> None:
    with pytest.raises(NotPreparable):
        _ = Prepared(select(HOLDER.c.id).where(HOLDER.c.id.in_(["a", "b"]))).sql


async def test_a_missing_parameter_is_refused() -> None:
    with pytest.raises(KeyError):
        Prepared(select(HOLDER.c.id).where(HOLDER.c.id == bindparam("id")))(name="x")


_SECRETS = secret_rows.selection().where(SECRET.c.holder_id.in_(each_of("holders")))
_EVENTS = select(EVENT).where(EVENT.c.at > bindparam("at", type_=EVENT.c.at.type))
Given = Callable[[World], dict[str, Any]]
COMPARED: dict[str, tuple[Any, Given]] = {
    "texts, times and flags": (
        _SECRETS.order_by(SECRET.c.id),
        lambda world: {"holders": [world.demo.job_id, world.demo.project_id]},
    ),
    "bytes, and a time as a parameter": (_EVENTS.order_by(EVENT.c.seq), lambda _: {"at": _AT}),
    "a fixed value": (select(HOLDER).where(HOLDER.c.kind == Scope.JOB), lambda _: {}),
}


@pytest.mark.parametrize("name", COMPARED)
async def test_rows_are_those_of_sqlalchemy(shared_world: World, name: str) -> None:
    statement, given = COMPARED[name]
    values = given(shared_world)
    async with shared_world.runtime.database.read() as unit:
        expected = await unit.rows(statement.params(**values))
        found = await unit.rows(Prepared(statement)(**values))

    assert len(found) > 0
    assert list(map(tuple, found)) == list(map(tuple, expected))
    column = next(iter(expected[0]._fields))
    assert [getattr(row, column) for row in found] == [getattr(row, column) for row in expected]


async def test_what_is_read_ahead_is_found_without_a_visit(
    shared_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with shared_world.runtime.database.read() as unit:
        wanted = secrets.with_key(await _job(unit, shared_world), "PAYMENT_API_KEY")
        unit.read_ahead(wanted)
        with counting_visits(monkeypatch) as visits:
            await _job(unit, shared_world)
            (row,) = await unit.rows(wanted)
            assert await unit.rows(wanted) == [row]

    assert (len(visits), row.key) == (1, "PAYMENT_API_KEY")


async def test_a_write_makes_what_was_read_ahead_void(shared_world: World) -> None:
    async with shared_world.runtime.database.write(dry_run=True) as unit:
        holder = await _job(unit, shared_world)
        unit.read_ahead(secrets.with_key(holder, "ADDED"))
        await _job(unit, shared_world)
        await secrets.add(unit, _secret(holder, "ADDED"))

        assert await secrets.find_with_key(unit, holder, "ADDED")


async def test_an_alias_takes_few_visits(
    shared_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Eleven statements and the commit, each a visit of its own where nothing runs together."""
    made = await shared_world.client.post(
        f"/project/{shared_world.demo.project_id}/secret",
        json={"key": "TO_BE_ALIASED", "value": "x", "is_secret": True},
    )
    path = f"/job/{shared_world.demo.job_id}/secret/{made.json()['id']}/alias"
    await shared_world.client.post(path, json={"key": "AN_ALIAS"})

    counts = []
    for number in range(3):
        with counting_visits(monkeypatch) as visits:
            answer = await shared_world.client.post(path, json={"key": f"ALIAS_{number}"})
        assert answer.is_success
        counts.append(len(visits))

    # Beside one of them the gateway may do work of its own.
    assert 5 < min(counts) <= VISITS_OF_AN_ALIAS


async def test_a_planned_write_that_a_constraint_refuses_is_a_concurrent_change(
    shared_world: World,
) -> None:
    """The services have checked before. The audit log is not what refuses it."""

    async def write_twice(*, dry_run: bool) -> None:
        async with shared_world.runtime.database.write(dry_run=dry_run) as unit:
            holder = await _job(unit, shared_world)
            await secrets.add(unit, _secret(holder, "TWICE"))
            await secrets.add(unit, _secret(holder, "TWICE"))

    for dry_run in (False, True):
        with pytest.raises(ConcurrentChange):
            await write_twice(dry_run=dry_run)


async def test_a_planned_write_that_touches_no_row_is_found(
    shared_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A row that another has changed since it was read has another MAC."""
    is_job = HOLDERS.row_id == shared_world.demo.job_id

    async def write() -> None:
        async with shared_world.runtime.database.write(dry_run=True) as unit:
            (before,) = await unit.rows(HOLDERS.selection().where(is_job))
            stale = (*before[:-1], b"the MAC of another state")
            await rows.update_rows(unit, HOLDERS, [(stale, {"name": "renamed"})])

    with pytest.raises(IntegrityFault):
        await write()

    async def believe(*_: object) -> None:
        """Take all for written."""

    # The control: without the count nothing is noticed.
    monkeypatch.setattr(rows, "ensure_all_written", believe)
    await write()


async def test_a_refusal_takes_the_place_of_an_error(shared_world: World) -> None:
    class Refused(IntegrityFault):
        pass

    holder = HOLDERS.table
    statement = Prepared(update(holder).where(holder.c.id == bindparam("at")), written=["kind"])
    bound = statement(at=shared_world.demo.job_id, kind="NO_KIND")

    async def write(planned: Planned) -> None:
        async with shared_world.runtime.database.write(dry_run=True) as unit:
            unit.plan(planned)

    with pytest.raises(Refused):
        await write(Planned(bound, Refused))
    with pytest.raises(ConcurrentChange):
        await write(Planned(bound))


async def test_a_column_that_cannot_be_read_is_a_fault(shared_world: World) -> None:
    class Unreadable(Prepared):
        def read(self, found: Sequence[Sequence[Any]]) -> Sequence[Any]:
            raise ValueError(found)

    async with shared_world.runtime.database.read() as unit:
        with pytest.raises(IntegrityFault):
            await unit.rows(Unreadable(select(HOLDER.c.id))())
