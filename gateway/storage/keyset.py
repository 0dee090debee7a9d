"""Pages by keyset, of rows that are visible to a principal."""

import base64
import binascii
import json
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final, TypeVar

from sqlalchemy import (
    Column,
    ColumnElement,
    FromClause,
    Row,
    Select,
    func,
    literal,
    or_,
    select,
    true,
    tuple_,
    union_all,
)

from gateway.domain.errors import Argument, InvalidInput
from gateway.domain.pages import Entry, Page, Window
from gateway.domain.permissions import Visibility
from gateway.storage.query_batching import BatchableQuery, batched_rows
from gateway.storage.tables import HolderRow
from gateway.storage.unit_of_work import ReadUnit


def holders_covered(visibility: Visibility, holder: FromClause = HolderRow.__table__) -> Any:  # noqa: ANN401 - what SQLAlchemy combines
    is_own = holder.c.organization_id == visibility.organization_id
    return is_own & _is_covered(visibility, holder)


def holders_there(visibility: Visibility, holder: FromClause = HolderRow.__table__) -> Any:  # noqa: ANN401 - as above
    """Return the condition that a grant is at a row of the holder table, above or below it."""
    is_own = holder.c.organization_id == visibility.organization_id
    if visibility.is_everywhere:
        return is_own
    return is_own & or_(
        holder.c.id.in_(sorted(visibility.ancestor_ids)), _is_covered(visibility, holder)
    )


def _is_covered(visibility: Visibility, holder: FromClause) -> ColumnElement[bool]:
    if visibility.is_everywhere:
        return true()
    ids = sorted(visibility.holder_ids)
    columns = (holder.c.id, holder.c.environment_id, holder.c.project_id)
    return or_(*(column.in_(ids) for column in columns))


Item = TypeVar("Item")
SortKey = str | int | datetime

_MAX_CURSOR_LENGTH: Final = 2_048


@dataclass(frozen=True, slots=True)
class Ordering:
    """Columns that together distinguish any two rows, and one direction for all of them."""

    name: str
    columns: tuple[Column[Any], ...]
    is_descending: bool = False

    def sorted(self, *, is_reversed: bool) -> list[ColumnElement[Any]]:
        descending = self.is_descending != is_reversed
        return [column.desc() if descending else column.asc() for column in self.columns]

    def beyond(self, cursor: str, *, is_backward: bool) -> ColumnElement[bool]:
        """Return the condition that a row lies beyond the cursor.

        Raises:
            InvalidInput: if the cursor does not belong to this list in this order.

        """
        here = tuple_(*self.columns)
        there = tuple_(
            *(
                literal(sort_key, column.type)
                for sort_key, column in zip(self._decode(cursor), self.columns, strict=True)
            )
        )
        return here < there if self.is_descending != is_backward else here > there

    def cursor_of(self, row: Row[Any]) -> str:
        """Return the cursor of a row that was selected with this ordering's columns last."""
        return self.cursor_at(row[-len(self.columns) :])

    def cursor_at(self, sort_keys: Iterable[SortKey]) -> str:
        """Return the cursor for these values of the ordering's columns."""
        plain = json.dumps([self.name, *map(_encode_key, sort_keys)], separators=(",", ":"))
        return base64.urlsafe_b64encode(plain.encode()).decode().rstrip("=")

    def _decode(self, cursor: str) -> list[SortKey]:
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


def _decode_key(sort_key: object, column: Column[Any]) -> SortKey:
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


def listed(ids: Collection[str]) -> Select[Any]:
    """Select ids from one parameter, however many they are."""
    return select(func.json_each(json.dumps(sorted(ids))).table_valued("value").c.value)


@dataclass(frozen=True, slots=True)
class Parts:
    """Conditions that each row of a list meets one of, each with an index in the list's order.

    A page then reads the first rows of each part, and not the whole list to sort it.
    """

    # What a row of the list shows, without any condition.
    selection: Select[Any]
    key: Column[Any]
    conditions: Sequence[ColumnElement[bool]]

    def first_of(self, statement: Select[Any], by: Sequence[Any], limit: int) -> Select[Any]:
        """Select the statement's rows that can be among the first ones in this order."""
        keys = statement.with_only_columns(self.key, maintain_column_froms=True)
        firsts = (
            keys.where(condition).order_by(*by).limit(limit).subquery()
            for condition in self.conditions
        )
        return self.selection.where(
            self.key.in_(union_all(*(select(*first.c) for first in firsts)))
        )


async def fetch_page(
    unit: ReadUnit,
    statement: Select[Any],
    *,
    ordering: Ordering,
    window: Window,
    build: Callable[[Row[Any]], Item],
    parts: Parts | None = None,
) -> Page[Item]:
    """Run a statement for one window of its rows.

    Raises:
        InvalidInput: if a cursor does not belong to this list.
        Unavailable: if the database does not answer.

    """
    wanted = _apply_window(statement, ordering, window, parts)
    rows = await batched_rows(unit, wanted, shape=(build, ordering.name))
    kept = rows[: window.size][:: -1 if window.is_backward else 1]
    has_more = len(rows) > window.size

    async def count() -> int:
        counted = BatchableQuery(
            statement=select(func.count()).select_from(statement.subquery()), by=()
        )
        (row,) = await batched_rows(unit, counted, shape="count")
        return int(row[0])

    return Page(
        entries=tuple(Entry(build(row), partial(ordering.cursor_of, row)) for row in kept),
        has_next=window.before is not None if window.is_backward else has_more,
        has_previous=has_more if window.is_backward else window.after is not None,
        count=count,
    )


def _apply_window(
    statement: Select[Any], ordering: Ordering, window: Window, parts: Parts | None
) -> BatchableQuery:
    if window.after is not None:
        statement = statement.where(ordering.beyond(window.after, is_backward=False))
    if window.before is not None:
        statement = statement.where(ordering.beyond(window.before, is_backward=True))
    by, limit = ordering.sorted(is_reversed=window.is_backward), window.size + 1
    if parts is not None:
        statement = parts.first_of(statement, by, limit)
    sort_keys = (column.label(f"place_{n}") for n, column in enumerate(ordering.columns))
    return BatchableQuery(
        statement=statement.add_columns(*sort_keys),
        by=by,
        limit=limit,
        sort_keys=len(ordering.columns),
    )
