"""Callers that go away: no connection is lost with them, and nothing is half written."""

import asyncio
from http import HTTPStatus
from pathlib import Path
from typing import Final

import httpx
from sqlalchemy.pool import QueuePool

from gateway.domain.scopes import Scope
from gateway.storage import holders
from tests.patience import patiently
from tests.races.arena import Arena, new_key
from tests.world import World

TASKS: Final = 40
ROUNDS: Final = 25
# A busy machine refuses some of so many at once.
_EXPECTED: Final = {HTTPStatus.OK, HTTPStatus.CREATED, HTTPStatus.SERVICE_UNAVAILABLE}


def _job(world: World) -> tuple[Scope, str]:
    return Scope.JOB, world.demo.job_id


def _started(world: World) -> list["asyncio.Task[httpx.Response]"]:
    """Begin writes and reads, each in a task of its own."""
    path = f"/job/{world.demo.job_id}/secret"
    writes = [world.client.post(path, json={"key": new_key(), "value": "x"}) for _ in range(TASKS)]
    reads = [world.client.get(path) for _ in range(TASKS // 4)]
    return [asyncio.create_task(sent) for sent in (*writes, *reads)]


async def test_callers_that_go_away_leave_nothing_behind(world: World, data_dir: Path) -> None:
    database, acknowledged, cancelled = world.runtime.database, list[str](), 0

    for _ in range(ROUNDS):
        tasks = _started(world)
        # The first to end is the signal: of the others, some run, and some wait for their turn.
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks[::2]:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        answers = [answer for answer in ended if isinstance(answer, httpx.Response)]
        cancelled += sum(isinstance(item, asyncio.CancelledError) for item in ended)
        assert {answer.status_code for answer in answers} <= _EXPECTED
        made = [answer for answer in answers if answer.status_code == HTTPStatus.CREATED]
        acknowledged += [answer.json()["id"] for answer in made]

    arena = Arena(world.client, world.demo, data_dir / "secrets.db")
    seen = {row["id"] for row in await world.rest.visible(*_job(world))}
    assert cancelled > ROUNDS
    assert set(acknowledged) <= seen
    assert arena.flaws() == {}
    for engine in (database.writer, database.readers):
        assert isinstance(engine.pool, QueuePool)
        assert engine.pool.checkedout() == 0


async def test_the_next_caller_does_not_wait_for_those_that_went(world: World) -> None:
    for _ in range(ROUNDS):
        tasks = _started(world)
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

        async with patiently():
            made = await world.rest.create(*_job(world), key=new_key())

        assert made.code is None


async def test_a_connection_that_is_in_use_is_seen(world: World) -> None:
    """The control of there being none above."""
    pool = world.runtime.database.readers.pool
    assert isinstance(pool, QueuePool)

    async with world.runtime.database.read() as unit:
        await holders.find(unit, world.demo.job_id)
        in_use = pool.checkedout()

    assert (in_use, pool.checkedout()) == (1, 0)
