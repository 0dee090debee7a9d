"""The write-ahead log stays short, although there is always somebody who reads."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import pytest
from sqlalchemy import text

from gateway.domain.scopes import Scope
from gateway.storage.database import Database
from gateway.storage.dialects.wal import WriteAheadLog
from tests.patience import until
from tests.world import World

# A hundredth of what it is in earnest, and so few writes reach it.
BOUND: Final = 160 * 1024
# What one write adds is beyond the bound already when the log is emptied.
MAX_BYTES: Final = 4 * BOUND
READERS: Final = 3
NEVER: Final = 2**40


def _bound(world: World, max_bytes: int) -> Database:
    database = world.runtime.database
    database.wal = WriteAheadLog(
        database.path,
        database.writer,
        requests=[database.request_admission],
        without_writers=database.commits.alone,
        max_bytes=max_bytes,
    )
    return database


@dataclass(slots=True)
class _Readers:
    """Views of which each ends only after another one began, unless none can begin now."""

    database: Database
    begun: int = 0

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(self._read()) for _ in range(READERS)]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _read(self) -> None:
        while True:
            view = self.database.view()
            try:
                await view.rows(text("SELECT count(*) FROM secret"))
                self.begun += 1
                await until(partial(self._may_end, self.begun))
            finally:
                await view.close()

    def _may_end(self, number: int) -> bool:
        return self.begun > number or self.database.wal.is_holding


async def _longest_log(world: World, database: Database, *, writes: int) -> int:
    longest = 0
    for number in range(writes):
        await world.rest.create(
            Scope.JOB, world.demo.job_id, key=f"KEY_{number}", value="x" * 9_000
        )
        longest = max(longest, database.wal.size)
    return longest


@pytest.mark.unmeasured
async def test_overlapping_readers_do_not_let_the_log_grow(world: World) -> None:
    database = _bound(world, BOUND)
    async with _Readers(database).reading():
        longest = await _longest_log(world, database, writes=40)
        await until(lambda: database.wal.size <= BOUND)

    assert longest <= MAX_BYTES


@pytest.mark.unmeasured
async def test_without_being_emptied_the_log_grows(world: World) -> None:
    """The control of the test above."""
    database = _bound(world, NEVER)
    async with _Readers(database).reading():
        longest = await _longest_log(world, database, writes=40)

    assert longest > MAX_BYTES


async def test_a_long_view_puts_the_end_of_the_log_off_and_refuses_nobody(world: World) -> None:
    database = _bound(world, BOUND)
    view = database.view()
    await view.rows(text("SELECT count(*) FROM secret"))
    during = await _longest_log(world, database, writes=20)
    await view.close()
    await until(lambda: database.wal.size <= BOUND)

    assert during > BOUND


async def test_another_process_that_reads_puts_the_end_of_the_log_off(
    world: World, data_dir: Path
) -> None:
    database = _bound(world, BOUND)
    other = Database(f"sqlite+aiosqlite:///{data_dir / 'secrets.db'}")
    async with other, other.read() as view:
        await view.rows(text("SELECT count(*) FROM secret"))
        await _longest_log(world, database, writes=20)
        is_emptied_beside = await database.wal.empty()
    await until(lambda: database.wal.size <= BOUND)

    assert not is_emptied_beside
