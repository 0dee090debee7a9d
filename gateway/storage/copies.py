"""Copies of the database: made while others write, looked at, and put in its place."""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from secrets import token_hex
from typing import Final
from urllib.parse import quote

from gateway.domain.errors import RefusedStart
from gateway.storage.faults import is_damage
from gateway.storage.obstacles import primary_code, reason_of

# Where SQLite's header says in which mode a file is written, and what it says of WAL.
_MODE_AT: Final = 18
_WAL: Final = 2
_HELD: Final = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})


class Unsound(RefusedStart):
    """A copy cannot stand in for the database."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")


class InUse(RefusedStart):
    """Somebody has the database open."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} is in use: stop the gateway first.")


def copy_online(database: Path, target: Path) -> None:
    """Write the database, as it is at one moment, to a new file; others may write meanwhile.

    The file is whole or not there, for its owner only, and needs no other file beside it.

    Raises:
        FileExistsError: if there is one already.
        Unsound: if the database is damaged; then no copy is left behind.

    """
    with _draft_beside(target) as draft:
        with _connect(database) as source, closing(sqlite3.connect(draft)) as copy:
            # All pages in one step: one moment, and writers go on beside it.
            _mapping_errors(database, lambda: source.execute("PRAGMA schema_version").fetchone())
            _mapping_errors(draft, lambda: source.backup(copy))
            # The mode is copied too; a copy is to be whole without a WAL.
            copy.execute("PRAGMA journal_mode = DELETE")
        ensure_sound(draft)
        os.link(draft, target)
    _sync_folder(target.parent)


def ensure_sound(path: Path) -> None:
    """Refuse a file that is no whole database.

    Raises:
        Unsound: saying what is wrong.

    """
    if not path.is_file():
        raise Unsound(path, "there is no such file.")
    if is_bare(path):
        raise Unsound(
            path,
            "it was copied from a running database without its WAL, so its last changes may be "
            "missing: make a backup with `secrets-gateway backup`.",
        )
    for fault in faults_of(path):
        raise Unsound(path, fault)


def is_bare(path: Path) -> bool:
    """Tell whether a file was written beside a WAL that is not there.

    So is the database itself while nobody has it open: it was closed in order. A copy may not be.
    """
    with path.open("rb") as file:
        header = file.read(_MODE_AT + 1)
    return header[_MODE_AT:] == bytes([_WAL]) and not path.with_name(f"{path.name}-wal").exists()


def faults_of(path: Path) -> list[str]:
    """Return what SQLite finds wrong in a database."""
    return _mapping_errors(path, lambda: _examine(path))


def _examine(path: Path) -> list[str]:
    with _connect(path) as connection:
        (found,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
        dangling = connection.execute("PRAGMA foreign_key_check").fetchall()
    faults = [] if found == "ok" else ["it is damaged: SQLite's integrity check fails."]
    return faults + (["rows refer to rows that are not there."] if dangling else [])


def put_in_place(copy: Path, database: Path) -> Path | None:
    """Make a checked copy the database; return where the one that was there has gone.

    Raises:
        InUse: if somebody has it open.

    """
    _close_in_order(copy)
    kept = None
    if database.exists():
        _close_in_order(database)
        kept = database.with_name(f"{database.name}.before-{token_hex(4)}")
        database.rename(kept)
    copy.rename(database)
    _sync_folder(database.parent)
    return kept


def _close_in_order(path: Path) -> None:
    """Bring all that a WAL holds into the file itself, so that it can be moved alone."""
    with _connect(path) as connection:
        try:
            (mode,) = connection.execute("PRAGMA journal_mode = DELETE").fetchone()
        except sqlite3.OperationalError as error:
            if primary_code(error) in _HELD:
                raise InUse(path) from None
            raise Unsound(path, f"{reason_of(error, str(path))}.") from None
        except sqlite3.DatabaseError:
            # Damaged: it is kept as it is.
            return
    if mode != "delete":
        raise InUse(path)


@contextmanager
def _connect(path: Path) -> Iterator[sqlite3.Connection]:
    address = f"file:{quote(str(path))}?mode=rw"
    with closing(sqlite3.connect(address, uri=True, isolation_level=None)) as connection:
        yield connection


@contextmanager
def _draft_beside(target: Path) -> Iterator[Path]:
    """Give a new file for its owner only, and remove it in the end."""
    if target.exists():
        raise FileExistsError(17, "there is one already", str(target))
    draft = target.with_name(f".{target.name}.{token_hex(8)}")
    os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        yield draft
    finally:
        draft.unlink()


def _mapping_errors(path: Path, work: Callable[[], object]) -> list[str]:
    """Do the work; tell SQLite's errors in ours.

    Raises:
        Unsound: if the file is no database, or cannot be read.

    """
    try:
        done = work()
    except sqlite3.DatabaseError as error:
        reason = (
            "it is damaged, or no database."
            if is_damage(error)
            else f"{reason_of(error, str(path))}."
        )
        raise Unsound(path, reason) from None
    return done if isinstance(done, list) else []


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)
