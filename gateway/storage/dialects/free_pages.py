"""Give the space of deleted rows back to the file system, in short steps."""

import asyncio
import sqlite3
from typing import Any, Final

from sqlalchemy import column, select, table
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.storage.database import Database
from gateway.storage.dialects.faults import map_db_errors
from gateway.storage.engine import connect_shielded, run_to_completion

# SQLite's number of the mode in which pages are given back only on request.
_INCREMENTAL: Final = 2
# Pages in one step: other writers wait for it.
_STEP: Final = 100
_PAUSE_SECONDS: Final = 0.05
_PAGES: Final = select(
    *(
        select(column(name)).select_from(table(f"pragma_{name}")).scalar_subquery().label(name)
        for name in ("auto_vacuum", "freelist_count", "page_count")
    )
)
# This part of the pages can be free, for rows to come.
_KEPT_PART: Final = 10


async def give_back_space(database: Database) -> None:
    """Shorten the database's file if many of its pages are free.

    A database from an older version keeps its pages until somebody runs VACUUM.

    Raises:
        Unavailable: if the database does not answer.

    """
    while await _has_many_free_pages(database):
        await _give_back_pages(database)
        database.wal.note_commit()
        await asyncio.sleep(_PAUSE_SECONDS)


async def _has_many_free_pages(database: Database) -> bool:
    async with database.read() as unit:
        (row,) = await unit.rows(_PAGES)
    return bool(row.auto_vacuum == _INCREMENTAL) and bool(
        row.freelist_count > max(_STEP, row.page_count // _KEPT_PART)
    )


async def _give_back_pages(database: Database) -> None:
    await database.write_admission.enter(is_bounded=False, is_request=False)
    try:
        with map_db_errors():
            connection = await connect_shielded(database.writer)
            try:
                await run_to_completion(_vacuum(connection))
            finally:
                await connection.close()
    finally:
        database.write_admission.leave(is_request=False)


async def _vacuum(connection: AsyncConnection) -> None:
    driver: Any = (await connection.get_raw_connection()).driver_connection
    try:
        # A statement frees a page each time that it is stepped; a script steps it to its end.
        await driver.executescript(f"PRAGMA incremental_vacuum({_STEP})")
    except sqlite3.Error as error:
        raise OperationalError(None, None, error) from error
