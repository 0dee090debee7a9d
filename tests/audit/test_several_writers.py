"""Several gateways over one database go on with one chain."""

from asyncio import gather
from pathlib import Path

import pytest

from gateway.config.settings import Settings
from gateway.domain.scopes import Scope
from gateway.runtime import Runtime, migrate_database
from gateway.services.demo import Demo
from tests.audit.audit_log import events_since, faults, last_seq, row_faults
from tests.world import World, open_world


@pytest.mark.rule("S50")
async def test_what_two_gateways_write_at_once_is_one_chain(
    world: World, template: tuple[Path, Demo]
) -> None:
    """Each has its own connection, and neither knows of the other."""
    folder, job_id = world.runtime.settings.data_dir, world.demo.job_id
    before = await last_seq(world)
    async with open_world(folder, template[1]) as other:
        made = await gather(
            *(
                each.rest.create(Scope.JOB, job_id, key=f"{name}_{number}", value="v")
                for number in range(10)
                for name, each in (("ONE", world), ("OTHER", other))
            )
        )

    keys = {event["key"] for event in await events_since(world, before)}
    assert [outcome.code for outcome in made] == [None] * 20
    assert len(keys) == 20
    assert await faults(world) == []
    assert await row_faults(world) == set()


@pytest.mark.rule("S50")
async def test_two_first_starts_at_once_begin_one_chain(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "fresh")
    await migrate_database(settings)

    async def start() -> list[str]:
        async with Runtime.over(settings).running() as runtime:
            report = await runtime.operator.audit.verify()
            events = [event async for event in runtime.operator.audit.exported()]
            assert report.findings == []
            return [event["action"] for event in events]

    one, other = await gather(start(), start())

    assert one == other == ["AUDIT_BEGUN"]
