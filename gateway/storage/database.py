"""Access to the database: its connections, for reading and for writing."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final, Self

from sqlalchemy.engine import make_url

from gateway.domain.errors import Unavailable
from gateway.storage.admission import Admission, Views
from gateway.storage.dialects.wal import WriteAheadLog
from gateway.storage.engine import (
    READ_CONNECTIONS,
    create_reading_engine,
    create_writing_engine,
)
from gateway.storage.shared_commits import SharedCommits
from gateway.storage.unit_of_work import ReadUnit, WriteUnit

if TYPE_CHECKING:
    from gateway.storage.audit.row_macs import RowMacs
    from gateway.storage.checked_view import Guard

# The number of read connections that requests share.
REQUEST_CONNECTIONS: Final = 8


# Writes the records that every change needs; an error from it undoes the change.
BeforeCommit = Callable[[WriteUnit], Awaitable[None]]


# Runs after the commit; it can undo nothing.
AfterCommit = Callable[[], None]


class Database:
    """Access to the database, for reading and for writing."""

    def __init__(self, url: str, *, creates: bool = False) -> None:
        """Take a SQLAlchemy URL with an async driver; nothing is opened yet.

        Only `creates` makes a database where there is none.
        """
        # The path, for messages: it does not include a URL's password.
        self.path = make_url(url).database or ""
        self.readers = create_reading_engine(url, creates=creates)
        self.writer = create_writing_engine(url, creates=creates)
        # The gateway's own work does not queue behind requests: it has its own slots.
        self.request_admission = Admission(REQUEST_CONNECTIONS)
        self.own_admission = Admission(READ_CONNECTIONS - REQUEST_CONNECTIONS)
        self.write_admission = Admission(1)
        self.commits = SharedCommits(
            self.writer,
            self.write_admission,
            after_commit=self._note_commit,
        )
        self.wal = WriteAheadLog(
            self.path,
            self.writer,
            requests=[self.request_admission],
            without_writers=self.commits.alone,
        )
        # Set by the vault, which has the key.
        self.macs: RowMacs | None = None
        # Set by the audit log, which knows the newest head.
        self.guard: Guard | None = None
        self.before_commit: BeforeCommit | None = None
        self.after_commit: AfterCommit | None = None

    async def __aenter__(self) -> Self:
        """Return itself; connections open when they are needed."""
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.commits.close()
        await self.wal.close()
        await self.readers.dispose()
        await self.writer.dispose()

    def view(self, *, is_bounded: bool = True) -> ReadUnit:
        """Return a read unit for a request; the caller must close it.

        Its first statement waits in turn. If it is bounded, the statement raises Overloaded when
        too many requests wait.
        """
        views = Views(self.readers, self.request_admission, is_bounded=is_bounded)
        return ReadUnit(views).checking(self.macs, self.guard)

    def transaction(self, *, is_bounded: bool = False, is_shared: bool = False) -> WriteUnit:
        """Return a write unit; the caller must commit and close it."""
        return WriteUnit(self.commits.turn(is_bounded=is_bounded, is_shared=is_shared))

    @asynccontextmanager
    async def read(self) -> AsyncIterator[ReadUnit]:
        """Give one view of the database for the gateway's own work."""
        unit = ReadUnit(Views(self.readers, self.own_admission)).checking(self.macs, self.guard)
        try:
            yield unit
        finally:
            await unit.close()

    @asynccontextmanager
    async def write(
        self, *, dry_run: bool = False, is_bounded: bool = False, is_shared: bool = False
    ) -> AsyncIterator[WriteUnit]:
        """Give a write unit; its changes are committed at the block's end, unless it is a dry run.

        If it is shared, it can wait for a commit that other units share. Work that takes long must
        not be shared: the others would wait for it.

        Raises:
            ConcurrentChange: if a constraint refuses a statement.
            Unavailable: if the database does not answer.
            Overloaded: if it is bounded, and too many requests wait to write.

        """
        unit = self.transaction(is_bounded=is_bounded, is_shared=is_shared)
        unit.checking(self.macs, self.guard)
        try:
            yield unit
            if dry_run:
                await unit.flush()
                await unit.undo()
                return
            if self.before_commit is not None:
                await self.before_commit(unit)
            await unit.commit()
        except Unavailable:
            raise
        except Exception:
            # The error can follow from changes of others, which must be committed then.
            await unit.undo()
            raise
        finally:
            await unit.close()

    def _note_commit(self) -> None:
        self.wal.note_commit()
        if self.after_commit is not None:
            self.after_commit()
