"""Statements that are asked for at one time share their fate, whatever it is."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import literal, select, text

from gateway.domain.errors import Unavailable
from gateway.storage.database import Database
from gateway.storage.query_batching import BatchableQuery, batched_rows
from gateway.storage.unit_of_work import ReadUnit
from tests.patience import patiently


async def _one(unit: ReadUnit, number: int) -> int:
    wanted = BatchableQuery(statement=select(literal(number)), by=(literal(number),))
    (row,) = await batched_rows(unit, wanted, shape="number")
    return int(row[0])


async def _broken(unit: ReadUnit) -> int:
    wanted = BatchableQuery(statement=select(text("unknown")), by=())
    return len(await batched_rows(unit, wanted, shape="number"))


def _database(folder: Path) -> Database:
    return Database(f"sqlite+aiosqlite:///{folder / 'empty.db'}", creates=True)


async def test_each_gets_its_own_rows(tmp_path: Path) -> None:
    async with _database(tmp_path) as database, database.read() as unit:
        found = await asyncio.gather(*(_one(unit, number) for number in range(120)))

        assert found == list(range(120))
        assert unit.waiting == {}


async def test_all_hear_of_a_fault(tmp_path: Path) -> None:
    async with _database(tmp_path) as database, database.read() as unit:
        together = [_broken(unit), _broken(unit), _broken(unit)]
        answer = await asyncio.gather(*together, return_exceptions=True)

        assert [type(one) for one in answer] == [Unavailable] * 3
        assert await _one(unit, 7) == 7


@pytest.mark.parametrize("turns", [1, 2, 3])
@pytest.mark.parametrize("gone", [(0,), (1,), (0, 1), (0, 2)])
async def test_those_that_stay_get_their_rows(
    tmp_path: Path, turns: int, gone: tuple[int, ...]
) -> None:
    async with _database(tmp_path) as database, database.read() as unit:
        tasks = [asyncio.create_task(_one(unit, number)) for number in range(4)]
        for _ in range(turns):
            await asyncio.sleep(0)
        for number in gone:
            tasks[number].cancel()
            await asyncio.sleep(0)
        async with patiently():
            await asyncio.wait(tasks)

        stay = {number: task for number, task in enumerate(tasks) if number not in gone}
        assert {number: task.result() for number, task in stay.items()} == {n: n for n in stay}
        assert unit.waiting == {}


async def test_nobody_runs_what_all_have_left(tmp_path: Path) -> None:
    async with _database(tmp_path) as database, database.read() as unit:
        tasks = [asyncio.create_task(_one(unit, number)) for number in range(3)]
        await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        async with patiently():
            await asyncio.wait(tasks)

        assert all(task.cancelled() for task in tasks)
        assert unit.waiting == {}
        assert await _one(unit, 7) == 7
