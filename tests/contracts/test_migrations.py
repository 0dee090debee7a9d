"""Migrations lead to the tables that the code describes, and back."""

import re
import sqlite3
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

import gateway.storage
from gateway.config.settings import Settings
from gateway.runtime import migrate_database
from gateway.storage.columns import Model
from gateway.storage.database import Database
from gateway.storage.migrate import OutdatedSchema, ensure_migrated, newest, revisions

SCRIPTS = Path(gateway.storage.__file__).parent / "migrations"


@asynccontextmanager
async def _database(folder: Path) -> AsyncIterator[Database]:
    async with Database(Settings(data_dir=folder).resolved_database_url, creates=True) as database:
        yield database


async def _described(folder: Path) -> None:
    async with _database(folder) as database, database.writer.begin() as connection:
        await connection.run_sync(Model.metadata.create_all)


async def stepped(folder: Path, revision: str, *, down: bool = False) -> None:
    """Bring a database to a revision, or take it back to one."""

    def step(connection: Connection) -> None:
        config = Config()
        config.set_main_option("script_location", str(SCRIPTS))
        config.attributes["connection"] = connection
        move = command.downgrade if down or revision == "base" else command.upgrade
        move(config, revision)

    async with _database(folder) as database, database.writer.begin() as connection:
        await connection.run_sync(step)


def _objects(folder: Path) -> Mapping[str, list[str]]:
    """Return what the database is made of: each object's parts, in whatever order they stand."""
    query = "SELECT type || ' ' || name, sql FROM sqlite_master WHERE sql IS NOT NULL"
    with closing(sqlite3.connect(folder / "secrets.db")) as connection:
        objects = dict(connection.execute(query).fetchall())
    del objects["table alembic_version"]
    return {name: sorted(_parts(text)) for name, text in objects.items()}


def _parts(text: str) -> list[str]:
    plain = re.sub(r"\s+", " ", text.replace('"', "")).strip()
    head, _, body = plain.partition("(")
    return [head.strip(), *(part.strip() for part in _split(body.removesuffix(")")))]


def _split(body: str) -> list[str]:
    parts, depth = [""], 0
    for character in body:
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return parts


async def test_a_migrated_database_is_the_one_that_the_code_describes(tmp_path: Path) -> None:
    migrated, described = tmp_path / "migrated", tmp_path
    await migrate_database(Settings(data_dir=migrated))
    await _described(described)
    with closing(sqlite3.connect(described / "secrets.db")) as connection:
        connection.execute("CREATE TABLE alembic_version (version_num TEXT)")

    assert _objects(migrated) == _objects(described)
    assert any("CHECK" in part for parts in _objects(migrated).values() for part in parts)
    assert any(name.startswith("index ") for name in _objects(migrated))


@pytest.mark.parametrize(
    "change",
    [
        "DROP INDEX ix_secret_target_id",
        "ALTER TABLE secret ADD COLUMN more INTEGER",
        "ALTER TABLE secret DROP COLUMN description",
        "CREATE TABLE more (id INTEGER)",
    ],
)
async def test_the_comparison_sees_a_change(tmp_path: Path, change: str) -> None:
    """The control of the test above."""
    await migrate_database(Settings(data_dir=tmp_path))
    before = _objects(tmp_path)

    with closing(sqlite3.connect(tmp_path / "secrets.db")) as connection:
        connection.execute(change)

    assert _objects(tmp_path) != before


async def test_migrating_again_changes_nothing(tmp_path: Path) -> None:
    await migrate_database(Settings(data_dir=tmp_path))
    before = _objects(tmp_path)

    await migrate_database(Settings(data_dir=tmp_path))

    assert _objects(tmp_path) == before


async def test_every_migration_can_be_taken_back_and_made_again(tmp_path: Path) -> None:
    await migrate_database(Settings(data_dir=tmp_path))
    before = _objects(tmp_path)

    await stepped(tmp_path, "base")
    empty = _objects(tmp_path)
    await stepped(tmp_path, "head")

    assert empty == {}
    assert _objects(tmp_path) == before


async def test_a_database_of_another_version_is_refused(tmp_path: Path) -> None:
    await migrate_database(Settings(data_dir=tmp_path))
    async with _database(tmp_path) as database:
        await ensure_migrated(database)
    await stepped(tmp_path, "base")

    async with _database(tmp_path) as database:
        with pytest.raises(
            OutdatedSchema, match=f"needs {newest()}: run `secrets-gateway migrate`"
        ):
            await ensure_migrated(database)


def test_the_scripts_names_say_which_revisions_there_are() -> None:
    scripts = ScriptDirectory(str(SCRIPTS))

    assert revisions() == {script.revision for script in scripts.walk_revisions()}
    assert scripts.get_heads() == [newest()]


async def test_tokens_keep_what_they_had_when_grants_come(tmp_path: Path) -> None:
    """Each gets its role as a grant on the whole organization, and gives it back."""
    await stepped(tmp_path, "0001")
    with closing(sqlite3.connect(tmp_path / "secrets.db")) as connection:
        connection.execute("INSERT INTO organization VALUES ('o', 'O', '2026-01-01')")
        for role in ("viewer", "operator"):
            connection.execute(
                "INSERT INTO api_token (id, organization_id, name, role, digest, created_at)"
                " VALUES (?, 'o', 'T', ?, ?, '2026-01-01')",
                (role, role, role.encode()),
            )
        connection.commit()

    await stepped(tmp_path, "0002")
    granted = _rows(tmp_path, "SELECT token_id, role, holder_id FROM role_grant ORDER BY role")
    await stepped(tmp_path, "0001", down=True)

    assert granted == [("operator", "operator", None), ("viewer", "viewer", None)]
    assert _rows(tmp_path, "SELECT id, role FROM api_token ORDER BY role") == [
        ("operator", "operator"),
        ("viewer", "viewer"),
    ]


@pytest.mark.rule("S71")
async def test_answers_from_before_they_had_macs_are_deleted(tmp_path: Path) -> None:
    """They live for a day, and nothing says that they are the ones that were given."""
    await stepped(tmp_path, "0013")
    with closing(sqlite3.connect(tmp_path / "secrets.db")) as connection, connection:
        connection.execute(
            "INSERT INTO idempotency (principal_id, idempotency_key, fingerprint, answer,"
            " created_at) VALUES ('p', 'once', x'00', '{}', '2026-01-01')"
        )

    await stepped(tmp_path, "head")

    assert _rows(tmp_path, "SELECT count(*), count(mac) FROM idempotency") == [(0, 0)]


def _rows(folder: Path, query: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(folder / "secrets.db")) as connection:
        return connection.execute(query).fetchall()


@pytest.mark.rule("X5")
async def test_a_new_kind_of_service_leaves_what_is_there_as_it_is(tmp_path: Path) -> None:
    """Constraints are changed in place, since half of the database refers to the table."""
    await stepped(tmp_path, "0015")
    _filled_with_a_service(tmp_path)
    before = _rows(tmp_path, "SELECT * FROM holder ORDER BY id")

    await stepped(tmp_path, "head")

    assert _rows(tmp_path, "SELECT * FROM holder ORDER BY id") == before
    assert _rows(tmp_path, "SELECT id FROM secret") == [("s",)]
    assert _rows(tmp_path, "PRAGMA integrity_check") == [("ok",)]
    assert _rows(tmp_path, "PRAGMA foreign_key_check") == []
    with pytest.raises(sqlite3.IntegrityError, match="ck_holder"):
        _add_service(tmp_path, "x", "OTHER_KIND")
    _add_service(tmp_path, "w", "AGENTIC_WORKFLOW")
    with pytest.raises(RuntimeError, match="Delete the 1 agentic workflows first"):
        await stepped(tmp_path, "0015", down=True)


async def test_control_the_kind_is_refused_without_the_migration(tmp_path: Path) -> None:
    await stepped(tmp_path, "0015")
    _filled_with_a_service(tmp_path)

    with pytest.raises(sqlite3.IntegrityError, match="ck_holder"):
        _add_service(tmp_path, "w", "AGENTIC_WORKFLOW")


def _filled_with_a_service(folder: Path) -> None:
    with closing(sqlite3.connect(folder / "secrets.db")) as connection, connection:
        connection.executescript(
            "INSERT INTO organization VALUES ('o', 'O', '2026-01-01');"
            "INSERT INTO holder (id, kind, name, organization_id, project_id, created_at)"
            " VALUES ('p', 'PROJECT', 'P', 'o', 'p', '2026-01-01');"
            "INSERT INTO holder (id, kind, name, organization_id, parent_id, parent_kind,"
            " project_id, environment_id, created_at)"
            " VALUES ('e', 'ENVIRONMENT', 'E', 'o', 'p', 'PROJECT', 'p', 'e', '2026-01-01');"
            "INSERT INTO secret (id, organization_id, project_id, holder_id, holder_kind, scope,"
            " variable_type, list_rank, key, owned_by, version, created_at, updated_at)"
            " VALUES ('s', 'o', 'p', 'e', 'ENVIRONMENT', 'ENVIRONMENT', 'VALUE', 12, 'K', 'Q', 1,"
            " '2026-01-01', '2026-01-01');"
        )


def _add_service(folder: Path, holder_id: str, kind: str) -> None:
    with closing(sqlite3.connect(folder / "secrets.db")) as connection, connection:
        connection.execute(
            "INSERT INTO holder (id, kind, name, organization_id, parent_id, parent_kind,"
            " project_id, environment_id, created_at)"
            " VALUES (?, ?, 'S', 'o', 'e', 'ENVIRONMENT', 'p', 'e', '2026-01-01')",
            (holder_id, kind),
        )
