"""Migrating a database to the schema that this version needs."""

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Final

from sqlalchemy import Column, Connection, MetaData, String, Table, inspect, select

from gateway.domain.errors import RefusedStart
from gateway.storage.catalog import CATALOG, CatalogFinding, differences, rows_to_objects
from gateway.storage.faults import refusing_to_start
from gateway.storage.unit_of_work import Database

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
