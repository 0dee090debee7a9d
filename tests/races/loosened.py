"""The gateway without its guards, for control arms: a race in which nothing shows proves nothing.

Each statement is a transaction of its own, no foreign key is kept, and the table has lost its
unique constraint. What the services check before they write, they still check.
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Final, Self

from sqlalchemy import Executable, event
from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from gateway.domain.audit import FIRST_HASH, SealedEvent
from gateway.runtime import Runtime
from gateway.services.context import ServiceContext, utc_now
from gateway.services.vault import Vault
from gateway.storage.admission import Admission
from gateway.storage.audit.row_macs import Covered
from gateway.storage.checked_view import Head, SeenHead
from gateway.storage.database import Database
from gateway.storage.prepared import Planned
from gateway.storage.shared_commits import SharedCommits
from gateway.storage.unit_of_work import ReadUnit, WriteUnit
from tests.patience import PATIENCE, patient_settings, patiently

UNIQUE: Final = 'CONSTRAINT uq_secret_holder_id_key UNIQUE (holder_id, "key")'
_CONNECTIONS: Final = 16


class Meeting:
    """Where writers wait, before they write, until all who take part have read.

    Whatever lets them pass each other then shows at once, whatever the machine's load.
    """

    def __init__(self) -> None:
        self._barrier: asyncio.Barrier | None = None

    @contextmanager
    def of(self, writers: int) -> Iterator[None]:
        """Let so many writers wait for each other, as often as they write."""
        self._barrier = asyncio.Barrier(writers)
        try:
            yield
        finally:
            self._barrier = None

    async def arrive(self) -> None:
        """Wait for the others, if there is a meeting."""
        if self._barrier is not None:
            async with patiently():
                await self._barrier.wait()


class MeetingUnit(WriteUnit):
    """A write unit that waits at a meeting before its first change."""

    def __init__(self, engine: AsyncEngine, meeting: Meeting) -> None:
        super().__init__(SharedCommits(engine, Admission(_CONNECTIONS)).turn())
        self._meeting: Meeting | None = meeting

    async def execute_unrecorded(
        self, statement: Executable, parameters: Sequence[Mapping[str, Any]] | None = None
    ) -> int:
        """Run a statement, the first when all others have arrived."""
        await self._arrive()
        return await super().execute_unrecorded(statement, parameters)

    async def _run_all(self, calls: Sequence[Planned]) -> Sequence[Sequence[Any]]:
        if self._planned:
            await self._arrive()
        return await super()._run_all(calls)

    async def _arrive(self) -> None:
        meeting, self._meeting = self._meeting, None
        if meeting is not None:
            await meeting.arrive()


class LooseDatabase(Database):
    """A database whose writers do not wait for each other."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.meeting = Meeting()
        self.writer = create_async_engine(url, pool_size=_CONNECTIONS, max_overflow=0)
        event.listen(self.writer.sync_engine, "connect", _loosen)

    def transaction(self, *, is_bounded: bool = False, is_shared: bool = False) -> WriteUnit:
        """Return a unit that takes part in meetings."""
        del is_bounded, is_shared
        return MeetingUnit(self.writer, self.meeting)


class DeferredDatabase(LooseDatabase):
    """A database whose writers become writers late, when another may have come between."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        event.listen(self.writer.sync_engine, "begin", _begin_late)


def _loosen(connection: Any, _: ConnectionPoolEntry) -> None:
    # The driver begins no transaction by itself, and nobody else does.
    connection.isolation_level = None
    cursor = connection.cursor()
    patient = f"busy_timeout = {PATIENCE * 1_000:.0f}"
    for pragma in ("journal_mode = wal", "foreign_keys = 0", patient):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_late(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN DEFERRED")


class Believing:
    """A guard that takes every row, since no log is begun that could prove any."""

    seen: Final = SeenHead(0, FIRST_HASH)

    def is_intact(self, link: SealedEvent) -> bool:
        """Take the event."""
        return bool(link)

    async def prove(self, unit: ReadUnit, head: Head | None) -> "Believing":
        """Take the view."""
        del unit, head
        return self

    @property
    def deleted_ids(self) -> frozenset[str]:
        """Hide nothing."""
        return frozenset()

    def ensure_current(self, covered: Covered, row: Sequence[Any]) -> None:
        """Take the row."""


class LooseRuntime(Runtime):
    """A runtime that does not look at how its database is set."""

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Self]:
        """Open what is needed to serve."""
        async with self.database:
            await self._unlock()
            self.database.guard = Believing()
            yield self


def loose_runtime(data_dir: Path, database: LooseDatabase) -> LooseRuntime:
    """Return a runtime over a loose database."""
    context = ServiceContext(database, Vault(now=utc_now))
    return LooseRuntime.built_on(context, patient_settings(data_dir))


def drop_uniqueness(path: Path) -> None:
    """Make the table of secrets anew, without its unique constraint."""
    connection = sqlite3.connect(path, isolation_level=None)
    named = "FROM sqlite_master WHERE tbl_name = 'secret' AND sql IS NOT NULL AND type ="
    ((table,),) = connection.execute(f"SELECT sql {named} 'table'").fetchall()
    indexes = connection.execute(f"SELECT sql {named} 'index'").fetchall()
    assert UNIQUE in table
    for statement in (
        "PRAGMA legacy_alter_table = ON",
        "ALTER TABLE secret RENAME TO strict_secret",
        table.replace(UNIQUE, "CHECK (length(key) > 0)"),
        "INSERT INTO secret SELECT * FROM strict_secret",
        "DROP TABLE strict_secret",
        *(index for (index,) in indexes),
    ):
        connection.execute(statement)
    connection.close()
