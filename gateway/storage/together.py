"""Statements of one shape that are asked for at one time, run as one.

Each entry of a list asks for a list of its own, and all of them at once. Whoever is first waits one
turn of the event loop for the others, then asks for all.
"""

import asyncio
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, Select, func, literal, select, union_all

from gateway.storage.unit_of_work import ReadUnit

Rows = Sequence[Row[Any]]

# A database bounds how many parts a statement has, and a planner's time grows with them.
MOST_AT_ONCE: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Sorted:
    """A statement, with how its rows are sorted and how many of them are wanted."""

    statement: Select[Any]
    by: Sequence[ColumnElement[Any]]
    limit: int | None = None
    # How many of the last columns are not the item's own.
    places: int = 0

    def alone(self) -> Select[Any]:
        """Return it as a statement of its own."""
        return self.statement.order_by(*self.by).limit(self.limit)

    def numbered(self, part: int) -> Select[Any]:
        """Return it as a part of a larger one, its rows numbered before their places."""
        position = func.row_number().over(order_by=self.by)
        numbers = literal(part).label("part"), position.label("position")
        numbered = self.statement.add_columns(*numbers).order_by(*self.by).limit(self.limit)
        columns = list(numbered.subquery().c)
        begin = len(columns) - len(numbers) - self.places
        end = len(columns) - len(numbers)
        return select(*columns[:begin], *columns[end:], *columns[begin:end])


@dataclass(frozen=True, slots=True)
class _Asked:
    wanted: Sorted
    answer: "asyncio.Future[Rows]"


async def rows_together(unit: ReadUnit, wanted: Sorted, *, shape: Hashable) -> Rows:
    """Return a statement's rows. Statements of one shape have the same columns.

    Raises:
        Unavailable: if the database does not answer.

    """
    waiting: list[_Asked] = unit.waiting.setdefault(shape, [])
    asked = _Asked(wanted, asyncio.get_running_loop().create_future())
    waiting.append(asked)
    if len(waiting) > 1:
        return await asked.answer
    try:
        try:
            await asyncio.sleep(0)
        finally:
            del unit.waiting[shape]
        await _answer(unit, waiting)
    except BaseException as error:
        _fail(waiting[1:], error)
        raise
    return asked.answer.result()


def _fail(others: Iterable[_Asked], error: BaseException) -> None:
    # All of them belong to one request: what ends one ends the others.
    for other in others:
        if other.answer.done():
            continue
        if isinstance(error, Exception):
            other.answer.set_exception(error)
        else:
            other.answer.cancel()


async def _answer(unit: ReadUnit, waiting: Sequence[_Asked]) -> None:
    for begin in range(0, len(waiting), MOST_AT_ONCE):
        batch = waiting[begin : begin + MOST_AT_ONCE]
        for asked, rows in zip(batch, await _fetched(unit, batch), strict=True):
            if not asked.answer.done():
                asked.answer.set_result(rows)


async def _fetched(unit: ReadUnit, batch: Sequence[_Asked]) -> list[Rows]:
    if len(batch) == 1:
        return [await unit.rows(batch[0].wanted.alone())]
    parts = [asked.wanted.numbered(part) for part, asked in enumerate(batch)]
    statement = union_all(*parts)
    columns = statement.selected_columns
    rows = await unit.rows(statement.order_by(columns.part, columns.position))
    found = {part: list(of_part) for part, of_part in groupby(rows, lambda row: row.part)}
    return [found.get(part, []) for part in range(len(batch))]
