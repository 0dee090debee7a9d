"""Units of work: reading and writing are separate types, so that no reader can write.

A write unit commits once, when its block ends without an error.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, Protocol

from sqlalchemy import CursorResult, Executable, Row, UpdateBase
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.domain.errors import GatewayError
from gateway.storage.audit.changes import Changes
from gateway.storage.audit.row_macs import AUDITED, integrity_fault
from gateway.storage.checked_view import CheckedView, UnprovenView
from gateway.storage.columns import Model
from gateway.storage.dialects.faults import map_db_errors, map_error
from gateway.storage.dialects.sqlite import visit
from gateway.storage.engine import (
    run_to_completion,
)
from gateway.storage.memory import ANSWER_BYTES, RESULT_BYTES, Memory, size_of
from gateway.storage.prepared import Bound, Planned
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
        # Results derived from this view, kept while it is open.
        self.derived: dict[Hashable, Any] = {}
        # The head of the log in this view, if a sign-in has read it: see `event_log`.
        self.head_columns: Sequence[Any] | None = None
        # What the connection remembers, while the view shows the same data: see `remember`.
        self.memory: Memory | None = None
        self.answers: Memory | None = None
        self._state: tuple[int, object] = (0, None)
        self._position = 0
        self._is_changed: Callable[[int], Awaitable[bool]] | None = None
        # What was read ahead, and None for what will be.
        self._ahead: dict[Bound, Sequence[Row[Any]] | None] = {}

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

    async def rows(
        self, statement: Executable | Bound, *, refusal: Callable[[], GatewayError] | None = None
    ) -> Sequence[Row[Any]]:
        """Return all rows of a statement.

        Raises:
            Unavailable: if the database does not answer; `refusal` of a prepared statement instead.
            IntegrityFault: if a column holds what the gateway cannot have written.

        """
        if isinstance(statement, Bound):
            found = self._ahead.get(statement)
            if found is None and self.memory is not None:
                found = self.memory.get(statement)
            return await self._fetch(Planned(statement, refusal)) if found is None else found
        async with self._turn:
            result = await self._run(statement)
            with _reading():
                return result.all()

    def remember(
        self, data_version: int, position: int, is_changed: Callable[[int], Awaitable[bool]]
    ) -> None:
        """Use what this connection read when its database was the same, and keep what is read.

        `data_version` is the connection's `PRAGMA data_version`, read in this view: it changes with
        every commit of any other connection. `position` is the number of the log's newest event.
        `is_changed` says whether the events after a position can have changed an answer.
        """
        info = self.connection_info
        # A file that is overwritten in place does not change the version: see `engine`.
        self._state = data_version, info.get("written")
        self._position, self._is_changed = position, is_changed
        if info.get("state") != self._state:
            info["state"], info["memory"] = self._state, Memory(RESULT_BYTES)
        self.memory = info["memory"]

    async def kept_answers(self, wanted: Hashable | None = None) -> Memory | None:
        """Return the answers that this connection has kept, if this view shows the same.

        What happened since is looked up only here, and not for an answer that was not kept.
        """
        if self.memory is None or self._is_changed is None or self.answers is not None:
            return self.answers
        info = self.connection_info
        state, position, answers = info.get("answers", (None, 0, Memory(ANSWER_BYTES)))
        if state != self._state:
            if wanted is not None and wanted not in answers:
                return None
            is_same_file = state is not None and state[1:] == self._state[1:]
            if not is_same_file or await self._is_changed(position):
                answers = Memory(ANSWER_BYTES)
            info["answers"] = self._state, self._position, answers
        self.answers = answers
        return self.answers

    def forget(self) -> None:
        """Read everything again from here on, and keep nothing of it."""
        self.memory = self.answers = self._is_changed = None

    def read_ahead(self, *statements: Bound) -> None:
        """Read these with the next prepared statement, in one visit to the database.

        `rows` then returns what was found, unless this unit has written since.
        """
        for statement in statements:
            self._ahead.setdefault(statement, None)

    async def first(self, statement: Executable | Bound) -> Row[Any] | None:
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
            self._ahead.clear()
            self.head_columns = None
            self.forget()
            self.forget_proof()
            if connection is not None:
                await self._source.close(connection)

    async def _run(
        self, statement: Executable, parameters: Sequence[Mapping[str, Any]] | None = None
    ) -> CursorResult[Any]:
        with map_db_errors():
            connection = await self._opened()
            return await run_to_completion(connection.execute(statement, parameters))

    async def _opened(self) -> AsyncConnection:
        if self._connection is None:
            # Taken before the view opens, so that the view includes any commit in between.
            _ = self.floor
            self._connection = await self._source.open()
        return self._connection

    async def _fetch(self, wanted: Planned) -> Sequence[Row[Any]]:
        """Run a prepared statement, and what must be read ahead."""
        ahead = [each for each, rows in self._ahead.items() if rows is None]
        calls = [wanted, *(Planned(each) for each in ahead if each != wanted.bound)]
        found = [
            _read(each.bound, rows)
            for each, rows in zip(calls, await self._run_all(calls), strict=True)
        ]
        if self.memory is not None:
            for each, rows in zip(calls, found, strict=True):
                self.memory.keep(each.bound, rows, size_of([each.bound.parameters, *rows]))
        self._ahead |= {
            each.bound: rows for each, rows in zip(calls, found, strict=True) if each.bound in ahead
        }
        return found[0]

    async def _run_all(self, calls: Sequence[Planned]) -> Sequence[Sequence[Any]]:
        """Run prepared statements in one visit; return the driver's rows of each."""
        async with self._turn:
            with map_db_errors():
                connection = await self._opened()
                outcomes, error = await run_to_completion(
                    visit(connection, [each.bound.call for each in calls])
                )
        # What fails can follow from an earlier statement that did not do what it should.
        for each, (_, count, *_) in zip(calls, outcomes, strict=False):
            if each.explain is not None and count != each.expected:
                await each.explain(count)
        if error is not None:
            raise calls[len(outcomes)].refused(map_error(error)) from error
        return [rows for *_, rows in outcomes]


def _read(bound: Bound, rows: Sequence[Any]) -> Sequence[Row[Any]]:
    with _reading():
        return bound.prepared.read(rows)


@contextmanager
def _reading() -> Iterator[None]:
    try:
        yield
    except (TypeError, ValueError):
        # A column's type cannot read it; the error's text would contain the stored data.
        raise integrity_fault(_UNKNOWN, _UNKNOWN) from None


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
        # False where former states of secrets go with their holder.
        self.keeps_versions = True
        # `finish` runs these in order before the commit.
        self.at_end: list[Callable[[], Awaitable[None]]] = []
        # These run in order after the commit; none of them can fail.
        self.committed: list[Callable[[], None]] = []
        # Statements that run with the next one.
        self._planned: list[Planned] = []

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
        await self.flush()
        self._ahead.clear()
        async with self._turn:
            return int((await self._run(statement, parameters)).rowcount)

    def plan(self, *planned: Planned) -> None:
        """Run prepared statements with the next one, at the latest before the commit.

        The caller notes the changes of rows, as with `execute_unrecorded`.
        """
        self._ahead.clear()
        self._planned += planned

    async def flush(self) -> None:
        """Run what is planned.

        Raises:
            ConcurrentChange: if a constraint refuses a statement.
            IntegrityFault: if one did not touch the rows that it should.
            Unavailable: if the database does not answer.

        """
        if self._planned:
            await self._run_all([])

    async def rows(
        self, statement: Executable | Bound, *, refusal: Callable[[], GatewayError] | None = None
    ) -> Sequence[Row[Any]]:
        """Return all rows of a statement, which includes what was planned before it.

        Raises:
            ConcurrentChange: if a constraint refuses what was planned.
            Unavailable: if the database does not answer; `refusal` of a prepared statement instead.
            IntegrityFault: if a column holds what the gateway cannot have written.

        """
        if not isinstance(statement, Bound):
            await self.flush()
        return await super().rows(statement, refusal=refusal)

    async def _run_all(self, calls: Sequence[Planned]) -> Sequence[Sequence[Any]]:
        planned, self._planned = self._planned, []
        found = await super()._run_all([*planned, *calls])
        return found[len(planned) :]

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

    def remember(
        self, data_version: int, position: int, is_changed: Callable[[int], Awaitable[bool]]
    ) -> None:
        """Read everything again: the unit's own writes do not change the version."""

    @property
    def reads_uncommitted(self) -> bool:
        """Whether other units of the same transaction have finished before."""
        return self._writer_turn.reads_uncommitted

    async def commit(self) -> None:
        """Commit, alone or with other units; return when the commit is on the disk.

        Raises:
            ConcurrentChange: if a constraint refuses what was planned.
            Unavailable: if the database does not answer.

        """
        await self.flush()
        async with self._turn:
            await self._writer_turn.commit(self.committed)

    async def undo(self) -> None:
        """Undo the changes; return when all that the unit has read is committed.

        Raises:
            Unavailable: if the database does not answer.

        """
        self._planned.clear()
        async with self._turn:
            await self._writer_turn.undo()
