"""The rows that a transaction intends to write, compared with those that the database noted.

A foreign trigger in the database writes in the same transaction. The database notes its writes
too, but no code announced them here.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

from sqlalchemy import Delete, Executable, TableClause

from gateway.storage import (  # imported so that the metadata includes their tables
    grant_tables,  # noqa: F401
    reference_tables,  # noqa: F401
    tables,  # noqa: F401
)
from gateway.storage.columns import Model

_CASCADE: Final = "CASCADE"


@dataclass(slots=True)
class Intended:
    """Rows that a transaction inserts or updates, how often each, and tables it deletes from."""

    rows: Counter[tuple[str, str]] = field(default_factory=Counter)
    tables: set[str] = field(default_factory=set)

    def write(self, table: str, row_id: str) -> None:
        """Announce the insertion of a watched row, or the update of a watched column in it."""
        self.rows[table, row_id] += 1

    def note(self, statement: Executable) -> None:
        """Announce the tables that a statement deletes from."""
        if isinstance(statement, Delete) and isinstance(statement.table, TableClause):
            self.tables |= _tables_emptied_with(statement.table.name)

    def difference(self, notes: Iterable[Any]) -> tuple[str, str] | None:
        """Return the table and id of a row whose writes differ from those announced, if any."""
        noted: Counter[tuple[str, str]] = Counter()
        for note in notes:
            if note.after is not None:
                noted[note.noun, note.row_id] += 1
            elif note.noun not in self.tables:
                return note.noun, note.row_id
        if noted == self.rows:
            return None
        return min((noted - self.rows) or (self.rows - noted))


@cache
def _tables_emptied_with(table: str) -> frozenset[str]:
    """Return a table and the tables whose rows foreign keys delete with its rows."""
    emptied, left = {table}, [table]
    while left:
        above = left.pop()
        below = {
            each.name
            for each in Model.metadata.tables.values()
            for key in each.foreign_keys
            if key.ondelete == _CASCADE and key.column.table.name == above
        }
        left += below - emptied
        emptied |= below
    return frozenset(emptied)
