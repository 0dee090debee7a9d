"""Migrate a database, and check that it is ready."""

import asyncio
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any, Final

from sqlalchemy import (
    Column,
    Connection,
    MetaData,
    Select,
    String,
    Table,
    inspect,
    literal_column,
    select,
    table,
    text,
)
from sqlalchemy.ext.asyncio import AsyncEngine

from gateway.domain.errors import RefusedStart, StorageNotWritable
from gateway.storage.database import Database
from gateway.storage.dialects.catalog import CATALOG, CatalogFinding, differences, rows_to_objects
from gateway.storage.dialects.faults import obstacle_at, refusing_to_start
from gateway.storage.engine import SQLITE_PRAGMAS

_SCRIPTS: Final = Path(__file__).parent / "migrations"
# Where Alembic keeps the revision that a database is at.
_VERSION: Final = Table("alembic_version", MetaData(), Column("version_num", String))


class OutdatedSchema(RefusedStart):
    def __init__(self, current: str | None) -> None:
        super().__init__(
            f"The database's schema is {current or 'empty'}, this version needs {newest()}: "
            "run `secrets-gateway migrate`."
        )


class NewerSchema(RefusedStart):
    def __init__(self, current: str) -> None:
        super().__init__(
            f"The database's schema is {current}, from a newer version of the gateway: "
            "run that version, or restore a backup from this one."
        )


class ForeignDatabase(RefusedStart):
    def __init__(self, path: str) -> None:
        super().__init__(f"{path} is a database of another program: set another path.")


class ForeignObjects(RefusedStart):
    def __init__(self, findings: Iterable[CatalogFinding]) -> None:
        named = ", ".join(map(str, findings))
        super().__init__(
            f"The database's objects are not those of this version: {named}. Nothing was changed: "
            "remove the unexpected objects, or restore a backup."
        )


def newest() -> str:
    return max(revisions())


@cache
def revisions() -> frozenset[str]:
    """Return every revision that this version knows: each script is named after its own."""
    return frozenset(script.name[:4] for script in _SCRIPTS.glob("versions/[0-9]*.py"))


async def migrate(database: Database) -> None:
    """Migrate the database to the newest revision, in one transaction.

    Raises:
        RefusedStart: if it is of another program or a newer version, or cannot be used.

    """
    with refusing_to_start(database.path):
        async with database.writer.begin() as connection:
            current = await connection.run_sync(_current, database.path)
            await connection.run_sync(upgrade)
            if current != newest():
                await connection.run_sync(_ensure_own_objects)


async def ensure_migrated(database: Database) -> None:
    """Refuse a database whose schema is not this version's.

    Raises:
        RefusedStart: if it is of another version or another program, or cannot be used.

    """
    with refusing_to_start(database.path):
        async with database.readers.connect() as connection:
            current = await connection.run_sync(_current, database.path)
    if current != newest():
        raise OutdatedSchema(current)


def upgrade(connection: Connection) -> None:
    # Importing Alembic takes longer than the rest of a start.
    from alembic import command  # noqa: PLC0415 - see above
    from alembic.config import Config  # noqa: PLC0415 - see above

    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _ensure_own_objects(connection: Connection) -> None:
    if found := differences(rows_to_objects(connection.execute(CATALOG))):
        raise ForeignObjects(found)


def _current(connection: Connection, path: str) -> str | None:
    """Return the revision of a gateway's database; None if the database is empty."""
    tables = inspect(connection).get_table_names()
    if tables and _VERSION.name not in tables:
        raise ForeignDatabase(path)
    current = connection.scalars(select(_VERSION.c.version_num)).one_or_none() if tables else None
    if current is not None and current not in revisions():
        raise NewerSchema(current)
    return current


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
