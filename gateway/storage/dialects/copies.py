"""Copies of the database: created while others write, checked, and restored."""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from errno import EEXIST
from pathlib import Path
from secrets import token_hex
from typing import Final
from urllib.parse import quote

from gateway.crypto.private_files import draft_beside, sync_folder
from gateway.domain.errors import RefusedStart
from gateway.storage.dialects.faults import is_damage, primary_code, reason_of

# The offset of the journal mode in SQLite's header, and its value for WAL.
_MODE_AT: Final = 18
_WAL: Final = 2
_HELD: Final = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})


class Unsound(RefusedStart):
    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")


class InUse(RefusedStart):
    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} is in use: stop the gateway first.")


def copy_online(database: Path, target: Path) -> None:
    """Copy the database, as it is at one moment, to a new file while others can write.

    The new file is complete or absent, readable only by its owner, and needs no file beside it.

    Raises:
        FileExistsError: if the target exists.
        Unsound: if the database is damaged; no copy remains.

    """
    if target.exists():
        raise FileExistsError(EEXIST, "this file is there already", str(target))
    with draft_beside(target) as draft:
        with _connect(database) as source, closing(sqlite3.connect(draft)) as copy:
            # All pages in one step: one moment, while writers go on.
            _mapping_errors(database, lambda: source.execute("PRAGMA schema_version").fetchone())
            _mapping_errors(draft, lambda: source.backup(copy))
            # The mode is copied too; a copy must be complete without a WAL.
            copy.execute("PRAGMA journal_mode = DELETE")
        ensure_sound(draft)
        os.link(draft, target)


def ensure_sound(path: Path) -> None:
    """Refuse a file that is not a complete database.

    Raises:
        Unsound: with the reason.

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
    """Return whether a file was written with a WAL that is missing.

    The database itself is such a file while it is closed properly. A copy is not allowed to be one.
    """
    with path.open("rb") as file:
        header = file.read(_MODE_AT + 1)
    return header[_MODE_AT:] == bytes([_WAL]) and not path.with_name(f"{path.name}-wal").exists()


def faults_of(path: Path) -> list[str]:
    return _mapping_errors(path, lambda: _examine(path))


def _examine(path: Path) -> list[str]:
    with _connect(path) as connection:
        (found,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
        dangling = connection.execute("PRAGMA foreign_key_check").fetchall()
    faults = [] if found == "ok" else ["it is damaged: SQLite's integrity check fails."]
    return faults + (["rows refer to missing rows."] if dangling else [])


def put_in_place(copy: Path, database: Path) -> Path | None:
    """Make a checked copy the database; return the new path of the previous database.

    Raises:
        InUse: if the database is open.

    """
    _close_in_order(copy)
    kept = None
    if database.exists():
        _close_in_order(database)
        kept = database.with_name(f"{database.name}.before-{token_hex(4)}")
        database.rename(kept)
    copy.rename(database)
    sync_folder(database.parent)
    return kept


def _close_in_order(path: Path) -> None:
    """Write all that a WAL holds into the file itself, so that the file can be moved alone."""
    with _connect(path) as connection:
        try:
            (mode,) = connection.execute("PRAGMA journal_mode = DELETE").fetchone()
        except sqlite3.OperationalError as error:
            if primary_code(error) in _HELD:
                raise InUse(path) from None
            raise Unsound(path, f"{reason_of(error, str(path))}.") from None
        except sqlite3.DatabaseError:
            # Damaged: keep it as it is.
            return
    if mode != "delete":
        raise InUse(path)


@contextmanager
def _connect(path: Path) -> Iterator[sqlite3.Connection]:
    address = f"file:{quote(str(path))}?mode=rw"
    with closing(sqlite3.connect(address, uri=True, isolation_level=None)) as connection:
        yield connection


def _mapping_errors(path: Path, work: Callable[[], object]) -> list[str]:
    """Do the work; map SQLite's errors to the gateway's.

    Raises:
        Unsound: if the file is not a database, or cannot be read.

    """
    try:
        done = work()
    except sqlite3.DatabaseError as error:
        reason = (
            "it is damaged or not a database."
            if is_damage(error)
            else f"{reason_of(error, str(path))}."
        )
        raise Unsound(path, reason) from None
    return done if isinstance(done, list) else []
