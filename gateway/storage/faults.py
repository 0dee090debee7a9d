"""What a database driver's errors mean for a client, and for the operator at a start."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
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
    RefusedStart,
    StorageNotWritable,
    Unavailable,
)
from gateway.storage.obstacles import is_missing, obstacle_of, primary_code, reason_of

_log = structlog.get_logger(__name__)

# Any other error that SQLAlchemy raises is a defect of the gateway, and shows as one.
STORAGE_ERRORS: Final = (DatabaseError, InterfaceError, PoolTimeoutError)
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
    if isinstance(error, IntegrityError):
        # The services check before they write: a constraint fails only after a concurrent change.
        return ConcurrentChange()
    cause = error.orig if isinstance(error, DBAPIError) else None
    if is_damage(cause):
        _log.error("storage_damaged", reason=str(cause))
    elif isinstance(error, OperationalError | InterfaceError | PoolTimeoutError):
        _log.warning("storage_unavailable", reason=str(cause or "no connection was free in time"))
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
