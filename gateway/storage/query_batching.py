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


@dataclass(frozen=True, slots=True)
class _Pending:
    wanted: BatchableQuery | PreparedQuery
    answer: "asyncio.Future[Rows]"


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
    if len(waiting) > 1:
        return await pending.answer
    try:
        try:
            await asyncio.sleep(0)
        finally:
            del unit.waiting[shape]
        await _answer(unit, waiting)
    except BaseException as error:
        _fail(waiting[1:], error)
        raise
    return pending.answer.result()


def _fail(others: Iterable[_Pending], error: BaseException) -> None:
    # All of them belong to one request: an error that ends one ends the others.
    for other in others:
        if other.answer.done():
            continue
        if isinstance(error, Exception):
            other.answer.set_exception(error)
        else:
            other.answer.cancel()


async def _answer(unit: ReadUnit, waiting: Sequence[_Pending]) -> None:
    for begin in range(0, len(waiting), MAX_AT_ONCE):
        batch = waiting[begin : begin + MAX_AT_ONCE]
        for pending, rows in zip(batch, await _fetch(unit, batch), strict=True):
            if not pending.answer.done():
                pending.answer.set_result(rows)


async def _fetch(unit: ReadUnit, batch: Sequence[_Pending]) -> list[Rows]:
    if len(batch) == 1:
        return [await unit.rows(batch[0].wanted.standalone())]
    parts = [pending.wanted.as_part(part) for part, pending in enumerate(batch)]
    statement = union_all(*parts)
    columns = statement.selected_columns
    rows = await unit.rows(statement.order_by(columns.part, columns.position))
    found = {part: list(of_part) for part, of_part in groupby(rows, lambda row: row.part)}
    return [found.get(part, []) for part in range(len(batch))]
