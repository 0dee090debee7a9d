"""Shared commits: units of work that wait for each other share one transaction, and one fsync.

A commit waits for the disk, and there is one writer connection. So a unit that finishes while
others wait for the writer does not commit: it leaves its transaction open, and the next unit
begins a savepoint in it. The commit queues behind the units that wait already. No unit's caller
gets an answer before the commit that carries the unit is on the disk; if that fails, all fail.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncTransaction

from gateway.domain.errors import Unavailable
from gateway.storage.admission import Admission
from gateway.storage.dialects.faults import STORAGE_ERRORS, map_db_errors
from gateway.storage.engine import connect_shielded, run_to_completion

# A transaction is full once it has so many units, or once its first has waited for the commit for
# so long (seconds); then a caller waits for one other unit at most. A unit waits only while others
# wait for the writer, and each of those would need an fsync of its own.
MAX_UNITS: Final = 32
MAX_SECONDS: Final = 0.1


class _Transaction:
    """A transaction of the writer connection, and what its commit means to the finished units."""

    def __init__(self, connection: AsyncConnection) -> None:
        self.connection = connection
        self.callbacks: list[Callable[[], None]] = []
        self.units = 0
        self.full_at = 0.0
        self.error: Exception | None = None
        self._ended = asyncio.Event()

    def end(self, error: Exception | None) -> None:
        self.error = error
        self._ended.set()

    async def wait(self) -> None:
        """Wait for the commit.

        Raises:
            Unavailable: if it failed.

        """
        if not self._ended.is_set():
            await run_to_completion(self._ended.wait())
        if self.error is not None:
            with map_db_errors():
                raise self.error


class SharedCommits:
    """The turns at a writer connection, and the transaction that finished units have left open."""

    def __init__(
        self,
        engine: AsyncEngine,
        admission: Admission,
        *,
        after_commit: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take the writer's engine and the queue in front of it.

        `after_commit` runs once for each commit, after the callbacks of its units.
        """
        self._engine = engine
        self._admission = admission
        self._after_commit = after_commit
        self._clock = clock
        # Only the holder of the turn uses it.
        self._open: _Transaction | None = None
        self._committing: asyncio.Task[None] | None = None

    def turn(self, *, is_bounded: bool = False, is_shared: bool = False) -> "WriterTurn":
        return WriterTurn(self, is_bounded=is_bounded, is_shared=is_shared)

    async def enter(
        self, *, is_bounded: bool, is_shared: bool
    ) -> tuple[_Transaction, AsyncTransaction | None]:
        """Wait for the turn; return its transaction, and the savepoint if others share that.

        Raises:
            Overloaded: if the queue is too long and `is_bounded` is set.
            Unavailable: if the writer does not become free in time.

        """
        await self._admission.enter(is_bounded=is_bounded)
        try:
            if not (is_shared and self._open is not None and self._has_room(self._open)):
                await self._commit_open()
            if self._open is not None:
                return self._open, await self._open.connection.begin_nested()
            connection = await connect_shielded(self._engine)
        except BaseException:
            self._admission.leave()
            raise
        return _Transaction(connection), None

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """Hold the turn while no transaction is open."""
        await self._admission.enter(is_bounded=False, is_request=False)
        try:
            await self._commit_open()
            yield
        finally:
            self._admission.leave(is_request=False)

    async def close(self) -> None:
        """Let a commit that waits for its turn finish."""
        if self._committing is not None:
            await self._committing

    async def finish(self, transaction: _Transaction, *, is_shared: bool) -> None:
        """End the turn of a unit that has finished: commit, or leave that to a later turn."""
        transaction.units += 1
        if transaction.units == 1:
            transaction.full_at = self._clock() + MAX_SECONDS
        if is_shared and self._admission.waiting and self._has_room(transaction):
            self._open = transaction
            if self._committing is None or self._committing.done():
                self._committing = asyncio.create_task(self._commit_in_turn())
            self._admission.leave()
            return
        try:
            await run_to_completion(self._commit(transaction))
        finally:
            self._admission.leave()

    async def undo(self, transaction: _Transaction, savepoint: AsyncTransaction | None) -> None:
        """End the turn of a unit that leaves no changes; others of the transaction keep theirs."""
        try:
            if savepoint is None:
                await transaction.connection.close()
            else:
                await savepoint.rollback()
        except STORAGE_ERRORS as error:
            # SQLite has rolled back all of the transaction, or cannot tell.
            await self._end(transaction, error)
        finally:
            self._admission.leave()

    def _has_room(self, transaction: _Transaction) -> bool:
        return transaction.units < MAX_UNITS and self._clock() < transaction.full_at

    async def _commit_in_turn(self) -> None:
        while self._open is not None:
            try:
                async with self.alone():
                    pass
            except Unavailable:
                # A unit holds its turn for very long.
                continue

    async def _commit_open(self) -> None:
        if self._open is not None:
            await run_to_completion(self._commit(self._open))

    async def _commit(self, transaction: _Transaction) -> None:
        try:
            await transaction.connection.commit()
        except Exception as error:  # noqa: BLE001 - each unit raises it
            await self._end(transaction, error)
            return
        for run in transaction.callbacks:
            run()
        self._after_commit()
        await self._end(transaction, None)

    async def _end(self, transaction: _Transaction, error: Exception | None) -> None:
        self._open = None
        transaction.end(error)
        await transaction.connection.close()


class WriterTurn:
    """A unit's turn at the writer connection, in a transaction of its own or at a savepoint."""

    def __init__(self, commits: SharedCommits, *, is_bounded: bool, is_shared: bool) -> None:
        self._commits = commits
        self._is_bounded = is_bounded
        self._is_shared = is_shared
        # Until the turn is over.
        self._transaction: _Transaction | None = None
        self._savepoint: AsyncTransaction | None = None

    @property
    def reads_uncommitted(self) -> bool:
        """Whether other units of the transaction have finished: their changes are not committed."""
        return self._savepoint is not None

    async def open(self) -> AsyncConnection:
        self._transaction, self._savepoint = await self._commits.enter(
            is_bounded=self._is_bounded, is_shared=self._is_shared
        )
        return self._transaction.connection

    async def commit(self, callbacks: Sequence[Callable[[], None]]) -> None:
        """Keep the unit's changes; return when they are on the disk, and the callbacks have run.

        Raises:
            Unavailable: if the database does not answer.

        """
        transaction, self._transaction = self._transaction, None
        if transaction is None:
            return
        if self._savepoint is not None:
            await self._savepoint.commit()
        transaction.callbacks += callbacks
        await self._commits.finish(transaction, is_shared=self._is_shared)
        await transaction.wait()

    async def undo(self) -> None:
        """Undo the unit's changes; return when all that the unit has read is committed.

        Raises:
            Unavailable: if the database does not answer.

        """
        transaction = self._transaction
        if transaction is not None:
            await self.close(transaction.connection)
            if self._savepoint is not None:
                await transaction.wait()

    async def close(self, _: AsyncConnection) -> None:
        """Undo the unit's changes unless the turn is over."""
        transaction, self._transaction = self._transaction, None
        if transaction is not None:
            await run_to_completion(self._commits.undo(transaction, self._savepoint))
