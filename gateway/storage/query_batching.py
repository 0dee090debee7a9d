"""Run concurrent statements of one shape as one statement.

Each entry of a list asks for a list of its own, all at the same time. The first query waits one
turn of the event loop for the others, then runs all of them.
"""

import asyncio
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

from sqlalchemy import BindParameter, ColumnElement, Row, Select, func, literal, select, union_all

from gateway.storage.prepared import Bound, Parameters, Prepared
from gateway.storage.unit_of_work import ReadUnit

Rows = Sequence[Row[Any]]

# A database limits the parts of a statement, and planning time grows with them.
MAX_AT_ONCE: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchableQuery:
    statement: Select[Any]
    by: Sequence[ColumnElement[Any]]
    limit: int | BindParameter[int] | None = None
    # The number of last columns that are sort keys and not part of the item.
    sort_keys: int = 0

    def standalone(self) -> Select[Any]:
        return self.statement.order_by(*self.by).limit(self.limit)

    def as_part(self, part: int) -> Select[Any]:
        """Return the query as a part of a larger one, with rows numbered before their sort keys."""
        position = func.row_number().over(order_by=self.by)
        numbers = literal(part).label("part"), position.label("position")
        as_part = self.statement.add_columns(*numbers).order_by(*self.by).limit(self.limit)
        columns = list(as_part.subquery().c)
        begin = len(columns) - len(numbers) - self.sort_keys
        end = len(columns) - len(numbers)
        return select(*columns[:begin], *columns[end:], *columns[begin:end])


@dataclass(frozen=True, slots=True)
class PreparedQuery:
    """A batchable query that is built once, and the parameters of one use."""

    prepared: Prepared
    values: Mapping[str, Any]
    # Builds the query with these values, because parts of a statement need names of their own.
    build: Callable[[Parameters], BatchableQuery]

    def standalone(self) -> Bound:
        return self.prepared(**self.values)

    def as_part(self, part: int) -> Select[Any]:
        return self.build(Parameters(self.values)).as_part(part)


@dataclass(slots=True)
class _Pending:
    wanted: BatchableQuery | PreparedQuery
    answer: "asyncio.Future[Rows]"
    # Whether it runs the batch, because the query that did so was cancelled.
    is_next: bool = False


async def batched_rows(
    unit: ReadUnit, wanted: BatchableQuery | PreparedQuery, *, shape: Hashable
) -> Rows:
    """Return a statement's rows. All statements of one shape must have the same columns.

    Raises:
        Unavailable: if the database does not answer.

    """
    waiting: list[_Pending] = unit.waiting.setdefault(shape, [])
    pending = _Pending(wanted, asyncio.get_running_loop().create_future())
    waiting.append(pending)
    try:
        if len(waiting) > 1:
            rows = await pending.answer
        else:
            pending.is_next, rows = True, []
            await _let_others_join(unit, shape)
        return await _run(unit, pending, waiting) if pending.is_next else rows
    except asyncio.CancelledError:
        # A field that failed cancels those beside it; the others need their rows.
        pending.answer.cancel()
        if pending.is_next:
            _pass_on(waiting)
        raise


async def _let_others_join(unit: ReadUnit, shape: Hashable) -> None:
    try:
        await asyncio.sleep(0)
    finally:
        del unit.waiting[shape]


def _pass_on(waiting: Iterable[_Pending]) -> None:
    for other in waiting:
        if not other.answer.done():
            other.is_next = True
            other.answer.set_result([])
            return


async def _run(unit: ReadUnit, pending: _Pending, waiting: Iterable[_Pending]) -> Rows:
    others = [other for other in waiting if other is not pending and not other.answer.done()]
    asked = [pending, *others]
    found: list[Rows] = []
    try:
        for begin in range(0, len(asked), MAX_AT_ONCE):
            found += await _fetch(unit, asked[begin : begin + MAX_AT_ONCE])
    except Exception as error:
        for other in others:
            if not other.answer.done():
                other.answer.set_exception(error)
        raise
    for other, rows in zip(others, found[1:], strict=True):
        if not other.answer.done():
            other.answer.set_result(rows)
    return found[0]


async def _fetch(unit: ReadUnit, batch: Sequence[_Pending]) -> list[Rows]:
    if len(batch) == 1:
        return [await unit.rows(batch[0].wanted.standalone())]
    parts = [pending.wanted.as_part(part) for part, pending in enumerate(batch)]
    statement = union_all(*parts)
    columns = statement.selected_columns
    rows = await unit.rows(statement.order_by(columns.part, columns.position))
    found = {part: list(of_part) for part, of_part in groupby(rows, lambda row: row.part)}
    return [found.get(part, []) for part in range(len(batch))]
