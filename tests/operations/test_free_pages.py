"""The space of deleted rows goes back to the file system, in steps that keep no writer waiting."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from gateway.domain.scopes import Scope
from gateway.services.demo import Demo
from gateway.storage.dialects import free_pages
from gateway.storage.dialects.free_pages import give_back_space
from tests.audit.audit_log import faults, row_faults
from tests.world import open_world

PAGES = 1_000
# What docs/operations.md says for a database from before.
CONVERT = "PRAGMA auto_vacuum = INCREMENTAL; VACUUM"


def _run(data_dir: Path, script: str) -> None:
    with closing(sqlite3.connect(data_dir / "secrets.db")) as connection:
        connection.executescript(script)


def _free_many(data_dir: Path) -> None:
    """Leave free pages, as deleted rows do."""
    with closing(sqlite3.connect(data_dir / "secrets.db")) as connection:
        connection.execute("CREATE TABLE filler (x)")
        connection.executemany("INSERT INTO filler VALUES (?)", [(bytes(4_000),)] * PAGES)
        connection.execute("DROP TABLE filler")
        connection.commit()


def _pages(data_dir: Path) -> tuple[int, int]:
    with closing(sqlite3.connect(data_dir / "secrets.db")) as connection:
        (free,) = connection.execute("PRAGMA freelist_count").fetchone()
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        return free, pages


async def _give_back(data_dir: Path, demo: Demo) -> tuple[int, int]:
    """Give the space back under a running gateway; return the file's size before and after."""
    file = data_dir / "secrets.db"
    async with open_world(data_dir, demo) as world:
        before = file.stat().st_size
        await give_back_space(world.runtime.database)
        await world.runtime.database.wal.empty()
        after = file.stat().st_size
        made = await world.rest.create(Scope.JOB, demo.job_id, key=f"LATER_{before}", value="v")
        assert made.code is None
        assert (await faults(world), await row_faults(world)) == ([], set())
    return before, after


async def test_a_new_database_gives_space_back(
    template: tuple[Path, Demo], data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(free_pages, "_PAUSE_SECONDS", 0.0)
    _free_many(data_dir)
    free, pages = _pages(data_dir)

    before, after = await _give_back(data_dir, template[1])

    left, _ = _pages(data_dir)
    assert free >= PAGES
    assert before - after > PAGES / 2 * 4096
    assert left <= max(free_pages._STEP, pages // free_pages._KEPT_PART)  # noqa: SLF001 - what it keeps


async def test_an_older_database_does_so_after_a_vacuum(
    template: tuple[Path, Demo], data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: without one its file keeps its length."""
    monkeypatch.setattr(free_pages, "_PAUSE_SECONDS", 0.0)
    _run(data_dir, "PRAGMA journal_mode = DELETE; PRAGMA auto_vacuum = NONE; VACUUM")
    _free_many(data_dir)

    unchanged = await _give_back(data_dir, template[1])
    _run(data_dir, CONVERT)
    _free_many(data_dir)
    before, after = await _give_back(data_dir, template[1])

    assert unchanged[0] <= unchanged[1]
    assert before - after > PAGES / 2 * 4096
