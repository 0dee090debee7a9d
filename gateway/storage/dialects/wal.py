"""SQLite's write-ahead log: kept short even while there are always readers.

SQLite restarts its log only when nobody reads from it. Under load views always overlap, so the
log would grow without end. Past a bound this process delays new views for a moment; the open
views end, and a checkpoint empties the log.
"""

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Any, Final

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from gateway.domain.errors import Unavailable
from gateway.storage.admission import Admission
from gateway.storage.dialects.faults import STORAGE_ERRORS
from gateway.storage.engine import BUSY_TIMEOUT_MS, WAL_BYTES, connect_shielded

_log = structlog.get_logger(__name__)

# Seconds in which the open views must end; the longest delay of new ones.
HOLD_SECONDS: Final = 1.0
# Milliseconds. How long the checkpoint waits for readers and writers of other processes.
_BUSY_MS: Final = 250
# Seconds between two attempts: the first pause, and the longest.
_FIRST_PAUSE: Final = 0.5
_LONGEST_PAUSE: Final = 8.0
# A log of this many times its bound is logged: somebody reads for very long.
_REMARKABLE: Final = 4


class WriteAheadLog:
    """The log of one database, emptied when a commit leaves it longer than its bound."""

    def __init__(
        self,
        database: str,
        writer: AsyncEngine,
        *,
        requests: Sequence[Admission],
        without_writers: Callable[[], AbstractAsyncContextManager[None]],
        max_bytes: int | None = None,
    ) -> None:
        self._path = f"{database}-wal"
        self._writer = writer
        self._requests = requests
        self._without_writers = without_writers
        self._max_bytes = WAL_BYTES if max_bytes is None else max_bytes
        self._emptying: asyncio.Task[None] | None = None
        self._is_closing = asyncio.Event()
        # Whether new views are delayed now.
        self.is_holding = False

    def note_commit(self) -> None:
        """Check the log after a commit; if it is too long, empty it in the background."""
        is_at_work = self._emptying is not None and not self._emptying.done()
        if not is_at_work and self.size > self._max_bytes:
            self._emptying = asyncio.create_task(self._empty_soon())

    @property
    def size(self) -> int:
        try:
            return os.stat(self._path).st_size  # noqa: PTH116 - at each commit; a Path costs more
        except OSError:
            return 0

    async def close(self) -> None:
        """Let a running attempt finish, and start no other."""
        self._is_closing.set()
        if self._emptying is not None:
            await asyncio.gather(self._emptying, return_exceptions=True)

    def empty_soon(self) -> None:
        """Empty the log in the background, whatever its length: nothing old stays in it."""
        self._emptying = asyncio.create_task(self._empty_after(self._emptying))

    async def _empty_after(self, former: "asyncio.Task[None] | None") -> None:
        if former is not None:
            # It can have begun before the commit whose pages must be written.
            await asyncio.gather(former, return_exceptions=True)
        await self._empty_soon()

    async def _empty_soon(self) -> None:
        pause, is_noted = _FIRST_PAUSE, False
        while not await self.empty():
            if not is_noted and self.size > _REMARKABLE * self._max_bytes:
                _log.warning("wal_is_long", bytes=self.size)
                is_noted = True
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._is_closing.wait()
            if self._is_closing.is_set():
                return
            pause = min(2 * pause, _LONGEST_PAUSE)

    async def empty(self) -> bool:
        """Write the log into the database and truncate it, if no reader uses it for a moment.

        Readers and writers wait meanwhile. Return whether the log was emptied.
        """
        self.is_holding = True
        try:
            async with asyncio.timeout(HOLD_SECONDS) as limit, self._alone():
                # Never cut off in the middle: the checkpoint has its own time limit.
                limit.reschedule(None)
                return await self._checkpoint()
        except (TimeoutError, Unavailable):
            return False
        finally:
            self.is_holding = False

    @asynccontextmanager
    async def _alone(self) -> AsyncIterator[None]:
        """Wait until no request has an open view and nobody writes, and keep it so."""
        async with _all_slots(self._requests), self._without_writers():
            yield

    async def _checkpoint(self) -> bool:
        try:
            connection = await connect_shielded(self._writer)
        except STORAGE_ERRORS as error:
            _log.warning("wal_not_emptied", kind=type(error).__name__)
            return False
        try:
            # SQLAlchemy would begin a transaction, and no checkpoint runs in a transaction.
            driver = (await connection.get_raw_connection()).driver_connection
            await _pragma(driver, f"busy_timeout = {_BUSY_MS}")
            try:
                is_busy, *_ = await _pragma(driver, "wal_checkpoint(TRUNCATE)")
            finally:
                await _pragma(driver, f"busy_timeout = {BUSY_TIMEOUT_MS}")
        except sqlite3.Error as error:
            _log.warning("wal_not_emptied", kind=type(error).__name__)
            return False
        finally:
            await connection.close()
        return not is_busy


async def _pragma(driver: Any, pragma: str) -> Sequence[int]:  # noqa: ANN401 - aiosqlite's
    async with driver.execute(f"PRAGMA {pragma}") as cursor:
        row: Sequence[int] = await cursor.fetchone()
        return row


@asynccontextmanager
async def _all_slots(admissions: Sequence[Admission]) -> AsyncIterator[None]:
    """Take all slots; current users keep theirs until they finish, and newcomers wait."""
    entering = [
        asyncio.ensure_future(admission.enter(is_bounded=False, is_request=False))
        for admission in admissions
        for _ in range(admission.slots)
    ]
    try:
        await asyncio.gather(*entering)
        yield
    finally:
        for task in entering:
            task.cancel()
        await asyncio.gather(*entering, return_exceptions=True)
        _give_back(admissions, entering)


def _give_back(admissions: Sequence[Admission], entered: Sequence["asyncio.Task[None]"]) -> None:
    of_task = [admission for admission in admissions for _ in range(admission.slots)]
    for admission, task in zip(of_task, entered, strict=True):
        if not task.cancelled() and task.exception() is None:
            admission.leave(is_request=False)
