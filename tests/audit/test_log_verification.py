"""Whoever writes to the trail's tables past the gateway is found out."""

import os
import random
from collections.abc import Iterator
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import Engine, event

from gateway.domain.scopes import Scope
from gateway.services.audit import verification
from gateway.services.audit.trust import TrustFault
from tests.audit.audit_log import (
    by_force,
    database_of,
    events_of,
    faults,
    run_by_force,
    trust_fault_of,
)
from tests.world import World

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.rule("S50")]

TABLES = ("audit_event", "delivered_set", "audit_head")
TRIES = int(os.environ.get("TAMPER_TRIES", "40"))
DELIVERY = "query ($id: ID!) { runtimeSecrets(serviceId: $id) { key } }"
COLUMNS = {
    "at": "'2020-01-01 00:00:00.000000'",
    "actor_kind": "'TOKEN'",
    "actor_id": "'somebody'",
    "action": "'HOLDER_CHANGED'",
    "subject": "'INSTANCE'",
    "subject_id": "'another'",
    "organization_id": "'another'",
    "project_id": "'another'",
    "holder_id": "NULL",
    "key": "'ANOTHER'",
    "face": "'REST'",
    "request_id": "'another'",
    "details": "'{}'",
    "set_mac": "zeroblob(32)",
    "prev_hash": "zeroblob(32)",
    "hash": "zeroblob(32)",
}
COPIED = ", ".join(COLUMNS)
TAMPERINGS = {
    "an entry deleted": "DELETE FROM audit_event WHERE seq = 9",
    "the first deleted": "DELETE FROM audit_event WHERE seq = 1",
    "the beginning cut off": "DELETE FROM audit_event WHERE seq < 9",
    "the last deleted": "DELETE FROM audit_event WHERE seq = (SELECT max(seq) FROM audit_event)",
    "the end cut off": "DELETE FROM audit_event WHERE seq > 9",
    "all deleted": "DELETE FROM audit_event",
    "one inserted at the end": f"INSERT INTO audit_event (seq, {COPIED}) SELECT "
    f"(SELECT max(seq) + 1 FROM audit_event), {COPIED} FROM audit_event WHERE seq = 9",
    "two exchanged": "UPDATE audit_event SET seq = CASE seq WHEN 8 THEN -9 ELSE -8 END "
    "WHERE seq IN (8, 9); UPDATE audit_event SET seq = -seq WHERE seq < 0",
    "the numbers closed up": "DELETE FROM audit_event WHERE seq = 9; "
    "UPDATE audit_event SET seq = seq - 1 WHERE seq > 9",
    "the head moved back": "UPDATE audit_head SET seq = 9, "
    "hash = (SELECT hash FROM audit_event WHERE seq = 9)",
    "the head deleted": "DELETE FROM audit_head",
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def long_log(shared_world: World) -> World:
    """A world with more than 20 entries, a delivery among them, and a copy of its trail."""
    for number in range(3):
        await shared_world.rest.create(
            Scope.JOB, shared_world.demo.job_id, key=f"KEY_{number}", value="v"
        )
    await shared_world.graphql.ask(DELIVERY, {"id": shared_world.demo.job_id})
    kept = (f"CREATE TABLE kept.{table} AS SELECT * FROM main.{table}" for table in TABLES)
    run_by_force(database_of(shared_world), _attached(shared_world), *kept)
    return shared_world


@pytest.fixture
def audit_log(long_log: World) -> Iterator[World]:
    """The same world, its trail put back afterwards."""
    yield long_log
    _put_back(long_log)


def _attached(world: World) -> str:
    # A file of its own: a table beside the gateway's would stop writes.
    return f"ATTACH '{database_of(world).parent / 'kept.db'}' AS kept"


def _put_back(world: World) -> None:
    for table in TABLES:
        copied = f"INSERT INTO main.{table} SELECT * FROM kept.{table}"
        run_by_force(database_of(world), _attached(world), f"DELETE FROM main.{table}", copied)


def _tamper(world: World, *statements: str) -> None:
    # The check on the number would refuse some of this; who tampers leaves it out.
    run_by_force(database_of(world), "PRAGMA ignore_check_constraints = ON", *statements)


async def test_an_untouched_chain_passes(audit_log: World) -> None:
    """The control of all tests here."""
    report = await audit_log.runtime.operator.audit.verify()

    assert report.events > 20
    assert report.checkpoints >= 1
    assert report.findings == []


@pytest.mark.rule("S56")
@pytest.mark.parametrize("statement", TAMPERINGS.values(), ids=TAMPERINGS.keys())
async def test_tampering_is_found(audit_log: World, statement: str) -> None:
    _tamper(audit_log, *statement.split("; "))

    assert await faults(audit_log) != []


@pytest.mark.rule("S56")
@pytest.mark.parametrize("column", COLUMNS)
async def test_no_column_of_an_entry_can_be_changed(audit_log: World, column: str) -> None:
    _tamper(audit_log, f"UPDATE audit_event SET {column} = {COLUMNS[column]} WHERE seq = 9")

    assert await faults(audit_log) != []


@pytest.mark.rule("S56")
@pytest.mark.parametrize(
    "change",
    ["action = 'VALUES_DELIVERED'", "action = 'VALUES_DELIVERED', details = '{'"],
    ids=["facts of another action", "facts that cannot be read"],
)
async def test_an_entry_that_makes_no_sense_is_reported_like_any_other(
    audit_log: World, change: str
) -> None:
    """And does not keep the rest of the chain from being checked."""
    _tamper(audit_log, f"UPDATE audit_event SET {change} WHERE subject = 'HOLDER'")

    found = await faults(audit_log)
    _put_back(audit_log)

    assert found != []


async def test_a_check_reads_the_log_by_index_and_in_many_views(
    audit_log: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So its time grows with the log, not with the square of it, and no view stays open."""
    monkeypatch.setattr(verification, "PAGE", 4)
    statements: dict[str, Any] = {}
    views = set[int]()

    def note(connection: Any, _: object, statement: str, parameters: Any, *__: object) -> None:
        statements[statement] = parameters
        views.add(id(connection))

    event.listen(Engine, "before_cursor_execute", note)
    report = await audit_log.runtime.operator.audit.verify()
    await audit_log.runtime.operator.audit.watch_log()
    event.remove(Engine, "before_cursor_execute", note)

    scanned = [text for text, given in statements.items() if _scans(audit_log, text, given)]
    assert report.findings == []
    assert scanned == []
    assert _scans(audit_log, "SELECT seq FROM audit_event WHERE seq + 0 > ?", (1,)), "The control."


def _scans(world: World, statement: str, parameters: Any) -> bool:
    """Return whether a statement reads all of the log."""
    with by_force(database_of(world)) as connection:
        plan = connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters).fetchall()
    steps = {str(step[3]) for step in plan}
    return any(step.startswith("SCAN audit_event") for step in steps)


def _generated(rng: random.Random, last: int) -> str:
    seq, other = rng.sample(range(1, last + 1), 2)
    column, text = rng.choice(sorted(COLUMNS.items()))
    return rng.choice(
        [
            f"DELETE FROM audit_event WHERE seq BETWEEN {min(seq, other)} AND {max(seq, other)}",
            f"DELETE FROM audit_event WHERE seq = {seq}",
            f"UPDATE audit_event SET {column} = {text} WHERE seq = {seq}",
            (
                f"UPDATE audit_event SET {column} = (SELECT {column} FROM audit_event "
                f"WHERE seq = {other}) WHERE seq = {seq}"
            ),
            (
                "UPDATE audit_event SET (hash, prev_hash) = (SELECT hash, prev_hash "
                f"FROM audit_event WHERE seq = {other}) WHERE seq = {seq}"
            ),
        ]
    )


@pytest.mark.rule("S56")
async def test_a_generated_set_of_tamperings_is_found_whole(audit_log: World) -> None:
    """0 missed; each is undone before the next, and what changes nothing passes."""
    rng = random.Random(7)  # noqa: S311 - the same set each time
    before = await events_of(audit_log)
    tampered, missed = 0, []
    for _ in range(TRIES):
        statement = _generated(rng, len(before))
        _tamper(audit_log, statement)
        is_changed = await events_of(audit_log) != before
        tampered += is_changed
        if is_changed is not bool(await faults(audit_log)):
            missed.append(statement)
        _put_back(audit_log)

    assert missed == []
    assert tampered > TRIES / 2
    assert await faults(audit_log) == []


@pytest.mark.rule("S56")
async def test_a_gateway_over_a_cut_chain_does_not_go_on_with_it(audit_log: World) -> None:
    """What comes next would hide the cut."""
    _tamper(audit_log, TAMPERINGS["the end cut off"])

    await audit_log.runtime.operator.audit.checkpoint()
    refused = await audit_log.rest.create(Scope.JOB, audit_log.demo.job_id, key="LATER", value="v")

    assert trust_fault_of(audit_log) is TrustFault.HEAD_DIFFERS
    assert refused.code == "UNAVAILABLE"
    _put_back(audit_log)
    await audit_log.runtime.operator.audit.checkpoint()
    assert trust_fault_of(audit_log) is None
