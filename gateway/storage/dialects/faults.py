"""Faults of the database file, as errors with words.

SQLite reports "unable to open database file" for a missing file, for a read-only folder, and for a
folder that this user cannot enter. Each needs a different remedy.
"""

import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Final

import structlog
from sqlalchemy.exc import (
    DatabaseError,
    DBAPIError,
    IntegrityError,
    InterfaceError,
    OperationalError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from gateway.domain.errors import (
    ConcurrentChange,
    GatewayError,
    IntegrityFault,
    RefusedStart,
    StorageNotWritable,
    Unavailable,
)

# The most that one request can write. With less room the next write can fail.
MIN_FREE_BYTES: Final = 1024 * 1024
_PRIMARY_CODE: Final = 0xFF
# SQLite's messages that give no reason.
_UNCLEAR: Final = frozenset(
    {
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_AUTH,
        sqlite3.SQLITE_FULL,
    }
)


class Obstacle(StrEnum):
    DISK_FULL = "disk_full"
    READ_ONLY = "read_only"


WORDS: Final[Mapping[Obstacle, str]] = {
    Obstacle.DISK_FULL: "its disk is full: free some space",
    Obstacle.READ_ONLY: (
        "the file or its folder is read-only for this user, and SQLite writes to both"
    ),
}
_BY_CODE: Final[Mapping[int, Obstacle]] = {
    sqlite3.SQLITE_FULL: Obstacle.DISK_FULL,
    sqlite3.SQLITE_READONLY: Obstacle.READ_ONLY,
}


def primary_code(error: BaseException | None) -> int | None:
    """Return SQLite's primary code of a driver's error; None if it has none."""
    code: int | None = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & _PRIMARY_CODE


def obstacle_of(error: BaseException | None) -> Obstacle | None:
    return _BY_CODE.get(primary_code(error) or 0)


def obstacle_at(path: str) -> Obstacle | None:
    """Return the obstacle to a write now, if any: two or three system calls."""
    file = Path(path)
    beside = (file, *(file.with_name(f"{file.name}{end}") for end in ("-wal", "-shm")))
    written = (file.parent, *(item for item in beside if item.exists()))
    if not all(os.access(item, os.W_OK) for item in written):
        return Obstacle.READ_ONLY
    return Obstacle.DISK_FULL if _free_bytes(file.parent) < MIN_FREE_BYTES else None


def _free_bytes(folder: Path) -> int:
    found = os.statvfs(folder)
    # The rest is reserved for root.
    blocks = found.f_bfree if os.geteuid() == 0 else found.f_bavail
    return blocks * found.f_frsize


def is_missing(path: str) -> bool:
    """Return whether the path does not exist; False if this user cannot look."""
    try:
        Path(path).stat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False


def reason_of(error: BaseException, path: str) -> str:
    """Return why the database at a path cannot be used, and what to do."""
    if primary_code(error) not in _UNCLEAR:
        return str(error)
    if obstacle := obstacle_of(error):
        return WORDS[obstacle]
    reasons = (words for is_so, words in _REASONS if is_so(path))
    return next(reasons, str(error))


def _is_out_of_reach(path: str) -> bool:
    try:
        Path(path).stat()
    except PermissionError:
        return True
    except OSError:
        return False
    return False


_REASONS: Final[tuple[tuple[Callable[[str], bool], str], ...]] = (
    (_is_out_of_reach, "this user cannot enter its folder"),
    (lambda path: Path(path).is_dir(), "it is a folder"),
    (lambda path: not os.access(path, os.R_OK), "this user cannot read it"),
    (lambda path: obstacle_at(path) is Obstacle.READ_ONLY, WORDS[Obstacle.READ_ONLY]),
    (lambda path: obstacle_at(path) is Obstacle.DISK_FULL, WORDS[Obstacle.DISK_FULL]),
)


_log = structlog.get_logger(__name__)

# Any other error that SQLAlchemy raises is a defect of the gateway, and shows as one.
STORAGE_ERRORS: Final = (DatabaseError, InterfaceError, PoolTimeoutError, sqlite3.Error)
_DOES_NOT_ANSWER: Final = (
    *(OperationalError, InterfaceError),
    *(sqlite3.OperationalError, sqlite3.InterfaceError),
)
# The driver's words for a text that is not UTF-8, which the gateway cannot have written.
_UNREADABLE: Final = "Could not decode to UTF-8"
_DAMAGE: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


class NoDatabase(RefusedStart):
    def __init__(self, path: str) -> None:
        super().__init__(
            f"There is no database {path}: run `secrets-gateway migrate` to make it, or put it "
            "back with `secrets-gateway restore`."
        )


class DamagedDatabase(RefusedStart):
    def __init__(self, path: str) -> None:
        super().__init__(
            f"{path} is damaged or not a database: restore a backup with `secrets-gateway restore`."
        )


class UnusableDatabase(RefusedStart):
    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"The database {path} cannot be used: {reason}.")


def is_damage(error: BaseException | None) -> bool:
    """Return whether SQLite found that the file is not a sound database."""
    return primary_code(error) in _DAMAGE


def map_error(error: Exception) -> Exception:
    if isinstance(error, IntegrityError | sqlite3.IntegrityError):
        # The services check before they write: a constraint fails only after a concurrent change.
        return ConcurrentChange()
    cause = error.orig if isinstance(error, DBAPIError) else error
    if str(cause).startswith(_UNREADABLE):
        # The message contains a part of the text, so it is not logged.
        _log.critical("integrity_fault", table="unknown", row_id="unknown")
        return IntegrityFault()
    if is_damage(cause):
        _log.error("storage_damaged", reason=str(cause))
    elif isinstance(error, PoolTimeoutError):
        _log.warning("storage_unavailable", reason="no connection was free in time")
    elif isinstance(error, _DOES_NOT_ANSWER):
        _log.warning("storage_unavailable", reason=str(cause))
    else:
        return error
    obstacle = obstacle_of(cause)
    return StorageNotWritable(obstacle) if obstacle else Unavailable()


@contextmanager
def map_db_errors() -> Iterator[None]:
    """Map a driver's errors within the block to domain errors.

    Raises:
        ConcurrentChange: if a constraint refuses a statement.
        Unavailable: if the database does not answer.
        IntegrityFault: if a column holds what the gateway cannot have written.

    """
    try:
        yield
    except STORAGE_ERRORS as error:
        mapped = map_error(error)
        if isinstance(mapped, GatewayError):
            raise mapped from error
        raise


@contextmanager
def refusing_to_start(path: str) -> Iterator[None]:
    """Map a driver's errors within the block to refusals to start.

    Raises:
        RefusedStart: saying what to do.

    """
    try:
        yield
    except (DatabaseError, InterfaceError) as error:
        if primary_code(error.orig) == sqlite3.SQLITE_CANTOPEN and is_missing(path):
            raise NoDatabase(path) from error
        if is_damage(error.orig):
            raise DamagedDatabase(path) from error
        if isinstance(error, OperationalError):
            reason = reason_of(error.orig or error, path)
            raise UnusableDatabase(path, reason) from error
        raise
