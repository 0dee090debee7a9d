"""The beginning of the log is deleted in short steps: by hand, and by the server after a time."""

import json
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from gateway import runtime as runtimes
from gateway.config.types import LogFormat
from gateway.domain.audit import DatabaseNotTrusted
from gateway.domain.errors import IntegrityFault, Unavailable
from gateway.domain.permissions import Role
from gateway.domain.principals import Principal
from gateway.runtime import Runtime, periodic_tasks
from gateway.services.audit import log_watch, pruning
from gateway.services.audit.log import AuditLog
from gateway.services.audit.verification import LogFinding
from gateway.services.context import ServiceContext, utc_now
from gateway.services.demo import Demo
from gateway.storage.audit import log_rows
from gateway.storage.unit_of_work import WriteUnit
from tests.audit.audit_log import run_by_force
from tests.operations.canaries import all_logs
from tests.patience import patient_settings, patiently, until

STEP = 3


@dataclass(slots=True)
class Clock:
    """A clock that stands still until it is moved."""

    moment: datetime = field(default_factory=utc_now)

    def now(self) -> datetime:
        """Return the moment it shows."""
        return self.moment


@dataclass(frozen=True, slots=True)
class Timed:
    """A gateway whose clock can be moved."""

    runtime: Runtime
    demo: Demo
    clock: Clock

    async def change(self, name: str) -> None:
        """Write an event."""
        principal = Principal.operator(self.demo.organization_id)
        tokens = self.runtime.services.for_principal(principal).tokens
        await tokens.create(name=name, role=Role.VIEWER)

    async def events(self) -> list[tuple[int, str]]:
        """Return number and action of all events."""
        return [
            (event["seq"], event["action"])
            async for event in self.runtime.operator.audit.exported()
        ]

    async def faults(self) -> list[LogFinding]:
        """Return what a check of the log finds."""
        return (await self.runtime.operator.audit.verify()).findings


@pytest.fixture(autouse=True)
def _small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pruning, "_MAX_EVENTS", STEP)
    monkeypatch.setattr(pruning, "_PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(log_watch, "_PAUSE_SECONDS", 0.0)


@pytest.fixture
async def timed(template: tuple[Path, Demo], data_dir: Path) -> AsyncIterator[Timed]:
    """A gateway that keeps events for 30 days."""
    clock = Clock()
    made = Runtime.over(patient_settings(data_dir, audit_retention_days=30))
    context = ServiceContext(made.database, made.vault, now=clock.now)
    runtime = Runtime.built_on(context, made.settings)
    async with runtime.running():
        yield Timed(runtime, template[1], clock)


async def test_retention_deletes_whole_days(timed: Timed) -> None:
    audit, begun = timed.runtime.operator.audit, await timed.events()
    timed.clock.moment += timedelta(days=29)
    await timed.change("later")
    await audit.apply_retention(30)
    kept = await timed.events()
    timed.clock.moment += timedelta(days=2)

    await audit.apply_retention(30)

    left = await timed.events()
    assert kept[: len(begun)] == begun
    assert left[0] == kept[len(begun)]
    assert [action for _, action in left].count("AUDIT_PRUNED") == 1
    assert await timed.faults() == []


async def test_the_server_applies_it(
    timed: Timed, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtimes, "RETENTION_IS_APPLIED_EVERY", 0.01)
    (first, *_) = await timed.events()
    timed.clock.moment += timedelta(days=40)
    await timed.change("later")

    async with periodic_tasks(timed.runtime.operator, timed.runtime.settings), patiently():
        await until(lambda: _first_seq(data_dir) > first[0])

    assert await timed.faults() == []


@pytest.mark.parametrize(
    ("failing", "work"), [("audit", "remove_old_events"), ("versions", "remove_old_versions")]
)
async def test_a_task_that_fails_is_logged_and_repeated_and_ends_no_other(
    timed: Timed, monkeypatch: pytest.MonkeyPatch, failing: str, work: str
) -> None:
    monkeypatch.setattr(runtimes, "RETENTION_IS_APPLIED_EVERY", 0.01)
    monkeypatch.setattr(runtimes, "_SHORTEST_PAUSE", 0.01)
    applied = dict.fromkeys(("audit", "versions"), 0)

    def count(name: str, error: Exception | None) -> Callable[..., Awaitable[None]]:
        async def apply(*_: object, **__: object) -> None:
            applied[name] += 1
            if error is not None:
                raise error

        return apply

    for name in applied:
        error = RuntimeError("a defect") if name == failing else None
        monkeypatch.setattr(
            getattr(timed.runtime.operator, name), "apply_retention", count(name, error)
        )

    with all_logs(LogFormat.JSON) as logs:
        async with periodic_tasks(timed.runtime.operator, timed.runtime.settings):
            await until(lambda: min(applied.values()) > 1)

    logged = [json.loads(line) for line in logs.getvalue().splitlines()]
    unexpected = {line["work"] for line in logged if line["event"] == "unexpected_error"}
    assert unexpected == {work}


async def test_the_server_deletes_nothing_during_an_alarm(timed: Timed, data_dir: Path) -> None:
    """The events that show what happened stay until the operator has looked."""
    audit, begun = timed.runtime.operator.audit, await timed.events()
    timed.clock.moment += timedelta(days=40)
    await timed.change("later")
    run_by_force(data_dir, "UPDATE audit_event SET face = 'REST' WHERE seq = 5")
    await audit.watch_log()

    await audit.apply_retention(30)
    during = await timed.events()
    by_hand = await audit.prune(before=timed.clock.moment)

    assert during[: len(begun)] == begun
    assert by_hand == len(begun)


@pytest.mark.rule("S50")
async def test_a_forged_record_of_a_pruning_is_not_believed(timed: Timed, data_dir: Path) -> None:
    """Otherwise the log would begin where no sealed event says so."""
    audit = timed.runtime.operator.audit
    timed.clock.moment += timedelta(days=40)
    await timed.change("later")
    run_by_force(
        data_dir,
        "UPDATE audit_event SET action = 'AUDIT_PRUNED', organization_id = NULL, "
        """details = '{"through":9999,"hash":""}' WHERE seq = 5""",
    )

    await audit.prune(before=timed.clock.moment)

    assert await timed.faults() == []


async def test_without_the_setting_nothing_is_deleted(
    timed: Timed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control of the test above."""
    monkeypatch.setattr(runtimes, "RETENTION_IS_APPLIED_EVERY", 0.01)
    audit, before = timed.runtime.operator.audit, await timed.events()
    timed.clock.moment += timedelta(days=40)
    endless = timed.runtime.settings.model_copy(
        update={"audit_retention_days": None, "integrity_scan_seconds": 0.01}
    )
    checks = 0

    async def count() -> None:
        nonlocal checks
        checks += 1

    monkeypatch.setattr(audit, "watch_log", count)
    async with periodic_tasks(timed.runtime.operator, endless):
        await until(lambda: checks > 1)

    assert await timed.events() == before


async def test_each_transaction_deletes_a_few_events(
    timed: Timed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other writers take their turn in between."""
    deleted: list[int] = []
    forget = log_rows.forget

    async def note(unit: WriteUnit, *, through: int) -> int:
        deleted.append(await forget(unit, through=through))
        return deleted[-1]

    monkeypatch.setattr(log_rows, "forget", note)
    events = len(await timed.events())

    pruned = await timed.runtime.operator.audit.prune(before=utc_now() + timedelta(days=1))

    assert pruned == sum(deleted) == events - 1
    assert max(deleted) == STEP
    assert await timed.faults() == []


@pytest.mark.rule("S50")
async def test_an_interrupted_pruning_leaves_a_log_that_can_be_verified(
    timed: Timed, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next one goes on without another record. What nobody recorded is a fault."""
    audit, before = timed.runtime.operator.audit, timed.clock.moment + timedelta(hours=1)
    timed.clock.moment += timedelta(hours=2)
    await timed.change("later")
    await _interrupt(timed, monkeypatch, before=before)
    interrupted, faults = await timed.events(), await timed.faults()
    await audit.watch_log()
    is_calm = not audit.needs_attention

    await audit.prune(before=before)
    events = await timed.events()
    await timed.change("more")
    run_by_force(data_dir, f"DELETE FROM audit_event WHERE seq <= {events[0][0]}")

    assert (faults, is_calm) == ([], True)
    assert 1 < interrupted[0][0] < events[0][0]
    assert [action for _, action in events].count("AUDIT_PRUNED") == 1
    assert [str(finding.fault) for finding in await timed.faults()] == ["CUT_FRONT"]


def _first_seq(data_dir: Path) -> int:
    with closing(sqlite3.connect(data_dir / "secrets.db")) as connection:
        (seq,) = connection.execute("SELECT min(seq) FROM audit_event").fetchone()
    return int(seq)


async def _interrupt(timed: Timed, patch: pytest.MonkeyPatch, *, before: datetime) -> None:
    forget, steps = log_rows.forget, 0

    async def stop(unit: WriteUnit, *, through: int) -> int:
        nonlocal steps
        steps += 1
        if steps > 2:
            raise Unavailable
        return await forget(unit, through=through)

    with patch.context() as stopping:
        stopping.setattr(log_rows, "forget", stop)
        with pytest.raises(Unavailable):
            await timed.runtime.operator.audit.prune(before=before)


async def test_altered_events_are_deleted_as_well(timed: Timed, data_dir: Path) -> None:
    run_by_force(data_dir, "UPDATE audit_event SET details = '{' WHERE seq BETWEEN 2 AND 10")

    await timed.runtime.operator.audit.prune(before=utc_now() + timedelta(days=1))

    assert await timed.faults() == []


AGED = "UPDATE audit_event SET at = '2020-01-01 00:00:00.000000' WHERE seq <= {seq}"


async def test_events_that_were_made_to_look_old_are_kept(timed: Timed, data_dir: Path) -> None:
    """They show what somebody wants to be forgotten."""
    before = await timed.events()
    run_by_force(data_dir, AGED.format(seq=before[-2][0]))

    with pytest.raises(IntegrityFault):
        await timed.runtime.operator.audit.apply_retention(30)

    assert await timed.events() == before


async def test_without_the_check_they_are_deleted(
    timed: Timed, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control of the test above."""
    before = await timed.events()
    run_by_force(data_dir, AGED.format(seq=before[-2][0]))
    monkeypatch.setattr(AuditLog, "is_intact", lambda *_: True)

    await timed.runtime.operator.audit.apply_retention(30)

    assert before[0] not in await timed.events()


@pytest.mark.rule("S65")
async def test_an_old_database_is_not_pruned(timed: Timed, data_dir: Path) -> None:
    """Its log shows what happened."""
    audit, before = timed.runtime.operator.audit, utc_now() + timedelta(days=1)
    run_by_force(data_dir, "UPDATE audit_head SET seq = seq - 1")
    await audit.checkpoint()

    with pytest.raises((DatabaseNotTrusted, Unavailable)):
        await audit.prune(before=before)

    with closing(sqlite3.connect(data_dir / "secrets.db")) as connection:
        assert connection.execute("SELECT min(seq) FROM audit_event").fetchone() == (1,)
