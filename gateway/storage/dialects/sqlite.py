"""SQLAlchemy's dialect for aiosqlite, with one visit to the connection's thread for a statement.

The stock dialect visits it four times, to open a cursor, run the statement, read the rows and close
the cursor, and as often again to begin a transaction.
"""

import sqlite3
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final

import aiosqlite
from sqlalchemy.connectors.asyncio import AsyncAdapt_dbapi_cursor
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.sqlite.aiosqlite import (
    AsyncAdapt_aiosqlite_connection,
    AsyncAdapt_aiosqlite_dbapi,
    SQLiteDialect_aiosqlite,
)
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

DRIVER: Final = "sqlite+gateway"

# The description, the row count, the last row's id, and the rows.
_Outcome = tuple[Any, int, int | None, Sequence[Any]]


def _run(
    connection: sqlite3.Connection, adapted: "_Connection", method: str, *arguments: object
) -> _Outcome:
    """Run a statement to its end, after those that are due before it."""
    adapted.ensure_in_transaction(connection)
    cursor = connection.cursor()
    try:
        adapted.run_due(cursor)
        getattr(cursor, method)(*arguments)
        rows = cursor.fetchall() if cursor.description else ()
        return cursor.description, cursor.rowcount, cursor.lastrowid, rows
    finally:
        cursor.close()


# The name of a cursor's method, the statement, and its parameters.
Call = tuple[str, str, Sequence[Any]]


def _run_all(
    connection: sqlite3.Connection, adapted: "_Connection", calls: Sequence[Call]
) -> tuple[Sequence[_Outcome], sqlite3.Error | None]:
    """Run statements one after the other; return those that ran, and the error of the next."""
    outcomes: list[_Outcome] = []
    try:
        for call in calls:
            outcomes.append(_run(connection, adapted, *call))  # noqa: PERF401 - what ran before an error
    except sqlite3.Error as error:
        return outcomes, error
    return outcomes, None


class _Cursor(AsyncAdapt_dbapi_cursor):
    __slots__ = ("_outcome",)
    _adapt_connection: "_Connection"

    def __init__(self, adapt_connection: "_Connection") -> None:
        self._adapt_connection = adapt_connection
        self._connection = adapt_connection._connection
        self._rows = deque()
        self._outcome: _Outcome = (None, -1, None, ())

    @property
    def description(self) -> Any:
        return self._outcome[0]

    @property
    def rowcount(self) -> int:
        return self._outcome[1]

    @property
    def lastrowid(self) -> Any:
        return self._outcome[2]

    async def _async_soft_close(self) -> None:
        """Close nothing: no cursor is open after its statement."""

    def close(self) -> None:
        self._rows.clear()

    async def _execute_async(self, operation: Any, parameters: Any) -> None:
        await self._run("execute", operation, parameters or ())

    async def _executemany_async(self, operation: Any, seq_of_parameters: Any) -> None:
        await self._run("executemany", operation, seq_of_parameters)

    async def _run(self, *call: Any) -> None:
        adapted, driver = self._adapt_connection, self._connection
        async with adapted._execute_mutex:
            self._outcome = await driver._execute(_run, driver._conn, adapted, *call)
            self._rows = deque(self._outcome[3])


class _Connection(AsyncAdapt_aiosqlite_connection):
    __slots__ = ("begin", "due", "has_begun")
    _cursor_cls = _Cursor  # type: ignore[assignment] # it has all that SQLAlchemy uses

    def __init__(self, dbapi: Any, connection: Any) -> None:
        super().__init__(dbapi, connection)
        # How this connection begins transactions.
        self.begin = "BEGIN"
        # These run with the next statement, in the same visit.
        self.due: list[str] = []
        self.has_begun = False

    def ensure_in_transaction(self, connection: sqlite3.Connection) -> None:
        """Refuse to go on after SQLite has rolled back the transaction by itself.

        What follows would be committed at once, without what came before.
        """
        if self.has_begun and not connection.in_transaction:
            message = "the transaction was rolled back"
            raise sqlite3.OperationalError(message)

    def run_due(self, cursor: sqlite3.Cursor) -> None:
        """Run what is due before the next statement."""
        while self.due:
            cursor.execute(self.due[0])
            del self.due[0]
        self.has_begun = cursor.connection.in_transaction

    async def run_all(
        self, calls: Sequence[Call]
    ) -> tuple[Sequence[_Outcome], sqlite3.Error | None]:
        driver: Any = self._connection
        async with self._execute_mutex:
            try:
                found: tuple[Sequence[_Outcome], sqlite3.Error | None] = await driver._execute(
                    _run_all, driver._conn, self, calls
                )
            except ValueError as error:
                # The driver's word for a closed connection.
                return (), sqlite3.OperationalError(str(error))
            return found

    def commit(self) -> None:
        self.due.clear()
        self.ensure_in_transaction(self._connection._conn)
        self.has_begun = False
        super().commit()

    def rollback(self) -> None:
        self.due.clear()
        self.has_begun = False
        if self._connection._connection and self._connection.in_transaction:
            super().rollback()


class _Module(AsyncAdapt_aiosqlite_dbapi):
    def connect(self, *arguments: Any, **options: Any) -> _Connection:
        return _Connection(self, super().connect(*arguments, **options)._connection)


class Dialect(SQLiteDialect_aiosqlite):
    """The dialect of every engine. All are equal, so that they share compiled statements."""

    supports_statement_cache = True

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self)

    def __hash__(self) -> int:
        return hash(type(self))

    @classmethod
    def import_dbapi(cls) -> _Module:
        return _Module(aiosqlite, sqlite3)

    def create_connect_args(self, url: URL) -> Any:
        positional, options = super().create_connect_args(url)
        # The driver begins transactions late and without IMMEDIATE; `do_begin` decides instead.
        return positional, {**options, "isolation_level": None}

    def do_begin(self, dbapi_connection: Any) -> None:
        connection = dbapi_connection.dbapi_connection
        connection.due, connection.has_begun = [connection.begin], False

    def do_savepoint(self, connection: Any, name: str) -> None:
        _adapted(connection).due.append(f"SAVEPOINT {name}")

    def do_release_savepoint(self, connection: Any, name: str) -> None:
        _adapted(connection).due.append(f"RELEASE {name}")

    def do_rollback_to_savepoint(self, connection: Any, name: str) -> None:
        connection.exec_driver_sql(f"ROLLBACK TO {name}")
        # SQLite keeps a savepoint that it has rolled back to.
        self.do_release_savepoint(connection, name)

    def on_connect(self) -> Callable[[Any], None]:
        # The stock dialect adds functions to SQL, of which the gateway uses none.
        return lambda _: None

    def get_default_isolation_level(self, _connection: object) -> Any:
        return "SERIALIZABLE"


def _adapted(connection: Any) -> _Connection:
    adapted: _Connection = connection.connection.dbapi_connection
    return adapted


async def visit(
    connection: AsyncConnection, calls: Sequence[Call]
) -> tuple[Sequence[_Outcome], sqlite3.Error | None]:
    """Run statements in one visit to the connection's thread, in its transaction.

    Return the outcomes of those that ran, and the error of the next one if there is any.
    """
    raw: Any = connection.sync_connection
    adapted = raw.connection.dbapi_connection
    # Somebody who listens to SQLAlchemy's statements hears of these, too.
    if not isinstance(adapted, _Connection) or raw.engine.dispatch.before_cursor_execute:
        return await _run_each(connection, calls)
    if not raw.in_transaction():
        # With this dialect it waits for nothing.
        raw.begin()
    return await adapted.run_all(calls)


async def _run_each(
    connection: AsyncConnection, calls: Sequence[Call]
) -> tuple[Sequence[_Outcome], sqlite3.Error | None]:
    outcomes: list[_Outcome] = []
    for _, text, parameters in calls:
        try:
            result = await connection.exec_driver_sql(text, parameters)
        except DBAPIError as error:
            if isinstance(error.orig, sqlite3.Error):
                return outcomes, error.orig
            raise
        rows = list(map(tuple, result)) if result.returns_rows else ()
        outcomes.append((None, result.rowcount, None, rows))
    return outcomes, None


registry.register(DRIVER.replace("+", "."), __name__, Dialect.__name__)
