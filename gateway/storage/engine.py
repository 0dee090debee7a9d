"""Engines: how connections are opened, and the settings that each must have."""

import asyncio
import os
import sqlite3
import stat
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from typing import Any, Final, TypeVar
from urllib.parse import quote

from sqlalchemy import event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.util import LRUCache

from gateway.storage.dialects.sqlite import DRIVER

Outcome = TypeVar("Outcome")

# 8 for requests, the others for the gateway's own work: see `unit_of_work`.
READ_CONNECTIONS: Final = 11
BUSY_TIMEOUT_MS: Final = 5_000
# The write-ahead log is emptied when it is longer; see `wal`.
WAL_BYTES: Final = 16 * 1024 * 1024
SQLITE_PRAGMAS: Final[Mapping[str, str | int]] = {
    "journal_mode": "wal",
    # NORMAL loses acknowledged writes in a power cut; FULL does not.
    "synchronous": 2,
    # Off by default, and a setting of each connection.
    "foreign_keys": 1,
    "busy_timeout": BUSY_TIMEOUT_MS,
    # What is deleted is overwritten, so that no value stays in a free page.
    "secure_delete": 1,
    # Without it a log that was long once keeps its length for ever.
    "journal_size_limit": WAL_BYTES,
}

# Statements by their structure; each is compiled once in a process.
_COMPILED: Final = LRUCache[Any, Any](1_000)
# The event loop keeps only weak references to tasks.
_CLOSING: Final[set["asyncio.Task[None]"]] = set()


def create_reading_engine(url: str, *, creates: bool = False) -> AsyncEngine:
    made = make_url(url)
    return _create_engine(made, pool_size=READ_CONNECTIONS, can_write=False, creates=creates)


def create_writing_engine(url: str, *, creates: bool = False) -> AsyncEngine:
    """Return an engine with one connection, so that writers of a process queue in order."""
    return _create_engine(make_url(url), pool_size=1, can_write=True, creates=creates)


async def connect_shielded(engine: AsyncEngine) -> AsyncConnection:
    """Take a connection from an engine's pool; if the caller is cancelled meanwhile, return it.

    A connection that is cancelled while it opens would keep its thread and its file.
    """
    opening = asyncio.ensure_future(engine.connect())
    try:
        return await asyncio.shield(opening)
    except asyncio.CancelledError:
        opening.add_done_callback(_give_back)
        raise


async def run_to_completion(work: Coroutine[Any, Any, Outcome]) -> Outcome:
    """Run work on a connection; if the caller is cancelled meanwhile, let the work finish first.

    SQLAlchemy drops a connection whose statement is cancelled. SQLite keeps that statement's
    locks until Python collects it, and until then nobody else could write.
    """
    running = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        while not running.done():
            with suppress(asyncio.CancelledError):
                await asyncio.wait([running])
        raise


def _give_back(opening: "asyncio.Future[AsyncConnection]") -> None:
    if opening.cancelled() or opening.exception() is not None:
        return
    closing = asyncio.ensure_future(opening.result().close())
    _CLOSING.add(closing)
    closing.add_done_callback(_CLOSING.discard)


def _create_engine(url: URL, *, pool_size: int, can_write: bool, creates: bool) -> AsyncEngine:
    opened = url if creates else _of_existing(url)
    engine = create_async_engine(
        opened.set(drivername=DRIVER),
        pool_size=pool_size,
        max_overflow=0,
        # The connection that was used last remembers most.
        pool_use_lifo=True,
        # Statements in an error message would write their parameters to a log.
        hide_parameters=True,
        execution_options={"compiled_cache": _COMPILED},
    )
    event.listen(
        engine.sync_engine, "connect", _prepare_sqlite(can_write=can_write, creates=creates)
    )
    if not creates and url.database:
        _watch_file(engine, url.database)
    return engine


def _of_existing(url: URL) -> URL:
    """Return a URL that opens an existing file and never creates one.

    If the file is missing for a moment, SQLite would create an empty database and continue with it.
    """
    if not url.database or url.database.startswith((":", "file:")):
        return url
    query = dict(url.query) | {"mode": "rw", "uri": "true"}
    return url.set(database=f"file:{quote(url.database)}", query=query)


def _watch_file(engine: AsyncEngine, path: str) -> None:
    """Close connections to a file that is no longer the one at its path, and drop their caches.

    They would read and write a file that was moved away or replaced by a backup. A file that is
    overwritten in place stays the same file, and SQLite would continue with the pages that it has
    in memory: in WAL mode it looks for changes only in the WAL. SQLite's own checkpoints write the
    file too, so pages are read again after each of them.
    """

    def ensure_there(*_: object) -> None:
        # The driver would start a thread to find that out, and not wait for its end.
        if _identity(path) is None:
            error = sqlite3.OperationalError("unable to open database file")
            error.sqlite_errorcode = sqlite3.SQLITE_CANTOPEN
            raise error

    def remember(_connection: object, entry: ConnectionPoolEntry) -> None:
        entry.info["file"] = _identity(path)
        entry.info["wal"] = _identity(f"{path}-wal")
        entry.info["written"] = _last_written(path)

    def compare(connection: Any, entry: ConnectionPoolEntry, _proxy: object) -> None:  # noqa: ANN401 - a DBAPI's
        wal = _identity(f"{path}-wal")
        # SQLite keeps the WAL while a connection is open, and creates it with the first statement.
        is_other_wal = entry.info["wal"] is not None and entry.info["wal"] != wal
        if entry.info["file"] != _identity(path) or is_other_wal:
            raise DisconnectionError
        entry.info["wal"] = wal
        if entry.info["written"] != (written := _last_written(path)):
            entry.info["written"] = written
            _run_script(connection, "PRAGMA shrink_memory")

    event.listen(engine.sync_engine, "do_connect", ensure_there)
    event.listen(engine.sync_engine, "connect", remember)
    event.listen(engine.sync_engine, "checkout", compare)


def _identity(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)  # noqa: PTH116 - runs at each use of a connection; a Path costs more
    except OSError:
        return None
    return (found.st_dev, found.st_ino) if stat.S_ISREG(found.st_mode) else None


def _last_written(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)  # noqa: PTH116 - as above
    except OSError:
        return None
    # Nothing sets the change time except the clock.
    return found.st_ctime_ns, found.st_size


def _prepare_sqlite(
    *, can_write: bool, creates: bool
) -> Callable[[Any, ConnectionPoolEntry], None]:
    pragmas: dict[str, str | int] = {**SQLITE_PRAGMAS, "query_only": int(not can_write)}
    if can_write and creates:
        # The first, because it has an effect only on a database that is still empty. In others it
        # writes all the same, and waits for no other writer.
        pragmas = {"auto_vacuum": "incremental", **pragmas}
    script = "".join(f"PRAGMA {name} = {setting};" for name, setting in pragmas.items())

    def prepare(connection: Any, _entry: ConnectionPoolEntry) -> None:  # noqa: ANN401 - a DBAPI's
        # Without IMMEDIATE a transaction that reads first cannot rely on becoming a writer.
        connection.begin = "BEGIN IMMEDIATE" if can_write else "BEGIN"
        try:
            _run_script(connection, script)
        except BaseException:
            # The pool does not know the connection yet, and would leave it open with its thread.
            connection.close()
            raise

    return prepare


def _run_script(connection: Any, script: str) -> None:  # noqa: ANN401 - as above
    """Run statements in one visit to the connection's thread."""
    connection.run_async(lambda driver: driver.executescript(script))
