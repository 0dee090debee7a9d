"""What was read from the database, kept while it is certain to be right.

A row whose MAC was checked, and which is the same in every column, is not checked or built again:
the whole row is the key, so what is kept cannot be out of date. A connection keeps the results of
its statements, too, until another connection commits anything: SQLite counts that. It keeps the
answers to whole queries until something else than deliveries is committed.
"""

from collections.abc import Hashable, Iterable, Sequence
from sys import getsizeof
from typing import Any, Final

# The objects that are built from rows.
ROW_BYTES: Final = 16 * 1024 * 1024
# What one connection keeps: results of statements, and answers to whole queries.
RESULT_BYTES: Final = 2 * 1024 * 1024
ANSWER_BYTES: Final = 2 * 1024 * 1024
# Of an entry itself: its key, and its place in a dictionary.
_ENTRY_BYTES: Final = 500
# Of a row without its columns, and of what is built from it.
_ROW_BYTES: Final = 1_000


class Memory:
    """Keeps what was used last, within a size in bytes."""

    def __init__(self, max_bytes: int) -> None:
        # What was used since the older half became full, and what was used before; with its size.
        self._newer: dict[Hashable, tuple[Any, int]] = {}
        self._older: dict[Hashable, tuple[Any, int]] = {}
        self._half = max_bytes // 2
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._newer.keys() | self._older.keys())

    def __contains__(self, key: Hashable) -> bool:
        return key in self._newer or key in self._older

    def get(self, key: Hashable) -> Any | None:  # noqa: ANN401 - what the caller has kept
        """Return what was kept with an equal key; None if nothing was."""
        found = self._newer.get(key)
        if found is None:
            found = self._older.get(key)
            if found is None:
                return None
            self._keep(key, *found)
        return found[0]

    def keep(self, key: Hashable, built: object, size: int) -> None:
        """Keep something of this many bytes, unless that is more than half of the memory.

        A key must not be longer than what is kept under it.
        """
        if size + _ENTRY_BYTES <= self._half:
            self._keep(key, built, size + _ENTRY_BYTES)

    def _keep(self, key: Hashable, built: object, size: int) -> None:
        if self._bytes + size > self._half:
            self._older, self._newer, self._bytes = self._newer, {}, 0
        self._newer[key] = built, size
        self._bytes += size


def size_of(rows: Iterable[Sequence[Any]]) -> int:
    """Estimate the bytes of rows and of what is built from them, which shares their texts."""
    return sum(sum(map(getsizeof, row), _ROW_BYTES) for row in rows)
