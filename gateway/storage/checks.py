"""What a database must fulfil before it stores secrets."""

import asyncio
from typing import Any, Final

from sqlalchemy import Select, literal_column, select, table, text
from sqlalchemy.ext.asyncio import AsyncEngine

from gateway.domain.errors import RefusedStart, StorageNotWritable
from gateway.storage.engine import SQLITE_PRAGMAS
from gateway.storage.faults import refusing_to_start
from gateway.storage.obstacles import obstacle_at
from gateway.storage.unit_of_work import Database

# SQLite has a table of one row for each setting.
_SETTINGS: Final[Select[Any]] = select(
    *(
        select(literal_column("*")).select_from(table(f"pragma_{name}")).scalar_subquery()
        for name in SQLITE_PRAGMAS
    )
)


class UnsafeStorage(RefusedStart):
    def __init__(self, setting: str, actual: object, expected: object) -> None:
        super().__init__(f"The database's {setting} is {actual}, but must be {expected}.")


async def ensure_durable(database: Database) -> None:
    """Refuse a database whose connections lack a setting that keeps writes safe.

    Raises:
        UnsafeStorage: naming the setting.

    """
    with refusing_to_start(database.path):
        for engine in (database.readers, database.writer):
            await _ensure_pragmas(engine)


async def _ensure_pragmas(engine: AsyncEngine) -> None:
    async with engine.connect() as connection:
        actual = (await connection.execute(_SETTINGS)).one()
    for (name, expected), found in zip(SQLITE_PRAGMAS.items(), actual, strict=True):
        if found != expected:
            raise UnsafeStorage(name, found, expected)


async def ensure_ready(database: Database) -> None:
    """Check with the smallest query that the database answers, and that its files are writable.

    Raises:
        Unavailable: if the database does not answer.
        StorageNotWritable: if it is read-only.

    """
    async with database.read() as unit:
        await unit.rows(text("SELECT 1"))
    # In a thread, because a file system can be slow.
    if obstacle := await asyncio.to_thread(obstacle_at, database.path):
        raise StorageNotWritable(obstacle)
