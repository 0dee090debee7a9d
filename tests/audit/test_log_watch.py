"""Changes in the middle of the log are found by the gateway while it runs, and never shown."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Final

import pytest

from gateway.config.types import LogFormat
from gateway.domain.audit import SealedEvent
from gateway.domain.scopes import Scope
from gateway.runtime import periodic_tasks
from gateway.services.audit import log_watch
from gateway.services.audit.database_guard import DatabaseGuard
from gateway.services.audit.verification import LogWalk
from gateway.services.context import utc_now
from gateway.services.demo import Demo
from gateway.storage.audit import log_rows
from gateway.storage.unit_of_work import ReadUnit
from tests.audit.audit_log import events_of, run_by_force
from tests.operations.canaries import all_logs
from tests.patience import patiently
from tests.world import World, open_world

EVENTS: Final = "{ auditEvents(first: 100) { edges { node { action actorId } } } }"
LAST: Final = "(SELECT max(seq) FROM audit_event)"
CHANGES: Final[Mapping[str, tuple[str, str]]] = {
    "altered": ("UPDATE audit_event SET actor_id = 'nobody' WHERE seq = 5", "ALTERED"),
    "with another time": ("UPDATE audit_event SET at = 'never' WHERE seq = 5", "ALTERED"),
    "deleted": ("DELETE FROM audit_event WHERE seq = 5", "MISSING"),
    "re-ordered": (
        "UPDATE audit_event SET seq = CASE seq WHEN 5 THEN -6 ELSE -5 END WHERE seq IN (5, 6)",
        "ALTERED",
    ),
    "without a beginning": ("DELETE FROM audit_event WHERE seq < 5", "CUT_FRONT"),
    "without an end": (
        f"DELETE FROM audit_event WHERE seq = {LAST}",
        "CUT_END",
    ),
}


@pytest.fixture(autouse=True)
def _small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_watch, "_STEP", 3)
    monkeypatch.setattr(log_watch, "_PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(log_watch, "_SHORT_PAUSE_SECONDS", 0.0)


def _change(data_dir: Path, name: str) -> str:
    statement, fault = CHANGES[name]
    back = "UPDATE audit_event SET seq = -seq WHERE seq < 0"
    run_by_force(data_dir, "PRAGMA ignore_check_constraints = ON", statement, back)
    return fault


@pytest.mark.rule("S66")
@pytest.mark.parametrize("name", CHANGES)
async def test_a_change_in_the_log_raises_the_alarm_once(
    world: World, data_dir: Path, name: str
) -> None:
    await world.runtime.operator.audit.watch_log()
    before = await world.client.get("/readyz")
    fault = _change(data_dir, name)

    with all_logs(LogFormat.JSON) as first:
        await world.runtime.operator.audit.watch_log()
    with all_logs(LogFormat.JSON) as second:
        await world.runtime.operator.audit.watch_log()
    ready = await world.client.get("/readyz")

    assert "integrity" not in before.json()
    assert f'"fault": "{fault}"' in first.getvalue()
    assert "log_has_faults" not in second.getvalue()
    assert ready.json()["integrity"] == "alarm"


COLUMNS: Final[Mapping[str, str]] = {
    "at": "'2020-01-01 00:00:00.000000'",
    "actor_kind": "'TOKEN'",
    "actor_id": "actor_id || char(0) || 'more'",
    "action": "'HOLDER_CHANGED'",
    "subject": "'INSTANCE'",
    "subject_id": "subject_id || ' '",
    "organization_id": "NULL",
    "project_id": "ifnull(project_id, '') || 'more'",
    "holder_id": "ifnull(holder_id, '') || 'more'",
    "key": "'ANOTHER'",
    "face": "'REST'",
    "request_id": "'another'",
    "details": "details || ' '",
    "set_mac": "zeroblob(32)",
    "prev_hash": "zeroblob(32)",
    "hash": "zeroblob(32)",
}


@pytest.mark.rule("S66")
@pytest.mark.parametrize("column", COLUMNS)
async def test_each_column_of_a_known_event_is_compared(
    world: World, data_dir: Path, column: str
) -> None:
    """After an event was verified, its row is only compared with what it was."""
    audit = world.runtime.operator.audit
    await audit.watch_log()
    run_by_force(data_dir, f"UPDATE audit_event SET {column} = {COLUMNS[column]} WHERE seq = 5")

    await audit.watch_log()

    assert audit.needs_attention


async def test_a_known_event_is_not_verified_again(
    world: World, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control of the test above: without the comparison nothing finds the change."""

    async def nothing(_unit: ReadUnit, *, first: int, last: int) -> bytes:
        del first, last
        return b""

    monkeypatch.setattr(log_rows, "row_bytes", nothing)
    audit = world.runtime.operator.audit
    await audit.watch_log()
    _change(data_dir, "altered")

    await audit.watch_log()

    assert not audit.needs_attention


async def test_known_deliveries_are_not_verified_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither are they when a check found some of them, and a later one more of the same set."""
    audit = world.runtime.operator.audit
    delivery = "query ($id: ID!) { runtimeSecrets(serviceId: $id) { key } }"
    for _ in range(2):
        await world.graphql.ask(delivery, {"id": world.demo.job_id})
        await audit.watch_log()
    monkeypatch.setattr(LogWalk, "_take", _refuse)

    await audit.watch_log()

    assert not audit.needs_attention


def _refuse(_: LogWalk, sealed: SealedEvent) -> None:
    message = f"Event {sealed.event.seq} is verified again."
    raise AssertionError(message)


@pytest.mark.rule("S66")
async def test_the_alarm_lasts_as_long_as_the_fault(world: World, data_dir: Path) -> None:
    audit = world.runtime.operator.audit
    await audit.watch_log()
    run_by_force(data_dir, "UPDATE audit_event SET face = face || '!' WHERE seq = 5")
    seen = []
    for _ in range(3):
        await audit.watch_log()
        seen.append(audit.needs_attention)

    run_by_force(data_dir, "UPDATE audit_event SET face = rtrim(face, '!') WHERE seq = 5")
    await audit.watch_log()

    assert seen == [True, True, True]
    assert not audit.needs_attention


@pytest.mark.parametrize("segment", [4, 1_000])
async def test_what_is_pruned_between_two_checks_is_no_fault(
    world: World, monkeypatch: pytest.MonkeyPatch, segment: int
) -> None:
    """Some known events are gone, or all of them; those that are left stay compared."""
    monkeypatch.setattr(log_watch, "_SEGMENT", segment)
    audit, begun = world.runtime.operator.audit, utc_now()
    await audit.watch_log()
    for number in range(3):
        await world.rest.create(Scope.JOB, world.demo.job_id, key=f"KEY_{number}", value="v")
    await audit.watch_log()
    faults = []
    for before in (begun, utc_now() + timedelta(days=1)):
        assert await audit.prune(before=before)
        await audit.watch_log()
        faults.append(audit.needs_attention)

    assert faults == [False, False]


@pytest.mark.rule("S66")
async def test_a_server_walks_the_log_by_itself(
    data_dir: Path, template: tuple[Path, Demo]
) -> None:
    """In `serve`, within the scan's period."""
    _change(data_dir, "deleted")

    async with (
        open_world(data_dir, template[1], integrity_scan_seconds=1) as world,
        patiently(),
        periodic_tasks(world.runtime.operator, world.runtime.settings),
    ):
        while not world.runtime.operator.audit.needs_attention:  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.05)


async def test_what_is_written_and_pruned_meanwhile_is_no_fault(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: other writers go on, and the beginning goes where the gateway prunes it."""
    audit, number = world.runtime.operator.audit, 0

    async def meanwhile(_: float) -> None:
        nonlocal number
        number += 1
        made = await world.rest.create(Scope.JOB, world.demo.job_id, key=f"KEY_{number}", value="v")
        assert made.code is None
        if number == 3:
            await audit.prune(before=datetime.now(UTC) + timedelta(days=1))
        if number > 5:
            monkeypatch.undo()

    monkeypatch.setattr(asyncio, "sleep", meanwhile)
    await audit.watch_log()

    assert number > 5
    assert not audit.needs_attention


@pytest.mark.rule("S66")
async def test_an_altered_event_is_not_shown(world: World, data_dir: Path) -> None:
    """The page is refused; the operator's export shows the event, and says what it is."""
    before = await world.client.post("/graphql", json={"query": EVENTS})
    _change(data_dir, "altered")

    after = await world.client.post("/graphql", json={"query": EVENTS})
    exported = {event["seq"]: event["is_intact"] for event in await events_of(world)}

    assert before.json()["data"]["auditEvents"]["edges"]
    assert "nobody" not in after.text
    assert after.status_code == HTTPStatus.SERVICE_UNAVAILABLE
    assert [seq for seq, is_intact in exported.items() if not is_intact] == [5]


@pytest.mark.parametrize(
    "altered", [f"seq = {LAST}", f"seq > {LAST} - 3"], ids=["the last", "three"]
)
async def test_an_export_from_a_time_on_has_events_that_were_set_back(
    world: World, data_dir: Path, altered: str
) -> None:
    since, before = utc_now(), len(await events_of(world))
    for number in range(3):
        await world.rest.create(Scope.JOB, world.demo.job_id, key=f"KEY_{number}", value="v")
    run_by_force(
        data_dir, f"UPDATE audit_event SET at = '2020-01-01 00:00:00.000000' WHERE {altered}"
    )

    exported = [event async for event in world.runtime.operator.audit.exported(since)]

    assert exported == (await events_of(world))[before:]
    assert not exported[-1]["is_intact"]


@pytest.mark.parametrize("max_findings", [3, 1_000], ids=["cut off", "whole"])
async def test_an_event_that_is_moved_away_is_missed_in_no_page(
    world: World, data_dir: Path, monkeypatch: pytest.MonkeyPatch, max_findings: int
) -> None:
    """Also where the check ends before it, because it has found too much."""
    monkeypatch.setattr(log_watch, "_MAX_FINDINGS", max_findings)
    await world.rest.create(Scope.JOB, world.demo.job_id, key="CREATED", value="v")
    created = "{ auditEvents(first: 9, filter: {actions: [SECRET_CREATED]}) { totalCount } }"
    run_by_force(
        data_dir,
        "UPDATE audit_event SET face = face || '!' WHERE seq < 5",
        f"UPDATE audit_event SET action = 'SECRET_CHANGED' WHERE seq = {LAST}",
    )
    before = await world.client.post("/graphql", json={"query": created})

    await world.runtime.operator.audit.watch_log()
    after = await world.client.post("/graphql", json={"query": created + " "})

    assert before.status_code == HTTPStatus.OK
    assert after.status_code == HTTPStatus.SERVICE_UNAVAILABLE


async def test_an_altered_event_would_be_shown(
    world: World, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control of the test above: without the check of its hash."""
    monkeypatch.setattr(DatabaseGuard, "is_intact", lambda *_: True)
    _change(data_dir, "altered")

    after = await world.client.post("/graphql", json={"query": EVENTS})

    assert '"nobody"' in after.text
