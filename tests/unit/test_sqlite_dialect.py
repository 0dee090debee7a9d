"""A statement takes one visit to its connection's thread, and begins its transaction there."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import aiosqlite
import pytest
from sqlalchemy import literal, select, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from gateway.services.demo import Demo
from gateway.storage.engine import create_reading_engine, create_writing_engine
from tests.world import open_world

# What opening a gateway and closing it takes; a start is felt by every command of the operator.
MAX_VISITS_OF_A_START = 50


@contextmanager
def counting_visits(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[object]]:
    """Collect what connections' threads are asked to do."""
    visits: list[object] = []
    go: Any = aiosqlite.Connection._execute  # noqa: SLF001 - every visit passes here

    async def count(self: aiosqlite.Connection, *call: object) -> object:
        visits.append(call[0])
        return await go(self, *call)

    with monkeypatch.context() as patch:
        patch.setattr(aiosqlite.Connection, "_execute", count)
        yield visits


@pytest.fixture
def url(tmp_path: Path) -> str:
    with sqlite3.connect(tmp_path / "some.db") as connection:
        connection.executescript("PRAGMA journal_mode = wal; CREATE TABLE noted (n INTEGER)")
    connection.close()
    return f"sqlite+aiosqlite:///{tmp_path / 'some.db'}"


async def _visits_of_a_view(engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch) -> int:
    async with engine.connect() as connection:
        await connection.execute(select(literal(0)))
    with counting_visits(monkeypatch) as visits:
        async with engine.connect() as connection:
            rows = [await connection.execute(select(literal(number))) for number in range(3)]
    await engine.dispose()
    assert [row.scalar_one() for row in rows] == [0, 1, 2]
    return len(visits)


async def test_view_takes_a_visit_for_each_statement_and_one_to_end(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await _visits_of_a_view(create_reading_engine(url), monkeypatch) == 4


async def test_stock_dialect_takes_more(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert await _visits_of_a_view(create_async_engine(url), monkeypatch) == 13


async def _write(connection: AsyncConnection) -> None:
    await connection.execute(text("INSERT INTO noted VALUES (1)"))


async def test_statement_waits_for_its_transaction_also_when_that_is_refused(url: str) -> None:
    engine = create_writing_engine(url)
    async with engine.connect() as connection:
        await connection.execute(text("PRAGMA busy_timeout = 0"))
        await connection.rollback()
        with _holding_the_lock(url):
            for _ in range(2):
                with pytest.raises(OperationalError, match="locked"):
                    await _write(connection)
        await _write(connection)
        await connection.rollback()
    async with engine.connect() as connection:
        assert (await connection.execute(text("SELECT count(*) FROM noted"))).scalar_one() == 0
    await engine.dispose()


async def test_failed_statement_leaves_the_transaction_as_it_was(url: str) -> None:
    engine = create_writing_engine(url)
    async with engine.connect() as connection:
        with suppress(OperationalError):
            await connection.execute(text("INSERT INTO unknown VALUES (1)"))
        await _write(connection)
        await connection.rollback()
        assert (await connection.execute(text("SELECT count(*) FROM noted"))).scalar_one() == 0
    await engine.dispose()


@contextmanager
def _holding_the_lock(url: str) -> Iterator[None]:
    connection = sqlite3.connect(url.removeprefix("sqlite+aiosqlite:///"), isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        connection.close()


async def test_engines_share_compiled_statements(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    reader, writer = create_reading_engine(url), create_writing_engine(url)
    statement = select(literal(5).label("an unlikely name"))
    async with reader.connect() as connection:
        await connection.execute(statement)
    monkeypatch.setattr(type(statement), "_compiler", None)
    async with writer.connect() as connection:
        assert (await connection.execute(statement)).scalar_one() == 5
    await reader.dispose()
    await writer.dispose()


async def test_start_takes_few_visits(
    data_dir: Path, template: tuple[Path, Demo], monkeypatch: pytest.MonkeyPatch
) -> None:
    with counting_visits(monkeypatch) as visits:
        async with open_world(data_dir, template[1]):
            pass
    assert 0 < len(visits) <= MAX_VISITS_OF_A_START


async def test_savepoint_takes_no_visit_of_its_own(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = create_writing_engine(url)
    async with engine.connect() as connection:
        await _write(connection)
        with counting_visits(monkeypatch) as visits:
            for _ in range(3):
                async with connection.begin_nested():
                    await _write(connection)
        await connection.commit()
        rows = (await connection.execute(text("SELECT count(*) FROM noted"))).scalar_one()
    await engine.dispose()

    assert (len(visits), rows) == (3, 4)


async def test_rolled_back_savepoint_keeps_what_came_before_and_after(url: str) -> None:
    engine = create_writing_engine(url)
    async with engine.connect() as connection:
        await _write(connection)
        savepoint = await connection.begin_nested()
        await _write(connection)
        await savepoint.rollback()
        async with connection.begin_nested():
            await _write(connection)
        await connection.commit()
        rows = (await connection.execute(text("SELECT count(*) FROM noted"))).scalar_one()
    await engine.dispose()

    assert rows == 2


async def test_nothing_follows_a_transaction_that_sqlite_has_rolled_back(url: str) -> None:
    engine = create_writing_engine(url)
    async with engine.connect() as connection:
        await _write(connection)
        await _lose_transaction(connection)
        with pytest.raises(OperationalError, match="rolled back"):
            await _write(connection)
        with pytest.raises(OperationalError, match="rolled back"):
            await connection.commit()
        await connection.rollback()
        rows = (await connection.execute(text("SELECT count(*) FROM noted"))).scalar_one()
    await engine.dispose()

    assert rows == 0


async def _lose_transaction(connection: AsyncConnection) -> None:
    # A statement that finds the database full ends the transaction.
    await connection.execute(text("PRAGMA max_page_count = 10"))
    with pytest.raises(OperationalError, match="full"):
        await connection.execute(text("INSERT INTO noted VALUES (zeroblob(1000000))"))
