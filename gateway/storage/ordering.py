"""The order of a list, and cursors: places in it."""

import base64
import binascii
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, tuple_
from sqlalchemy.sql.elements import KeyedColumnElement

from gateway.domain.errors import Argument, InvalidInput

SortKey = str | int | datetime

_MAX_CURSOR_LENGTH: Final = 2_048


@dataclass(frozen=True, slots=True)
class Ordering:
    """Columns that together distinguish any two rows, and one direction for all of them."""

    name: str
    columns: tuple[KeyedColumnElement[Any], ...]
    is_descending: bool = False

    def sorted(self, *, is_reversed: bool) -> list[ColumnElement[Any]]:
        descending = self.is_descending != is_reversed
        return [column.desc() if descending else column.asc() for column in self.columns]

    def beyond(
        self, sort_keys: Iterable[ColumnElement[Any]], *, is_backward: bool
    ) -> ColumnElement[bool]:
        """Return the condition that a row lies beyond the one with these sort keys."""
        here, there = tuple_(*self.columns), tuple_(*sort_keys)
        return here < there if self.is_descending != is_backward else here > there

    def cursor_of(self, row: Row[Any]) -> str:
        """Return the cursor of a row that was selected with this ordering's columns last."""
        return self.cursor_at(row[-len(self.columns) :])

    def cursor_at(self, sort_keys: Iterable[SortKey]) -> str:
        """Return the cursor for these values of the ordering's columns."""
        plain = json.dumps([self.name, *map(_encode_key, sort_keys)], separators=(",", ":"))
        return base64.urlsafe_b64encode(plain.encode()).decode().rstrip("=")

    def sort_keys(self, cursor: str) -> list[SortKey]:
        """Return the sort keys of the row at a cursor.

        Raises:
            InvalidInput: if the cursor does not belong to this list in this order.

        """
        try:
            pairs = zip(_plain(cursor, self.name), self.columns, strict=True)
            return [_decode_key(sort_key, column) for sort_key, column in pairs]
        except (ValueError, TypeError, OverflowError, binascii.Error, RecursionError):
            raise InvalidInput(Argument.PAGE, "The cursor does not belong to this list.") from None


def _plain(cursor: str, name: str) -> list[Any]:
    if len(cursor) > _MAX_CURSOR_LENGTH:
        raise ValueError
    padded = cursor + "=" * (-len(cursor) % 4)
    plain = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    if not isinstance(plain, list) or plain[:1] != [name]:
        raise ValueError
    return plain[1:]


def _encode_key(sort_key: SortKey) -> str | int:
    return sort_key.isoformat() if isinstance(sort_key, datetime) else sort_key


def _decode_key(sort_key: object, column: ColumnElement[Any]) -> SortKey:
    expected = column.type.python_type
    if expected is datetime and isinstance(sort_key, str):
        moment = datetime.fromisoformat(sort_key)
        # A time at the edge of the calendar can be outside the range in UTC.
        if moment.tzinfo is None:
            raise ValueError
        return moment.astimezone(UTC)
    if type(sort_key) is not expected or not isinstance(sort_key, (str, int)):
        raise TypeError
    return _ensure_encodable(sort_key)


def _ensure_encodable(sort_key: str | int) -> str | int:
    # A lone surrogate or a number over 64 bits would raise the database driver's error.
    if isinstance(sort_key, str):
        sort_key.encode()
    elif sort_key.bit_length() > 63:  # noqa: PLR2004 - the bits of a signed SQL integer
        raise ValueError
    return sort_key
