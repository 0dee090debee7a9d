"""A large deletion goes on after a crash, beside other work, and in a backup that is put back."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gateway.domain.scopes import Scope
from gateway.ops.recovery import restore
from gateway.services.demo import Demo
from gateway.storage import deletions
from gateway.storage.deletions import Deletion
from gateway.storage.dialects.copies import copy_online
from gateway.storage.unit_of_work import ReadUnit
from tests.audit.audit_log import faults, row_faults
from tests.deletions.large import MANY, delete, fill, large_project, rows_below, stored
from tests.servers import run_forked
from tests.world import World, open_world

Large = Mapping[Scope, str]
KILLED = -9
DYING = ("-m", "tests.deletions.dying")


async def _ensure_finished(world: World, large: Large) -> None:
    await world.runtime.operator.deletions.finish()
    assert rows_below(world, large[Scope.PROJECT]) == 0
    assert stored(world, "SELECT * FROM deletion") == []
    assert await row_faults(world) == set()
    assert await faults(world) == []


@asynccontextmanager
async def _closed(data_dir: Path, demo: Demo) -> AsyncIterator[Large]:
    """Make a large project, and leave no process with the database open."""
    async with open_world(data_dir, demo) as world:
        large = await large_project(world)
    yield large


def _delete_until(point: str, large: Large, data_dir: Path, demo: Demo) -> int:
    """Run a deletion on the command line that dies at a point; return how it ended."""
    arguments = ("project", "delete", large[Scope.PROJECT], "--organization", demo.organization_id)
    status, _ = run_forked(data_dir, *arguments, "--with-content", program=DYING, POINT=point)
    return status


@pytest.mark.parametrize(
    "point", ["remove:1", "remove:2", "remove_holders:3", "_step:1", "_step:2"]
)
async def test_a_killed_deletion_is_finished_by_the_next_process(
    template: tuple[Path, Demo], data_dir: Path, point: str
) -> None:
    """Killed in a step's transaction and between two; meanwhile all of it is hidden."""
    async with _closed(data_dir, template[1]) as large:
        killed = await asyncio.to_thread(_delete_until, point, large, data_dir, template[1])

    async with open_world(data_dir, template[1]) as world:
        assert killed == KILLED
        left = rows_below(world, large[Scope.PROJECT])
        assert 0 < left <= MANY + len(large)
        assert (await world.client.get(f"/job/{large[Scope.JOB]}/secret")).status_code == 404
        await _ensure_finished(world, large)


async def test_a_deletion_killed_before_its_commit_has_not_begun(
    template: tuple[Path, Demo], data_dir: Path
) -> None:
    async with _closed(data_dir, template[1]) as large:
        killed = await asyncio.to_thread(_delete_until, "begin:1", large, data_dir, template[1])

    async with open_world(data_dir, template[1]) as world:
        assert killed == KILLED
        assert len(await world.rest.visible(Scope.JOB, large[Scope.JOB])) == MANY


async def test_two_processes_finish_one_deletion(
    world: World, template: tuple[Path, Demo], data_dir: Path
) -> None:
    large = await large_project(world)
    await fill(world, large[Scope.JOB], prefix="MORE")
    await delete(world, Scope.PROJECT, large[Scope.PROJECT])

    async with open_world(data_dir, template[1]) as other:
        await asyncio.gather(
            other.runtime.operator.deletions.finish(), world.runtime.operator.deletions.finish()
        )
        assert await row_faults(other) == set()

    await _ensure_finished(world, large)


async def test_a_step_does_nothing_if_another_process_was_faster(
    world: World, template: tuple[Path, Demo], data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has read the deletion, and waits for the writer while the other one finishes."""
    large, find = await large_project(world), deletions.find
    await delete(world, Scope.PROJECT, large[Scope.PROJECT])

    async with open_world(data_dir, template[1]) as other:

        async def find_and_wait(unit: ReadUnit, deletion_id: str) -> Deletion | None:
            monkeypatch.undo()
            found = await find(unit, deletion_id)
            await other.runtime.operator.deletions.finish()
            return found

        monkeypatch.setattr(deletions, "find", find_and_wait)
        await world.runtime.operator.deletions.finish()

    await _ensure_finished(world, large)


async def test_keys_can_change_in_between(world: World) -> None:
    large = await large_project(world)
    await delete(world, Scope.PROJECT, large[Scope.PROJECT])

    await world.runtime.operator.keys.rotate()
    await world.runtime.operator.keys.renew()
    rewrapped = await world.runtime.operator.keys.rewrap()

    assert rewrapped.values >= MANY
    await _ensure_finished(world, large)


async def test_an_organization_can_be_deleted_in_between(world: World) -> None:
    large, organizations = await large_project(world), world.runtime.operator.organizations
    await delete(world, Scope.PROJECT, large[Scope.PROJECT])

    await organizations.delete(organization_id=world.demo.organization_id, with_content=True)

    assert await organizations.all() == []
    await _ensure_finished(world, large)
    assert stored(world, "SELECT * FROM organization") == []


async def test_a_backup_from_in_between_goes_on_when_it_is_put_back(
    template: tuple[Path, Demo], data_dir: Path, tmp_path: Path
) -> None:
    async with open_world(data_dir, template[1]) as world:
        large, settings = await large_project(world), world.runtime.settings
        await delete(world, Scope.PROJECT, large[Scope.PROJECT])
    copy_online(data_dir / "secrets.db", tmp_path / "backup.db")
    async with open_world(data_dir, template[1]) as world:
        await world.runtime.operator.deletions.finish()

    await restore(settings, tmp_path / "backup.db", overwrite=True)

    async with open_world(data_dir, template[1]) as world:
        await world.runtime.operator.audit.acknowledge()
        assert rows_below(world, large[Scope.PROJECT]) == MANY + len(large)
        assert (await world.client.get(f"/job/{large[Scope.JOB]}/secret")).status_code == 404
        await _ensure_finished(world, large)
