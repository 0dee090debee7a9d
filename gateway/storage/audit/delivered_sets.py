"""Find deliveries by their sets: in which spans of the log they are, and then the events there."""

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_ as or_bits
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    and_,
    exists,
    func,
    literal_column,
    or_,
    select,
    union,
)

from gateway.domain.audit import AuditSubject
from gateway.domain.delivered_sets import BLOCK_EVENTS, SPAN_EVENTS, block_of, packed_id
from gateway.storage.audit.event_log import DELIVERED_SET, EVENT, IS_DELIVERED
from gateway.storage.live_rows import SECRET
from gateway.storage.unit_of_work import ReadUnit

# As the index over the events of secrets has it; a parameter would not use that index.
IS_OF_SECRET: Final = EVENT.c.subject == literal_column(f"'{AuditSubject.SECRET}'")
# The condition of the other indexes over events.
HAS_NO_SET: Final = EVENT.c.delivered_set.is_(None)
# That an event lost its set or the name of it. It is never what was recorded.
HAS_LOST_SET: Final = and_(
    or_(EVENT.c.delivered_set.is_not(None), EVENT.c.actor_id == literal_column("''")),
    ~exists().where(IS_DELIVERED).correlate(EVENT),
)
# More than a log has.
MAX_SEQ: Final = 2**62
_SET: Final = DELIVERED_SET.c
# What is read at once first; then ever more.
_FIRST_SPANS: Final = 4
_SPANS_OF_BLOCK: Final = BLOCK_EVENTS // SPAN_EVENTS


def has_secret(secret_id: str) -> ColumnElement[bool]:
    """Return the condition that a set has a secret.

    A secret never leaves its project. Its deletion has an event, later than each of its deliveries,
    so the project is known as long as one of them is kept.
    """
    projects = union(
        select(SECRET.c.project_id).where(SECRET.c.id == secret_id),
        select(EVENT.c.project_id).where(IS_OF_SECRET, EVENT.c.subject_id == secret_id),
    )
    return and_(_SET.project_id.in_(projects), func.instr(_SET.secrets, packed_id(secret_id)) > 0)


@dataclass(frozen=True, slots=True)
class Deliveries:
    """The deliveries in a part of the log whose events match, and whose sets do.

    A set matches that meets one of the conditions. Each has an index that goes on with the block.
    """

    unit: ReadUnit
    sets: Sequence[ColumnElement[bool]]
    events: Sequence[ColumnElement[bool]] = ()
    first: int = 0
    last: int = MAX_SEQ

    async def seqs(self, limit: int, *, is_ascending: bool = False) -> Sequence[int]:
        """Return the numbers of the newest ones, or of the oldest ones."""
        order = EVENT.c.seq.asc() if is_ascending else EVENT.c.seq.desc()
        found: list[int] = []
        async for condition in self._in_spans(is_ascending=is_ascending):
            wanted = select(EVENT.c.seq).where(condition, *self.events).order_by(order)
            found += [row.seq for row in await self.unit.rows(wanted.limit(limit - len(found)))]
            if len(found) >= limit:
                break
        return found

    async def count(self) -> int:
        total = 0
        async for condition in self._in_spans(is_ascending=False):
            counted = select(func.count()).select_from(EVENT).where(condition, *self.events)
            (row,) = await self.unit.rows(counted)
            total += row[0]
        return total

    async def _in_spans(self, *, is_ascending: bool) -> AsyncIterator[ColumnElement[bool]]:
        """Yield conditions of deliveries in ever more spans, the nearest spans first."""
        at_once = _FIRST_SPANS
        async for block, bits in self._blocks(is_ascending=is_ascending):
            spans = [at for at in range(_SPANS_OF_BLOCK) if bits >> at & 1]
            spans = spans if is_ascending else spans[::-1]
            while spans:
                some, spans = spans[:at_once], spans[at_once:]
                at_once = min(2 * at_once, _SPANS_OF_BLOCK)
                yield self._condition(block, some)

    async def _blocks(self, *, is_ascending: bool) -> AsyncIterator[tuple[int, int]]:
        """Yield each block with such a set, and its spans that have one."""
        first, last = block_of(self.first), block_of(self.last)
        nearest: Any = func.min if is_ascending else func.max
        while first <= last:
            is_near = _SET.block.between(first, last)
            there = self._matching(is_near, nearest(_SET.block).label("block")).subquery()
            is_nearest = _SET.block == select(nearest(there.c.block)).scalar_subquery()
            rows = await self.unit.rows(self._matching(is_nearest, _SET.block, _SET.spans))
            if not rows:
                return
            block = rows[0].block
            yield block, reduce(or_bits, (row.spans for row in rows))
            first, last = (block + 1, last) if is_ascending else (first, block - 1)

    def _condition(self, block: int, spans: Sequence[int]) -> ColumnElement[bool]:
        begins = [block * BLOCK_EVENTS + span * SPAN_EVENTS for span in spans]
        ranges = [
            (max(begin, self.first), min(begin + SPAN_EVENTS - 1, self.last)) for begin in begins
        ]
        # One range after the other: all in one condition would read what is between them.
        given: Any = func.json_each(json.dumps(ranges)).table_valued("value").c.value
        first, last = func.json_extract(given, "$[0]"), func.json_extract(given, "$[1]")
        return and_(
            EVENT.c.seq.between(first, last),
            EVENT.c.delivered_set.in_(self._matching(_SET.block == block, _SET.fingerprint)),
        )

    def _matching(self, is_there: ColumnElement[bool], *columns: Any) -> CompoundSelect[Any]:  # noqa: ANN401 - what SQLAlchemy selects
        return union(*(select(*columns).where(each, is_there) for each in self.sets))
