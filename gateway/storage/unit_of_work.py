"""Units of work: reading and writing are separate types, so that no reader can write.

A write unit commits once, when its block ends without an error.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Protocol

from sqlalchemy import CursorResult, Executable, Row, UpdateBase
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.storage.audit.changes import Changes
from gateway.storage.audit.row_macs import AUDITED, integrity_fault
from gateway.storage.checked_view import CheckedView, UnprovenView
from gateway.storage.columns import Model
from gateway.storage.dialects.faults import map_db_errors
from gateway.storage.engine import (
    to_its_end,
)
from gateway.storage.rows import insert_rows
from gateway.storage.shared_commits import WriterTurn

if TYPE_CHECKING:
    from gateway.domain.audit import AuditDraft
    from gateway.storage.checked_view import Head

# The alarm's table and row id if the row cannot even be read.
_UNKNOWN: Final = "unknown"


class Source(Protocol):
    """Where a unit's connection comes from."""

    async def open(self) -> AsyncConnection:
        """Wait for a connection, in turn."""

    async def close(self, connection: AsyncConnection) -> None:
        """Give it back; what is not committed is undone."""


class ReadUnit(CheckedView):
    """One unchanging view of the database, opened by its first statement.

    Statements of concurrent tasks wait for each other: a connection runs one at a time.
    """

    def __init__(self, source: Source) -> None:
        """Take where the connection comes from; nothing is opened yet."""
        super().__init__()
        self._source = source
        self._connection: AsyncConnection | None = None
        self._turn = asyncio.Lock()
        # Statements that will run as one, by their shape.
        self.waiting: dict[Hashable, list[Any]] = {}
        # Rows that many others repeat, after the check of their MAC.
        self.sound: set[Sequence[Any]] = set()
        # Results derived from this view, kept while it is open.
        self.derived: dict[Hashable, Any] = {}

    async def accept(self, head: "Head | None") -> None:
        """Prove the view by its head.

        Raises:
            DatabaseNotTrusted: if the database is an older one or a different one.
            UnprovenView: before the view has a guard.

        """
        if self._guard is None:
            raise UnprovenView
        if self._proof is None:
            self._proof = await self._guard.prove(self, head)

    @property
    def reads_uncommitted(self) -> bool:
        """Whether the view includes changes of others that may still be undone."""
        return False

    @property
    def connection_info(self) -> dict[Any, Any]:
        """Data that is kept with the connection while it is open."""
        return {} if self._connection is None else self._connection.info

    async def rows(self, statement: Executable) -> Sequence[Row[Any]]:
        """Return all rows of a statement.

        Raises:
            Unavailable: if the database does not answer.
            IntegrityFault: if a column holds what the gateway cannot have written.

        """
        async with self._turn:
            result = await self._run(statement)
            try:
                return result.all()
            except ValueError:
                # A column's type cannot read it; the error's text would contain the stored data.
                raise integrity_fault(_UNKNOWN, _UNKNOWN) from None

    async def first(self, statement: Executable) -> Row[Any] | None:
        """Return the first row of a statement, if there is one.

        Raises:
            Unavailable: if the database does not answer.

        """
        return next(iter(await self.rows(statement)), None)

    async def close(self) -> None:
        """End the view; the next statement opens a new one."""
        async with self._turn:
            connection, self._connection = self._connection, None
            self.derived.clear()
            self.forget_proof()
            if connection is not None:
                await self._source.close(connection)

    async def _run(
        self, statement: Executable, parameters: Sequence[Mapping[str, Any]] | None = None
    ) -> CursorResult[Any]:
        with map_db_errors():
            if self._connection is None:
                # Taken before the view opens, so that the view includes any commit in between.
                _ = self.floor
                self._connection = await self._source.open()
            return await to_its_end(self._connection.execute(statement, parameters))


class UnrecordedWrite(Exception):
    """A statement would change an audited table without a record of the change."""


class WriteUnit(ReadUnit):
    """One use case's changes, which are committed alone or with those of other units.

    Until the unit ends, it holds the database's only writer connection. `changes` has the rows
    that it writes; `drafts` has the other events to record with it.
    """

    def __init__(self, turn: WriterTurn) -> None:
        super().__init__(turn)
        self._writer_turn = turn
        self.drafts: list[AuditDraft] = []
        self.changes = Changes()
        # `finish` runs these in order before the commit.
        self.at_end: list[Callable[[], Awaitable[None]]] = []
        # These run in order after the commit; none of them can fail.
        self.committed: list[Callable[[], None]] = []

    async def execute(
        self, statement: Executable, parameters: Sequence[Mapping[str, Any]] | None = None
    ) -> int:
        """Run a statement and return how many rows it touched.

        With parameters, it runs once for each of them, and not at all without any.

        Raises:
            UnrecordedWrite: for the rows of an audited table, which `rows` writes.
            ConcurrentChange: if a constraint refuses it.
            Unavailable: if the database does not answer.

        """
        if isinstance(statement, UpdateBase) and str(statement.table) in AUDITED:
            raise UnrecordedWrite(str(statement.table))
        return await self.execute_unrecorded(statement, parameters)

    async def execute_unrecorded(
        self, statement: Executable, parameters: Sequence[Mapping[str, Any]] | None = None
    ) -> int:
        """Run a statement as `execute` does, also on an audited table.

        The caller notes the changes of rows, unless it changes only what no MAC covers.
        """
        if parameters is not None and not parameters:
            return 0
        async with self._turn:
            return int((await self._run(statement, parameters)).rowcount)

    async def insert(self, *rows: Model) -> None:
        """Store new rows of one table, each with the MAC of its values if the table has MACs.

        Raises:
            ConcurrentChange: if a constraint refuses one.
            IntegrityFault: if the database did not store exactly these rows.
            Unavailable: if the database does not answer.

        """
        await insert_rows(self, rows)

    async def finish(self) -> None:
        """Run what is deferred until all else of a use case is written; each only once."""
        put_off, self.at_end = self.at_end, []
        for work in put_off:
            await work()

    @property
    def reads_uncommitted(self) -> bool:
        """Whether other units of the same transaction have finished before."""
        return self._writer_turn.reads_uncommitted

    async def commit(self) -> None:
        """Commit, alone or with other units; return when the commit is on the disk.

        Raises:
            Unavailable: if the database does not answer.

        """
        async with self._turn:
            await self._writer_turn.commit(self.committed)

    async def undo(self) -> None:
        """Undo the changes; return when all that the unit has read is committed.

        Raises:
            Unavailable: if the database does not answer.

        """
        async with self._turn:
            await self._writer_turn.undo()
