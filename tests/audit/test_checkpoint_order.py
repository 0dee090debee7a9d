"""A checkpoint is read before the view that it is compared with: no false alarm."""

from pathlib import Path
from typing import Any, Final

import pytest

from gateway.domain.scopes import Scope
from gateway.services.audit import trust
from gateway.services.audit.checkpoints import Checkpoints
from gateway.services.audit.keys import AuditKeys
from gateway.services.audit.trust import TrustFault
from gateway.services.demo import Demo
from gateway.storage.audit import event_log
from gateway.storage.audit.checkpoints import CheckpointFile
from gateway.storage.database import Database
from tests.audit.audit_log import checkpoints_in, faults, trust_fault_of
from tests.audit.checkpointing import run_beside_each_other
from tests.world import World, open_world

# The fault tests do thousands.
CHECKPOINTS: Final = 60


async def _write_and_checkpoint(other: World, key: str) -> None:
    made = await other.rest.create(Scope.JOB, other.demo.job_id, key=key, value="v")
    assert made.code is None
    await other.runtime.operator.audit.checkpoint()


def _parts(world: World) -> tuple[Database, AuditKeys, Checkpoints]:
    runtime = world.runtime
    keys = AuditKeys.derive(runtime.vault.keys.audit_key)
    file = CheckpointFile(runtime.settings.resolved_audit_checkpoint_file)
    return (
        runtime.database,
        keys,
        Checkpoints(file, keys.signer, runtime.services.authentication.now),
    )


@pytest.mark.rule("S68")
async def test_another_process_that_checkpoints_meanwhile_raises_no_alarm(
    world: World, data_dir: Path, template: tuple[Path, Demo], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever comes between the two reads, the view is the later one."""
    compare = trust._compare  # noqa: SLF001 - the moment between the two reads
    async with open_world(data_dir, template[1]) as other:

        async def compare_late(*parts: Any) -> Any:
            monkeypatch.undo()
            await _write_and_checkpoint(other, "BETWEEN")
            return await compare(*parts)

        monkeypatch.setattr(trust, "_compare", compare_late)
        found, newest = await trust.check_trust(*_parts(world))

    assert found is None
    assert newest
    assert newest.event.seq == checkpoints_in(data_dir)[-1]["seq"]


async def test_a_checkpoint_that_is_read_after_the_view_raises_a_false_alarm(
    world: World, data_dir: Path, template: tuple[Path, Demo]
) -> None:
    """The control of the test above: the other order."""
    database, keys, checkpoints = _parts(world)
    async with open_world(data_dir, template[1]) as other, database.read() as unit:
        newest = await event_log.newest(unit)
        await _write_and_checkpoint(other, "BETWEEN")
        late = checkpoints.latest()
        found = await trust._fault_of(unit, keys, late, newest)  # noqa: SLF001 - as above

    assert found is TrustFault.DATABASE_OLDER


@pytest.mark.rule("S68")
async def test_a_first_start_beside_another_raises_no_alarm(
    world: World, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file of anchors was made, and more was written, after it was looked for."""
    file = data_dir / "audit-anchors.jsonl"
    lines = file.read_text()
    file.unlink()
    compare = trust._compare  # noqa: SLF001 - as above

    async def compare_late(*parts: Any) -> Any:
        file.write_text(lines)
        return await compare(*parts)

    monkeypatch.setattr(trust, "_compare", compare_late)

    assert await trust.check_trust(*_parts(world)) == (None, await _newest(world))


async def _newest(world: World) -> Any:
    async with world.runtime.database.read() as unit:
        return await event_log.newest(unit)


@pytest.mark.rule("S68")
@pytest.mark.timeout(600)
async def test_two_processes_and_the_command_line_raise_no_alarm(
    data_dir: Path, template: tuple[Path, Demo]
) -> None:
    before = len(checkpoints_in(data_dir))

    ended = run_beside_each_other(data_dir, count=CHECKPOINTS)

    assert [item for item in ended if item[0] != 0 or "database_not_trusted" in item[1]] == []
    assert len(checkpoints_in(data_dir)) >= before + CHECKPOINTS // 2
    async with open_world(data_dir, template[1]) as world:
        assert trust_fault_of(world) is None
        assert await faults(world) == []
