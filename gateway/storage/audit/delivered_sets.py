"""Find the deliveries of a secret by the delivered sets that have it."""

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, and_, func, literal_column, select, union

from gateway.domain.audit import AuditSubject
from gateway.domain.delivered_sets import BLOCK_EVENTS, packed_id
from gateway.storage.audit.event_log import DELIVERED_SET, EVENT
from gateway.storage.live_rows import SECRET
from gateway.storage.unit_of_work import ReadUnit

# As the index over the events of secrets has it; a parameter would not use that index.
IS_OF_SECRET: Final = EVENT.c.subject == literal_column(f"'{AuditSubject.SECRET}'")
# With more parts than this, a list follows the events of the project.
_MAX_PARTS: Final = 40
_SET: Final = DELIVERED_SET.c

# Turns a column into what a condition compares.
Compared = Callable[[Any], Any]
Condition = Callable[[Compared], ColumnElement[bool]]


async def deliveries_of(unit: ReadUnit, secret_id: str) -> Sequence[Condition]:
    """Return conditions of which each delivery of the secret's value meets one.

    A secret never leaves its project. Its deletion has an event, later than each of its deliveries,
    so the project is known as long as one of them is kept.
    """
    projects = union(
        select(SECRET.c.project_id).where(SECRET.c.id == secret_id),
        select(EVENT.c.project_id).where(IS_OF_SECRET, EVENT.c.subject_id == secret_id),
    )
    has_secret = and_(
        _SET.project_id.in_(projects), func.instr(_SET.secrets, packed_id(secret_id)) > 0
    )
    found = await unit.rows(
        select(_SET.holder_id, _SET.block, _SET.fingerprint)
        .where(has_secret)
        .order_by(_SET.holder_id, _SET.block)
        .limit(_MAX_PARTS + 1)
    )
    if len(found) > _MAX_PARTS:
        return [await _in_project(unit, has_secret)]
    by_block = groupby(found, key=lambda row: (row.holder_id, row.block))
    return [
        _condition(EVENT.c.holder_id, holder_id, (block, block), [row.fingerprint for row in rows])
        for (holder_id, block), rows in by_block
    ]


async def _in_project(unit: ReadUnit, has_secret: ColumnElement[bool]) -> Condition:
    statement = select(func.min(_SET.block), func.max(_SET.block), func.min(_SET.project_id))
    ((first, last, project_id),) = map(tuple, await unit.rows(statement.where(has_secret)))
    sets = select(_SET.fingerprint).where(has_secret)
    return _condition(EVENT.c.project_id, project_id, (first, last), sets)


def _condition(
    column: ColumnElement[Any],
    holder_id: str,
    blocks: tuple[int, int],
    sets: Sequence[bytes] | Select[bytes],
) -> Condition:
    first, last = blocks[0] * BLOCK_EVENTS, (blocks[1] + 1) * BLOCK_EVENTS - 1
    return lambda compared: and_(
        compared(column) == holder_id,
        EVENT.c.seq.between(first, last),
        EVENT.c.delivered_set.in_(sets),
    )
