"""Backups made while others write, and putting one back."""

import asyncio
import base64
import json
import shutil
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from gateway.domain.scopes import Scope
from gateway.services.demo import Demo
from gateway.storage.dialects.copies import copy_online
from tests.cli.conftest import CommandLine, demo, line
from tests.servers import serving
from tests.world import World

__all__ = ["demo", "line"]

_ANOTHERS = json.dumps(
    {"primary": "kek", "keys": {"kek": base64.b64encode(bytes(range(32))).decode()}}
)
WRITERS = 4
BEFORE = 10


def _numbers(database: Path, writer: int) -> list[int]:
    query = "SELECT key FROM secret WHERE key LIKE ? ORDER BY key"
    with closing(sqlite3.connect(f"file:{database}?immutable=1", uri=True)) as connection:
        rows = connection.execute(query, (f"W{writer}_%",)).fetchall()
    return sorted(int(key.partition("_")[2]) for (key,) in rows)


@pytest.mark.rule("S57")
@pytest.mark.unmeasured
async def test_a_backup_under_writers_is_the_database_at_one_moment(
    world: World, data_dir: Path, tmp_path: Path
) -> None:
    """Of each writer all that was acknowledged before, and nothing out of its turn."""
    at, acknowledged = (Scope.JOB, world.demo.job_id), [0] * WRITERS
    is_warm, is_done = asyncio.Event(), asyncio.Event()

    async def write(writer: int) -> None:
        while not is_done.is_set():
            made = await world.rest.create(*at, key=f"W{writer}_{acknowledged[writer]:06}")
            assert made.code is None
            acknowledged[writer] += 1
            if min(acknowledged) >= BEFORE:
                is_warm.set()

    writers = [asyncio.create_task(write(writer)) for writer in range(WRITERS)]
    await is_warm.wait()
    before = list(acknowledged)
    await asyncio.to_thread(copy_online, data_dir / "secrets.db", tmp_path / "backup.db")
    is_done.set()
    await asyncio.gather(*writers)

    for writer in range(WRITERS):
        kept = _numbers(tmp_path / "backup.db", writer)
        assert kept == list(range(len(kept)))
        assert before[writer] <= len(kept) <= acknowledged[writer]


@pytest.mark.rule("S57")
async def test_a_bare_copy_lacks_what_was_acknowledged(
    world: World, data_dir: Path, tmp_path: Path
) -> None:
    """The control. The WAL holds what the file does not have yet."""
    at = (Scope.JOB, world.demo.job_id)
    for number in range(BEFORE):
        await world.rest.create(*at, key=f"W0_{number}")

    await asyncio.to_thread(shutil.copy, data_dir / "secrets.db", tmp_path / "bare.db")

    assert len(_numbers(tmp_path / "bare.db", 0)) < BEFORE


@pytest.fixture(scope="module")
def served(template: tuple[Path, Demo], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A data folder that a server runs over."""
    folder = tmp_path_factory.mktemp("served") / "data"
    shutil.copytree(template[0], folder)
    with serving(folder, template[1]):
        yield folder


@pytest.fixture
def beside(line: CommandLine, served: Path, monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    """The command line beside that server."""
    monkeypatch.setenv("SECRETS_GATEWAY_DATA_DIR", str(served))
    return line


@pytest.mark.rule("S57")
def test_a_backup_beside_a_server_is_for_its_owner_and_needs_no_other_file(
    beside: CommandLine, served: Path, tmp_path: Path
) -> None:
    target = tmp_path / "backup.db"

    written = beside("backup", str(target))

    assert written.code == 0
    assert str(served / "keys.json") in written.out
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert list(tmp_path.glob("*backup.db*")) == [target]
    assert beside("doctor", "--copy", str(target)).code == 0


@pytest.mark.rule("S57")
def test_a_backup_never_takes_another_files_place(line: CommandLine, tmp_path: Path) -> None:
    there = tmp_path / "backup.db"
    there.write_text("mine")

    refused = line("backup", str(there))

    assert refused.code == 1
    assert refused.complaint.endswith("this file is there already.")
    assert there.read_text() == "mine"


@pytest.mark.rule("S57")
def test_a_damaged_database_makes_no_backup(
    line: CommandLine, data_dir: Path, tmp_path: Path
) -> None:
    """Nor half of one."""
    (data_dir / "secrets.db").write_bytes(b"x" * 10_000)

    refused = line("backup", str(tmp_path / "backup.db"))

    assert refused.code == 1
    assert "damaged" in refused.complaint
    assert list(tmp_path.glob("*backup.db*")) == []


@pytest.fixture
def backup(line: CommandLine, tmp_path: Path) -> Path:
    """A backup of the demo."""
    assert line("backup", str(tmp_path / "backup.db")).code == 0
    return tmp_path / "backup.db"


def _fingerprint(line: CommandLine, demo: Demo) -> str:
    """Return everything that a job gets."""
    return line("export", "--service", demo.job_id, "--format", "json").out


@pytest.mark.rule("S57")
def test_a_restored_backup_delivers_what_was_backed_up(
    line: CommandLine, data_dir: Path, demo: Demo, backup: Path
) -> None:
    """Identical, on a machine that has the key file alone."""
    before = _fingerprint(line, demo)
    for part in data_dir.glob("secrets.db*"):
        part.unlink()

    restored = line("restore", str(backup), "--json")

    assert restored.answer == {"projects": 1, "kept": None}
    assert _fingerprint(line, demo) == ""
    assert line("audit", "acknowledge").code == 0
    assert _fingerprint(line, demo) == before
    assert stat.S_IMODE((data_dir / "secrets.db").stat().st_mode) == 0o600
    assert line("doctor").code == 0


@pytest.mark.rule("S57")
def test_a_database_that_is_there_is_put_aside_only_if_asked(
    line: CommandLine, data_dir: Path, demo: Demo, backup: Path
) -> None:
    before = _fingerprint(line, demo)
    line("organization", "create", "Since then")

    refused = line("restore", str(backup))
    kept_quiet = line("organization", "list").out
    done = line("restore", str(backup), "--overwrite")

    assert refused.code == 1
    assert "--overwrite" in refused.complaint
    assert "Since then" in kept_quiet
    assert done.code == 0
    assert "Since then" not in line("organization", "list").out
    assert line("audit", "acknowledge").code == 0
    assert _fingerprint(line, demo) == before
    (aside,) = data_dir.glob("secrets.db.before-*")
    assert str(aside) in done.out


@pytest.mark.rule("S57")
def test_nothing_is_put_under_a_running_server(
    beside: CommandLine, served: Path, tmp_path: Path
) -> None:
    """What it acknowledges would be lost."""
    beside("backup", str(tmp_path / "backup.db"))

    refused = beside("restore", str(tmp_path / "backup.db"), "--overwrite")

    assert refused.code == 1
    assert refused.complaint.endswith("is in use: stop the gateway first.")
    assert list(served.glob("*before*")) + list(served.glob(".*")) == []


@pytest.mark.rule("S57")
def test_a_copy_without_its_wal_is_refused(
    beside: CommandLine, served: Path, tmp_path: Path
) -> None:
    """By restore, and by doctor."""
    bare = tmp_path / "bare.db"
    shutil.copy(served / "secrets.db", bare)

    refused = beside("restore", str(bare), "--overwrite")
    found = beside("doctor", "--copy", str(bare))

    assert "without its WAL" in refused.complaint
    assert found.code == 1
    assert "without its WAL" in found.out


@pytest.mark.rule("S58")
def test_a_check_up_beside_a_running_gateway_finds_all_well(beside: CommandLine) -> None:
    """Its WAL is there, so nothing is in doubt either."""
    answer = beside("doctor", "--json")

    assert answer.code == 0
    assert {item["check"]: item["state"] for item in answer.answer} == {
        "settings": "well",
        "permissions": "well",
        "database": "well",
        "start": "well",
        "catalog": "well",
        "keys": "well",
        "clock": "well",
    }


@pytest.mark.rule("S57")
def test_a_backup_is_useless_without_its_key_file(
    line: CommandLine, data_dir: Path, backup: Path, demo: Demo
) -> None:
    """And what is there stays."""
    before = _fingerprint(line, demo)
    own = (data_dir / "keys.json").rename(data_dir / "own.json")
    missing = line("restore", str(backup), "--overwrite")
    (data_dir / "keys.json").write_text(_ANOTHERS)
    (data_dir / "keys.json").chmod(0o600)
    wrong = line("restore", str(backup), "--overwrite")
    own.rename(data_dir / "keys.json")

    assert missing.code == 1
    assert "key file" in missing.complaint
    assert wrong.code == 1
    assert "key file" in wrong.complaint
    assert _fingerprint(line, demo) == before
    assert list(data_dir.glob("*before*")) + list(data_dir.glob(".*")) == []


@pytest.mark.rule("S57")
@pytest.mark.parametrize("harm", ["torn", "dangling", "no database", "missing"])
def test_an_unsound_backup_is_refused(line: CommandLine, backup: Path, harm: str) -> None:
    """And nothing is changed."""
    before = line("organization", "list").out
    if harm == "torn":
        content = backup.read_bytes()
        backup.write_bytes(content[: len(content) // 2])
    elif harm == "dangling":
        with closing(sqlite3.connect(backup)) as connection:
            connection.execute("UPDATE secret SET holder_id = 'nobody' WHERE rowid = 1")
            connection.execute("DELETE FROM holder")
            connection.commit()
    elif harm == "no database":
        backup.write_bytes(b"x" * 10_000)
    else:
        backup.unlink()

    refused = line("restore", str(backup), "--overwrite")

    assert refused.code == 1
    assert "backup.db" in refused.complaint
    assert line("organization", "list").out == before


@pytest.mark.rule("S62")
def test_a_backup_with_a_foreign_trigger_is_refused(
    line: CommandLine, demo: Demo, backup: Path
) -> None:
    """The refusal names it, and nothing is changed."""
    before = _fingerprint(line, demo)
    with closing(sqlite3.connect(backup)) as connection:
        connection.execute("CREATE TRIGGER own AFTER DELETE ON holder BEGIN SELECT 1; END")

    refused = line("restore", str(backup), "--overwrite")

    assert refused.code == 1
    assert "ADDED trigger own" in refused.err
    assert _fingerprint(line, demo) == before


@pytest.mark.rule("S57")
def test_a_damaged_database_is_put_aside_as_it_is(
    line: CommandLine, data_dir: Path, backup: Path
) -> None:
    """That is when a backup is needed most."""
    damaged = b"x" * 10_000
    for part in data_dir.glob("secrets.db-*"):
        part.unlink()
    (data_dir / "secrets.db").write_bytes(damaged)

    done = line("restore", str(backup), "--overwrite", "--json")

    assert done.code == 0
    assert Path(done.answer["kept"]).read_bytes() == damaged
    assert line("check").code == 0
