"""The database goes away and comes back, or is none."""

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from gateway.config.settings import Settings
from gateway.domain.errors import RefusedStart
from gateway.domain.scopes import Scope
from gateway.runtime import Runtime, migrate_database
from tests.world import World

QUERY: Final[Mapping[str, Any]] = {"query": "{ __typename }"}
PARTS: Final = ("secrets.db", "secrets.db-wal", "secrets.db-shm")


@contextmanager
def _moved(data_dir: Path) -> Iterator[None]:
    """Take the database away for a while, as a disk that is not mounted."""
    away = data_dir.with_name("away")
    away.mkdir()
    parts = [name for name in PARTS if (data_dir / name).exists()]
    for name in parts:
        (data_dir / name).rename(away / name)
    yield
    for name in parts:
        (away / name).rename(data_dir / name)


async def _ask(world: World) -> list[httpx.Response]:
    """Ask each face, once for reading and once for writing."""
    path = f"/job/{world.demo.job_id}/secret"
    return [
        await world.client.post("/graphql", json=QUERY),
        await world.client.get(path),
        await world.client.post(path, json={"key": "KEY", "value": "x"}),
    ]


@pytest.mark.rule("S59")
async def test_while_the_database_is_away_callers_are_asked_to_come_back(
    world: World, data_dir: Path
) -> None:
    """And it is used again as soon as it is back, without a restart."""
    before = [item.status_code for item in await _ask(world)]

    with _moved(data_dir):
        during = await _ask(world)
        live = await world.client.get("/livez")
        ready = await world.client.get("/readyz")
    after = await world.client.get("/readyz")
    found = await world.rest.visible(Scope.JOB, world.demo.job_id)

    assert before == [200, 200, 201]
    assert [item.status_code for item in during] == [503, 503, 503]
    assert all(0 < int(item.headers["retry-after"]) <= 2 for item in during)
    assert (live.status_code, ready.status_code) == (200, 503)
    assert int(ready.headers["retry-after"]) <= 2
    assert after.status_code == 200
    assert "KEY" in {row["key"] for row in found}


@pytest.mark.rule("S59")
async def test_nothing_is_made_where_the_database_was(world: World, data_dir: Path) -> None:
    """An empty database in its place would be served for ever after."""
    with _moved(data_dir):
        await _ask(world)

        assert not (data_dir / "secrets.db").exists()


@pytest.mark.rule("S59")
async def test_another_file_at_its_path_is_seen(world: World, data_dir: Path) -> None:
    """Writes to the one that was moved away would be writes for nobody."""
    at = (Scope.JOB, world.demo.job_id)
    await world.rest.create(*at, key="IN_THE_OLD_ONE")
    with closing(sqlite3.connect(data_dir / "secrets.db")) as old:
        copy = data_dir / "copy.db"
        with closing(sqlite3.connect(copy)) as new:
            old.backup(new)
            new.execute("DELETE FROM secret WHERE key = 'IN_THE_OLD_ONE'")
            new.commit()
            new.execute("PRAGMA journal_mode = DELETE")
    for name in PARTS:
        (data_dir / name).unlink(missing_ok=True)
    copy.rename(data_dir / "secrets.db")

    keys = {row["key"] for row in await world.rest.visible(*at)}

    assert "IN_THE_OLD_ONE" not in keys
    assert (await world.rest.create(*at, key="IN_THE_OLD_ONE")).code is None


@pytest.mark.rule("S59")
async def test_while_another_holds_the_database_writers_are_asked_to_come_back(
    world: World, data_dir: Path
) -> None:
    """Reading goes on, and writing again once it is free."""
    at = (Scope.JOB, world.demo.job_id)
    with closing(sqlite3.connect(data_dir / "secrets.db", isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        refused = await world.rest.create(*at, key="LATER")
        rows = await world.rest.visible(*at)
        holder.execute("ROLLBACK")

    assert refused.code == "UNAVAILABLE"
    assert rows
    assert (await world.rest.create(*at, key="LATER")).code is None


@pytest.mark.rule("S28", "S59")
async def test_a_database_that_is_overwritten_is_reported_once_and_not_as_ours(
    world: World, data_dir: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A corrupt file is storage that does not answer, not an internal error."""
    for name in PARTS:
        (data_dir / name).unlink(missing_ok=True)
    (data_dir / "secrets.db").write_bytes(b"no database" * 1_000)

    answers = await _ask(world)

    assert [answer.status_code for answer in answers] == [503, 503, 503]
    assert "storage_damaged" in caplog.text
    assert "unexpected_error" not in caplog.text
    assert "not a database" not in "".join(answer.text for answer in answers)


def _foreign(path: Path) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE albums (id INTEGER)")


def _newer(path: Path) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
        database.commit()


def _torn(path: Path) -> None:
    path.write_bytes(b"SQLite format 3\0" + b"\xff" * 8_000)


UNUSABLE: Final[Mapping[str, tuple[Callable[[Path], object], str]]] = {
    "missing": (lambda path: path, "There is no database .*: run `secrets-gateway migrate`"),
    "no database": (lambda path: path.write_bytes(b"x" * 5_000), "damaged or not a database"),
    "torn": (_torn, "damaged or not a database|cannot be used"),
    "another program's": (_foreign, "another program"),
    "a folder": (lambda path: path.mkdir(), "no database|cannot be used"),
}


@pytest.mark.rule("S58")
@pytest.mark.parametrize(("make", "message"), UNUSABLE.values(), ids=UNUSABLE.keys())
async def test_what_is_no_database_of_ours_is_refused_at_the_start(
    tmp_path: Path, make: Callable[[Path], object], message: str
) -> None:
    """In words that say what to do."""
    make(tmp_path / "secrets.db")

    with pytest.raises(RefusedStart, match=message):
        async with Runtime.over(Settings(data_dir=tmp_path)).running():
            pass


@pytest.mark.rule("S58")
async def test_a_newer_versions_database_is_refused(data_dir: Path) -> None:
    """By the start and by the migration."""
    _newer(data_dir / "secrets.db")

    with pytest.raises(RefusedStart, match="newer version"):
        async with Runtime.over(Settings(data_dir=data_dir)).running():
            pass
    with pytest.raises(RefusedStart, match="newer version"):
        await migrate_database(Settings(data_dir=data_dir))


async def test_another_programs_database_is_not_migrated(tmp_path: Path) -> None:
    _foreign(tmp_path / "secrets.db")

    with pytest.raises(RefusedStart, match="another program"):
        await migrate_database(Settings(data_dir=tmp_path))

    with closing(sqlite3.connect(tmp_path / "secrets.db")) as database:
        tables = database.execute("SELECT name FROM sqlite_master").fetchall()
    assert tables == [("albums",)]
