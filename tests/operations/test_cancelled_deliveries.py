"""Whoever goes away during a delivery leaves no lock behind that others would wait for."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import pytest

from gateway.storage import admission, shared_commits, unit_of_work
from gateway.storage.engine import run_to_completion
from gateway.storage.shared_commits import SharedCommits
from tests.operations.delivering import DOCUMENT
from tests.world import World

if TYPE_CHECKING:
    from types import CoroutineType

    from sqlalchemy.ext.asyncio import AsyncConnection

# All uses of a connection in one delivery, and those of its transaction.
ALL: Final = range(14)
AFTER_BEGIN: Final = 8

Work: TypeAlias = "CoroutineType[Any, Any, Any]"


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

        for module in (admission, shared_commits, unit_of_work):
            monkeypatch.setattr(module, "run_to_completion", counted)
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
    locked = _locked_after_cancellations(world, data_dir, monkeypatch, run_to_completion, ALL)

    assert [is_locked async for is_locked in locked] == [False] * len(ALL)


async def test_a_connection_that_is_not_closed_keeps_its_locks(
    world: World, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control of the test above."""
    left_open: list[AsyncConnection] = []

    async def leave_open(work: Work) -> Any:
        if work.__name__ != SharedCommits.undo.__name__:
            return await run_to_completion(work)
        frame = work.cr_frame
        assert frame is not None
        left_open.append(frame.f_locals["transaction"].connection)
        work.close()
        return None

    locked = _locked_after_cancellations(world, data_dir, monkeypatch, leave_open, [AFTER_BEGIN])

    assert [is_locked async for is_locked in locked] == [True]
    for connection in left_open:
        await connection.close()
