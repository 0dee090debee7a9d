"""Bringing a database to the schema that this version needs."""

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect

from gateway.domain.errors import RefusedStart
from gateway.storage.catalog import CATALOG, CatalogFinding, differences, rows_to_objects
from gateway.storage.faults import refusing_to_start
from gateway.storage.unit_of_work import Database

_SCRIPTS: Final = Path(__file__).parent / "migrations"


class OutdatedSchema(RefusedStart):
    """The database is not at this version's schema."""

    def __init__(self, current: str | None) -> None:
        super().__init__(
            f"The database's schema is {current or 'empty'}, this version needs {newest()}: "
            "run `secrets-gateway migrate`."
        )


class NewerSchema(RefusedStart):
    """The database is of a version that this one does not know."""

    def __init__(self, current: str) -> None:
        super().__init__(
            f"The database's schema is {current}, which is of a newer version of the gateway: "
            "run that one, or put back a backup of this one's."
        )


class ForeignDatabase(RefusedStart):
    """The database is another program's."""

    def __init__(self, path: str) -> None:
        super().__init__(f"{path} is a database of another program: name another path.")


class ForeignObjects(RefusedStart):
    """The database holds objects that no migration makes, or lacks some."""

    def __init__(self, findings: Iterable[CatalogFinding]) -> None:
        named = ", ".join(map(str, findings))
        super().__init__(
            f"The database's objects are not those of this version: {named}. Nothing was changed: "
            "remove what was added, or put back a backup."
        )


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    config.attributes["connection"] = connection
    return config


@cache
def _scripts() -> ScriptDirectory:
    # It loads each migration, which takes longer than all else that a start looks at.
    return ScriptDirectory.from_config(_config())


def newest() -> str | None:
    """Return the revision that this version needs."""
    return _scripts().get_current_head()


def revisions() -> frozenset[str]:
    """Return every revision that this version knows."""
    return frozenset(script.revision for script in _scripts().walk_revisions())


async def migrate(database: Database) -> None:
    """Bring the database to the newest revision, in one transaction.

    Raises:
        RefusedStart: if it is none of ours, of a newer version, or cannot be used.

    """
    with refusing_to_start(database.path):
        async with database.writer.begin() as connection:
            current = await connection.run_sync(_current, database.path)
            await connection.run_sync(upgrade)
            if current != newest():
                await connection.run_sync(_ensure_own_objects)


async def ensure_migrated(database: Database) -> None:
    """Refuse a database of another version.

    Raises:
        RefusedStart: if it is of another version or another program, or cannot be used.

    """
    with refusing_to_start(database.path):
        async with database.readers.connect() as connection:
            current = await connection.run_sync(_current, database.path)
    if current != newest():
        raise OutdatedSchema(current)


def upgrade(connection: Connection) -> None:
    """Run the migrations that a database lacks."""
    command.upgrade(_config(connection), "head")


def _ensure_own_objects(connection: Connection) -> None:
    if found := differences(rows_to_objects(connection.execute(CATALOG))):
        raise ForeignObjects(found)


def _current(connection: Connection, path: str) -> str | None:
    """Return the revision of a database that is ours, or that is empty."""
    current = MigrationContext.configure(connection).get_current_revision()
    tables = inspect(connection).get_table_names()
    if tables and "alembic_version" not in tables:
        raise ForeignDatabase(path)
    if current is not None and current not in revisions():
        raise NewerSchema(current)
    return current
