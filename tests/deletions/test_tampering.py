"""Who writes to the database cannot bring back what was deleted, nor delete what is there."""

from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path

import pytest

from gateway.domain.scopes import Scope
from gateway.services.audit.trust import TrustFault
from gateway.services.demo import Demo
from gateway.storage.unit_of_work import ReadUnit
from tests.audit.audit_log import by_force, row_faults, run_by_force, trust_fault_of
from tests.deletions.large import MANY, delete, fill, large_project, rows_below, stored
from tests.world import World, open_world

FORGET = ("DELETE FROM deletion",)
FORGET_WITH_RECORD = (*FORGET, "DELETE FROM row_record WHERE table_name = 'deletion'")
WAYS = pytest.mark.parametrize(
    "statements", [FORGET, FORGET_WITH_RECORD], ids=["the row", "the row and its record"]
)
Large = Mapping[Scope, str]


@pytest.fixture
async def large(world: World) -> Large:
    """A project that was deleted; no step has been made."""
    made = await large_project(world)
    await delete(world, Scope.PROJECT, made[Scope.PROJECT])
    return made


async def _status(world: World, job_id: str) -> int:
    return (await world.client.get(f"/job/{job_id}/secret")).status_code


@WAYS
async def test_a_deletion_removed_by_force_brings_nothing_back(
    world: World, data_dir: Path, large: Large, statements: tuple[str, ...]
) -> None:
    hidden = await _status(world, large[Scope.JOB])

    run_by_force(data_dir, *statements)

    assert hidden == HTTPStatus.NOT_FOUND
    assert await _status(world, large[Scope.JOB]) == HTTPStatus.SERVICE_UNAVAILABLE
    assert await _status(world, world.demo.job_id) == HTTPStatus.OK
    assert {fault for fault, _ in await row_faults(world)} & {"MISSING", "ROLLED_BACK"}


@WAYS
async def test_a_deletion_removed_by_force_would_bring_all_back_without_the_check(
    world: World,
    data_dir: Path,
    large: Large,
    monkeypatch: pytest.MonkeyPatch,
    statements: tuple[str, ...],
) -> None:
    """The control of the test above: all rows are there, with their MACs."""
    monkeypatch.setattr(ReadUnit, "ensure_live", lambda *_: None)

    run_by_force(data_dir, *statements)

    answer = await world.client.get(f"/job/{large[Scope.JOB]}/secret")
    assert len(answer.json()["results"]) == MANY


@WAYS
async def test_a_deletion_removed_while_the_server_is_down_brings_nothing_back(
    data_dir: Path,
    template: tuple[Path, Demo],
    large: Large,
    statements: tuple[str, ...],
) -> None:
    run_by_force(data_dir, *statements)

    async with open_world(data_dir, template[1]) as started:
        assert await _status(started, large[Scope.JOB]) == HTTPStatus.SERVICE_UNAVAILABLE
        expected = TrustFault.ACCESS_DIFFERS if statements is FORGET_WITH_RECORD else None
        assert trust_fault_of(started) is expected


@pytest.mark.parametrize("mac", [b"", bytes(32)], ids=["no MAC", "a MAC of zeros"])
async def test_a_forged_deletion_deletes_nothing(world: World, data_dir: Path, mac: bytes) -> None:
    """It hides a holder, as a deleted row would; the scan finds it."""
    project_id, job_id = world.demo.project_id, world.demo.job_id
    await fill(world, job_id)
    before = rows_below(world, project_id)
    with by_force(data_dir) as connection:
        connection.execute(
            "INSERT INTO deletion VALUES (?, ?, 'x', '2026-01-01 00:00:00', 1, 1, '{}', ?)",
            (project_id, world.demo.organization_id, mac),
        )

    await world.runtime.operator.deletions.finish()

    assert rows_below(world, project_id) == before
    assert ("ADDED", "deletion") in await row_faults(world)
    run_by_force(data_dir, *FORGET)
    assert await _status(world, job_id) == HTTPStatus.OK


async def test_an_old_deletion_put_back_deletes_nothing(
    world: World, data_dir: Path, large: Large
) -> None:
    """With its own MAC: it is not among the deletions that the log's head proves."""
    (kept,) = stored(world, "SELECT * FROM deletion")
    await world.runtime.operator.deletions.finish()
    marks = ", ".join("?" * len(kept))
    with by_force(data_dir) as connection:
        connection.execute(f"INSERT INTO deletion VALUES ({marks})", kept)  # noqa: S608 - marks of ours

    await world.runtime.operator.deletions.finish()

    assert len(stored(world, "SELECT * FROM deletion")) == 1
    assert await _status(world, large[Scope.JOB]) == HTTPStatus.NOT_FOUND
    assert ("ADDED", "deletion") in await row_faults(world)


async def test_a_holder_put_back_after_its_deletion_stays_hidden(
    world: World, data_dir: Path, large: Large
) -> None:
    """A deletion whose holder was removed by force does not end, or its row could come back."""
    below = stored(world, "SELECT * FROM holder WHERE project_id = ?", large[Scope.PROJECT])
    with by_force(data_dir) as connection:
        connection.execute("DELETE FROM holder WHERE project_id = ?", (large[Scope.PROJECT],))
    await world.runtime.operator.deletions.finish()

    marks = ", ".join("?" * len(below[0]))
    with by_force(data_dir) as connection:
        connection.executemany(f"INSERT INTO holder VALUES ({marks})", below)  # noqa: S608 - marks of ours

    assert await _status(world, large[Scope.JOB]) == HTTPStatus.NOT_FOUND
    await world.runtime.operator.deletions.finish()
    assert rows_below(world, large[Scope.PROJECT]) == 0
    assert stored(world, "SELECT * FROM deletion") == []
