"""The committed catalog is what the migrations make, and its digests see what matters."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from gateway.config.settings import Settings
from gateway.runtime import migrate_database
from gateway.storage.dialects.catalog import CATALOG as QUERY
from gateway.storage.dialects.catalog import (
    EXPECTED,
    CatalogFault,
    differences,
    digests,
    rows_to_objects,
)
from gateway.storage.dialects.catalog_snapshot import catalog_of, snapshot
from gateway.storage.migrate import ForeignObjects
from tests.contracts.test_migrations import stepped

pytestmark = pytest.mark.rule("S62")

TABLE = (
    "CREATE TABLE \"t\" (a TEXT, b TEXT, CONSTRAINT c CHECK (a <> 'x'), CONSTRAINT d UNIQUE (b))"
)
FOREIGN = "CREATE TRIGGER own AFTER DELETE ON holder BEGIN SELECT 1; END"


def _digest(sql: str) -> str:
    ((_, digest),) = digests([("table", "t", "t", sql)])
    return digest


def _change(data_dir: Path, *statements: str) -> None:
    with closing(sqlite3.connect(data_dir / "secrets.db")) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def test_the_committed_catalog_is_what_the_migrations_make() -> None:
    """Otherwise run `python -m gateway.storage.dialects.catalog_snapshot`."""
    assert snapshot() == EXPECTED


@pytest.mark.parametrize("revision", ["0001", "0002", "0010", "0011"])
async def test_an_older_database_gets_the_same_catalog(tmp_path: Path, revision: str) -> None:
    await stepped(tmp_path, revision)

    await migrate_database(Settings(data_dir=tmp_path))

    assert catalog_of(tmp_path / "secrets.db") == EXPECTED


async def test_an_older_database_with_a_foreign_object_is_not_migrated(tmp_path: Path) -> None:
    """The refusal names it, and leaves the database as it was."""
    await stepped(tmp_path, "0011")
    _change(tmp_path, FOREIGN)
    before = catalog_of(tmp_path / "secrets.db")

    with pytest.raises(ForeignObjects, match="ADDED trigger own"):
        await migrate_database(Settings(data_dir=tmp_path))

    assert catalog_of(tmp_path / "secrets.db") == before


@pytest.mark.parametrize(
    "same",
    [
        TABLE.replace('"t"', "t"),
        TABLE.replace(", ", ",\n\t"),
        "CREATE TABLE t (a TEXT, b TEXT, CONSTRAINT d UNIQUE (b), CONSTRAINT c CHECK (a <> 'x'))",
    ],
)
def test_what_means_the_same_has_the_same_digest(same: str) -> None:
    """Databases differ in it, since Alembic copies tables."""
    assert _digest(same) == _digest(TABLE)


@pytest.mark.parametrize(
    "other",
    [
        TABLE.replace("'x'", "'x '"),
        TABLE.replace("'x'", "'y'"),
        TABLE.replace("a TEXT, b TEXT", "b TEXT, a TEXT"),
        TABLE.replace(", CONSTRAINT d UNIQUE (b)", ""),
        TABLE.replace("<>", "=="),
        TABLE.replace("(a <> 'x')", "(a <> 'x' OR 1)"),
        TABLE.replace("CHECK (a <> 'x')", "CHECK (a <> 'x' /* OR 1 */)"),
        f"{TABLE} WITHOUT ROWID",
    ],
)
def test_what_means_something_else_has_another_digest(other: str) -> None:
    assert _digest(other) != _digest(TABLE)


async def test_an_object_of_a_name_that_is_there_already_is_found(tmp_path: Path) -> None:
    """By `writable_schema` a catalog may hold two objects of one name."""
    await migrate_database(Settings(data_dir=tmp_path))
    with closing(sqlite3.connect(tmp_path / "secrets.db")) as connection:
        objects = rows_to_objects(connection.execute(str(QUERY)))
    (index,) = [item for item in objects if item[1] == "ix_holder_project_id"]

    (finding,) = differences((*objects, index))

    assert (finding.fault, finding.name) == (CatalogFault.ADDED, "index ix_holder_project_id")
