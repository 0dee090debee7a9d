"""Find events by time without an index over times.

The log has its events in the order of the clock, except where the clock was set back. So a search
between two such events finds the first event of a time.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Any, Final

from sqlalchemy import ColumnElement, ScalarSelect, Select, and_, case, func, literal, select

from gateway.storage.audit.delivered_sets import MAX_SEQ
from gateway.storage.audit.event_log import EVENT, intact_event_of, select_events
from gateway.storage.audit.row_macs import integrity_fault
from gateway.storage.unit_of_work import ReadUnit

_EVENTS_AT_ONCE: Final = 100_000
# With more parts than this, a list by time reads the whole log.
_MAX_PARTS: Final = 20
_OLDEST: Final = select(func.min(EVENT.c.seq))
_NEWEST: Final = select(func.max(EVENT.c.seq))
_HASH: Final = select(EVENT.c.hash)
_BEFORE: Final = EVENT.alias("event_before")


@dataclass(frozen=True, slots=True)
class Period:
    """The conditions of its events, by their times and by their numbers."""

    times: Sequence[ColumnElement[bool]]
    numbers: Sequence[ColumnElement[bool]] = ()
    first: int = 0
    last: int = MAX_SEQ


@dataclass(frozen=True, slots=True)
class FaultyEvents:
    """The events with faults, as the last check of the log found them."""

    seqs: frozenset[int] = frozenset()
    # Where the check ended if there was more to check, because it found too much.
    ended_at: int | None = None

    def __bool__(self) -> bool:
        return bool(self.seqs)


@dataclass(slots=True)
class LogTimes:
    """The events that are older than the event before them, as far as this process has read.

    Reading goes on where it ended, so that each event is read once.
    """

    _set_back: set[int] = field(default_factory=set)
    _seq: int = 0
    _hash: bytes = field(default=b"", repr=False)
    faulty: FaultyEvents = FaultyEvents()

    async def between(
        self, unit: ReadUnit, since: datetime | None, until: datetime | None
    ) -> Period:
        """Return the events from one time on and before another.

        Raises:
            IntegrityFault: if an event at one of the times is not what was recorded.

        """
        conditions, numbers = [], []
        if since is not None:
            conditions.append(EVENT.c.at >= since)
        if until is not None:
            conditions.append(EVENT.c.at < until)
        parts = await self._parts(unit) if conditions else ()
        if not parts or len(parts) > _MAX_PARTS:
            return Period(conditions)
        first, last = 0, MAX_SEQ
        if since is not None:
            first = min([await _first(unit, *part, since) for part in parts])
            numbers.append(EVENT.c.seq >= first)
        if until is not None:
            last = max([await _first(unit, *part, until) for part in parts]) - 1
            numbers.append(EVENT.c.seq <= last)
        return Period(conditions, numbers, first, last)

    async def _parts(self, unit: ReadUnit) -> Sequence[tuple[int, int]]:
        """Return the parts of the log in which the clock was never set back: first and end."""
        row = await unit.first(
            select(*map(_scalar, (_OLDEST, _NEWEST, _HASH.where(EVENT.c.seq == self._seq))))
        )
        if row is None or row[0] is None:
            return ()
        first, last, known = tuple(row)
        if known != self._hash and first <= self._seq:
            # The operator accepted another database.
            self._set_back, self._seq = set(), 0
        for start in range(max(first, self._seq), last, _EVENTS_AT_ONCE):
            await self._read(unit, start, min(start + _EVENTS_AT_ONCE, last))
        starts = sorted(seq for seq in self._set_back if first < seq <= last)
        return list(pairwise([first, *starts, last + 1]))

    async def _read(self, unit: ReadUnit, start: int, end: int) -> None:
        """Read the events after one number up to another."""
        is_older = and_(EVENT.c.seq.between(start + 1, end), EVENT.c.at < _BEFORE.c.at)
        joined = select(EVENT.c.seq).join(_BEFORE, _BEFORE.c.seq == EVENT.c.seq - 1)
        rows = await unit.rows(joined.where(is_older))
        newest = await unit.first(_HASH.where(EVENT.c.seq == end))
        self._set_back.update(row.seq for row in rows)
        self._seq, self._hash = end, newest.hash if newest else b""


def _scalar(statement: Select[Any]) -> ScalarSelect[Any]:
    return statement.scalar_subquery()


async def _first(unit: ReadUnit, first: int, end: int, moment: datetime) -> int:
    """Return the number of the first event in a part that is not before a moment, or the end.

    Raises:
        IntegrityFault: if an event beside this place is not what was recorded. An altered time can
            lead the search to a wrong place only beside that event.

    """
    bounds = select(literal(first).label("low"), literal(end).label("high")).cte(recursive=True)
    middle = (bounds.c.low + bounds.c.high) // 2
    is_before = select(EVENT.c.at < moment).where(EVENT.c.seq == middle).scalar_subquery()
    halves = select(
        case((is_before, middle + 1), else_=bounds.c.low),
        case((is_before, bounds.c.high), else_=middle),
    ).where(bounds.c.low < bounds.c.high)
    row = await unit.first(select(func.max(bounds.union_all(halves).c.low)))
    found = int(row[0]) if row else end
    beside = [seq for seq in (found - 1, found) if first <= seq < end]
    events = {
        row.seq: row for row in await unit.rows(select_events().where(EVENT.c.seq.in_(beside)))
    }
    for seq in beside:
        if seq not in events:
            raise integrity_fault(EVENT.name, str(seq))
        intact_event_of(unit, events[seq])
    return found
