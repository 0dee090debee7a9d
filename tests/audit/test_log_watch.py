"""Changes in the middle of the log are found by the gateway while it runs, and never shown."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Final

import pytest

from gateway.config.types import LogFormat
from gateway.domain.scopes import Scope
from gateway.runtime import keeping_watch
from gateway.services.audit import verification
from gateway.services.audit.database_guard import DatabaseGuard
from gateway.services.demo import Demo
from tests.audit.audit_log import events_of, run_by_force
from tests.operations.canaries import all_logs
from tests.patience import patiently
from tests.world import World, open_world

EVENTS: Final = "{ auditEvents(first: 100) { edges { node { action actorId } } } }"
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
        "DELETE FROM audit_event WHERE seq = (SELECT max(seq) FROM audit_event)",
        "CUT_END",
    ),
}


@pytest.fixture(autouse=True)
def _small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verification, "_STEP", 3)
    monkeypatch.setattr(verification, "_PAUSE_SECONDS", 0.0)


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


@pytest.mark.rule("S66")
async def test_a_server_walks_the_log_by_itself(
    data_dir: Path, template: tuple[Path, Demo]
) -> None:
    """In `serve`, within the scan's period."""
    _change(data_dir, "deleted")

    async with (
        open_world(data_dir, template[1], integrity_scan_seconds=1) as world,
        patiently(),
        keeping_watch(world.runtime.operator.audit, world.runtime.settings),
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


async def test_an_altered_event_would_be_shown(
    world: World, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control of the test above: without the check of its hash."""
    monkeypatch.setattr(DatabaseGuard, "is_intact", lambda *_: True)
    _change(data_dir, "altered")

    after = await world.client.post("/graphql", json={"query": EVENTS})

    assert '"nobody"' in after.text
