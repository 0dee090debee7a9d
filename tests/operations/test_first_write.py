"""The first write prepares the writing connection: what goes wrong then does not stay."""

import asyncio

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.domain.errors import Unavailable
from gateway.storage import engine
from tests.operations.delivering import DOCUMENT, asked
from tests.world import World

HALF = "CREATE TEMP TABLE touched (n INTEGER); SELECT nothing FROM nowhere;"


async def test_a_caller_that_goes_meanwhile_leaves_a_usable_connection(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.runtime.database.writer.dispose()
    begun, prepare = asyncio.Event(), engine.note_rows

    async def prepare_noticeably(connection: AsyncConnection) -> None:
        begun.set()
        await prepare(connection)

    monkeypatch.setattr(engine, "note_rows", prepare_noticeably)
    delivery = asyncio.create_task(asked(world.client, world.demo.job_id, DOCUMENT))
    await begun.wait()
    delivery.cancel()
    await asyncio.wait([delivery])

    assert (await asked(world.client, world.demo.job_id))["data"]["runtimeSecrets"]


async def _fail_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await world.runtime.database.writer.dispose()
    with monkeypatch.context() as half:
        half.setattr(engine, "watching_script", lambda: HALF)
        with pytest.raises(Unavailable):
            await world.runtime.operator.organizations.create(name="first")


async def test_a_script_that_ends_halfway_leaves_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _fail_once(world, monkeypatch)

    assert (await world.runtime.operator.organizations.create(name="second")).name == "second"


async def test_without_an_end_of_the_connection_the_half_stays(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control of the test above."""

    async def keep(_: AsyncConnection) -> None:
        """Keep the connection in the pool."""

    monkeypatch.setattr(AsyncConnection, "invalidate", keep)
    await _fail_once(world, monkeypatch)

    with pytest.raises(Unavailable):
        await world.runtime.operator.organizations.create(name="second")
