"""Pages by keyset, of rows that are visible to a principal."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, Generic, TypeVar

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Integer,
    Row,
    Select,
    func,
    literal,
    or_,
    select,
    true,
    union_all,
)
from sqlalchemy.sql.elements import KeyedColumnElement

from gateway.domain.pages import Entry, Page, Window
from gateway.domain.permissions import Visibility
from gateway.storage.live_rows import HOLDER
from gateway.storage.ordering import Ordering
from gateway.storage.prepared import NAMED, Parameter, Parameters, Prepared
from gateway.storage.query_batching import BatchableQuery, PreparedQuery, batched_rows
from gateway.storage.unit_of_work import ReadUnit


@dataclass(frozen=True, slots=True)
class AnyVisibility:
    """Every visibility of this kind: a statement with its parameters serves all of them."""

    is_everywhere: bool
    given: Parameters

    @property
    def organization_id(self) -> Parameter:
        return self.given.one("visible_organization")

    @property
    def holder_ids(self) -> Select[Any]:
        return self.given.each("visible_holders")

    @staticmethod
    def values(visibility: Visibility) -> Mapping[str, Any]:
        """Return the parameters for one visibility."""
        return {
            "visible_organization": visibility.organization_id,
            "visible_holders": [] if visibility.is_everywhere else sorted(visibility.holder_ids),
        }


def holders_covered(visibility: Visibility | AnyVisibility, holder: FromClause = HOLDER) -> Any:  # noqa: ANN401 - what SQLAlchemy combines
    is_own = holder.c.organization_id == visibility.organization_id
    return is_own & _is_covered(visibility, holder)


def holders_there(visibility: Visibility, holder: FromClause = HOLDER) -> Any:  # noqa: ANN401 - as above
    """Return the condition that a grant is at a row of the holder table, above or below it."""
    is_own = holder.c.organization_id == visibility.organization_id
    if visibility.is_everywhere:
        return is_own
    return is_own & or_(
        holder.c.id.in_(sorted(visibility.ancestor_ids)), _is_covered(visibility, holder)
    )


def _is_covered(visibility: Visibility | AnyVisibility, holder: FromClause) -> ColumnElement[bool]:
    if visibility.is_everywhere:
        return true()
    found = visibility.holder_ids
    ids = sorted(found) if isinstance(found, frozenset) else found
    columns = (holder.c.id, holder.c.environment_id, holder.c.project_id)
    return or_(*(column.in_(ids) for column in columns))


Item = TypeVar("Item")
Shape = TypeVar("Shape", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Parts:
    """Conditions that each row of a list meets one of, each with an index in the list's order.

    A page then reads the first rows of each part, and not the whole list to sort it.
    """

    # What a row of the list shows, without any condition.
    selection: Select[Any]
    key: KeyedColumnElement[Any]
    conditions: Sequence[ColumnElement[bool]]

    def first_of(
        self, statement: Select[Any], by: Sequence[Any], limit: int | Parameter
    ) -> Select[Any]:
        """Select the statement's rows that can be among the first ones in this order."""
        keys = statement.with_only_columns(self.key, maintain_column_froms=True)
        firsts = (
            keys.where(condition).order_by(*by).limit(limit).subquery()
            for condition in self.conditions
        )
        return self.selection.where(
            self.key.in_(union_all(*(select(*first.c) for first in firsts)))
        )


# Builds the statement of a list of some shape, and its parts.
Build = Callable[[Parameters, Shape], tuple[Select[Any], Parts | None]]


@dataclass(frozen=True, slots=True)
class Template(Generic[Shape]):
    """A list whose statement is built once for each shape, and the parameters of one use."""

    build: Build[Shape]
    shape: Shape
    values: Mapping[str, Any]


async def fetch_page(
    unit: ReadUnit,
    listed: Select[Any] | Template[Any],
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
    if isinstance(listed, Template):
        wanted: BatchableQuery | PreparedQuery = _prepared_window(listed, ordering, window)
    else:
        wanted = _window_of(listed, ordering, window, parts)
    rows = await batched_rows(unit, wanted, shape=(build, ordering.name))
    kept = rows[: window.size][:: -1 if window.is_backward else 1]
    has_more = len(rows) > window.size

    async def count() -> int:
        counted = BatchableQuery(
            statement=select(func.count()).select_from(_whole(listed).subquery()), by=()
        )
        (row,) = await batched_rows(unit, counted, shape="count")
        return int(row[0])

    return Page(
        entries=tuple(Entry(build(row), partial(ordering.cursor_of, row)) for row in kept),
        has_next=window.before is not None if window.is_backward else has_more,
        has_previous=has_more if window.is_backward else window.after is not None,
        count=count,
    )


def _whole(listed: Select[Any] | Template[Any]) -> Select[Any]:
    if not isinstance(listed, Template):
        return listed
    statement, _ = listed.build(Parameters(listed.values), listed.shape)
    return statement


def _window_of(
    statement: Select[Any], ordering: Ordering, window: Window, parts: Parts | None
) -> BatchableQuery:
    for cursor, is_backward in _bounds(window):
        terms = zip(ordering.sort_keys(cursor), ordering.columns, strict=True)
        there = [literal(sort_key, column.type) for sort_key, column in terms]
        statement = statement.where(ordering.beyond(there, is_backward=is_backward))
    limit = window.size + 1
    return _limited(statement, ordering, parts, limit, is_backward=window.is_backward)


def _bounds(window: Window) -> list[tuple[str, bool]]:
    """Return the cursors of a window, and whether its rows are before the cursor."""
    bounds = ((window.after, False), (window.before, True))
    return [(cursor, is_backward) for cursor, is_backward in bounds if cursor is not None]


def _prepared_window(listed: Template[Any], ordering: Ordering, window: Window) -> PreparedQuery:
    bounds = _bounds(window)
    sort_keys = {
        _parameter(at, is_backward=is_backward): sort_key
        for cursor, is_backward in bounds
        for at, sort_key in enumerate(ordering.sort_keys(cursor))
    }
    sides = tuple(is_backward for _, is_backward in bounds)
    values = {**listed.values, **sort_keys, "limit": window.size + 1}
    shape = _WindowShape(listed.build, listed.shape, ordering, sides, window.is_backward)
    return PreparedQuery(_prepared(shape), values, shape.query)


def _parameter(at: int, *, is_backward: bool) -> str:
    return f"{'before' if is_backward else 'after'}_{at}"


@dataclass(frozen=True, slots=True)
class _WindowShape(Generic[Shape]):
    """What decides the text of a window's statement, but for the number of its rows."""

    build: Build[Shape]
    list_shape: Shape
    ordering: Ordering
    # Of each cursor, whether the rows are before it.
    sides: tuple[bool, ...]
    is_backward: bool

    def query(self, given: Parameters) -> BatchableQuery:
        statement, parts = self.build(given, self.list_shape)
        for side in self.sides:
            there = [
                given.one(_parameter(at, is_backward=side), column.type)
                for at, column in enumerate(self.ordering.columns)
            ]
            statement = statement.where(self.ordering.beyond(there, is_backward=side))
        limit = given.one("limit", Integer)
        return _limited(statement, self.ordering, parts, limit, is_backward=self.is_backward)


@lru_cache(maxsize=256)
def _prepared(shape: _WindowShape[Any]) -> Prepared:
    return Prepared(shape.query(NAMED).standalone())


def _limited(
    statement: Select[Any],
    ordering: Ordering,
    parts: Parts | None,
    limit: int | Parameter,
    *,
    is_backward: bool,
) -> BatchableQuery:
    by = ordering.sorted(is_reversed=is_backward)
    if parts is not None:
        statement = parts.first_of(statement, by, limit)
    sort_keys = (column.label(f"place_{n}") for n, column in enumerate(ordering.columns))
    return BatchableQuery(
        statement=statement.add_columns(*sort_keys),
        by=by,
        limit=limit,
        sort_keys=len(ordering.columns),
    )
