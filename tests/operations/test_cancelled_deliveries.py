"""Whoever goes away during a delivery leaves no lock behind that others would wait for."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import pytest

from gateway.storage.engine import to_its_end
from tests.operations.delivering import DOCUMENT
from tests.world import World

# All uses of a connection in one delivery, and those of its transaction.
ALL: Final = range(14)
WRITES: Final = range(6, 9)

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
) -> int:
    """Cancel a delivery at some uses of a connection; return how often the database was locked."""
    locked = 0
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
        locked += _is_locked(data_dir / "secrets.db")
    return locked


async def test_a_delivery_whose_caller_goes_leaves_the_writers_slot(
    world: World, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await _locked_after_cancellations(world, data_dir, monkeypatch, to_its_end, ALL) == 0


async def test_a_statement_that_is_cut_off_keeps_its_locks(
    world: World, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control of the test above."""

    async def cut_off(work: Work) -> Any:
        return await work

    assert await _locked_after_cancellations(world, data_dir, monkeypatch, cut_off, WRITES) > 0
