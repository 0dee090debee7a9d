"""Whoever goes away during a delivery leaves no lock behind that others would wait for."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable
from contextlib import closing
from itertools import chain, repeat
from pathlib import Path
from typing import Any, Final

import pytest

from gateway.storage.engine import to_its_end
from tests.operations.delivering import DOCUMENT
from tests.world import World

# All uses of a connection in one delivery, and those of its transaction.
ALL: Final = range(14)
WRITES: Final = range(6, 9)
ROUNDS: Final = 100

Work = Coroutine[Any, Any, Any]


def _is_locked(database: Path) -> bool:
    with closing(sqlite3.connect(database, timeout=0, isolation_level=None)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return True
        return False


async def _locked_after_cancellations(
    world: World,
    data_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
    run: Callable[[Work], Awaitable[Any]],
    numbers: Iterable[int],
) -> AsyncIterator[bool]:
    """Cancel a delivery at some uses of a connection; yield whether the database is locked then."""
    for number in numbers:
        uses, reached = 0, asyncio.Event()

        async def counted(work: Work, number: int = number, reached: Any = reached) -> Any:
            nonlocal uses
            uses += 1
            if uses > number:
                reached.set()
            return await run(work)

        monkeypatch.setattr("gateway.storage.unit_of_work.to_its_end", counted)
        body = {"query": DOCUMENT, "variables": {"id": world.demo.job_id}}
        sent = asyncio.create_task(world.client.post("/graphql", json=body))
        reaching = asyncio.create_task(reached.wait())
        await asyncio.wait([sent, reaching], return_when=asyncio.FIRST_COMPLETED)
        sent.cancel()
        reaching.cancel()
        await asyncio.wait([sent, reaching])
        yield _is_locked(data_dir / "secrets.db")


async def test_a_delivery_whose_caller_goes_leaves_the_writers_slot(
    world: World, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    locked = _locked_after_cancellations(world, data_dir, monkeypatch, to_its_end, ALL)

    assert [is_locked async for is_locked in locked] == [False] * len(ALL)


async def test_a_statement_that_is_cut_off_keeps_its_locks(
    world: World, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control of the test above.

    The lock is taken by another thread, often before it is looked for and sometimes later.
    """

    async def cut_off(work: Work) -> Any:
        return await work

    numbers = chain.from_iterable(repeat(WRITES, ROUNDS))
    locked = _locked_after_cancellations(world, data_dir, monkeypatch, cut_off, numbers)

    async for is_locked in locked:
        if is_locked:
            return
    pytest.fail("No statement that was cut off kept its lock.")
