"""Queries over the whole audit log: to check it, and to delete its beginning."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    LargeBinary,
    Table,
    and_,
    cast,
    delete,
    func,
    literal_column,
    select,
    tuple_,
)

from gateway.domain.audit import AuditAction, SealedEvent
from gateway.domain.delivered_sets import DeliveredSet, block_of
from gateway.storage.audit.delivered_sets import HAS_NO_SET
from gateway.storage.audit.event_log import (
    BLOCK,
    DELIVERED_SET,
    EVENT,
    SPAN,
    has_span,
    sealed_of,
    select_events,
)
from gateway.storage.unit_of_work import ReadUnit, WriteUnit

# Delivered sets that one pruning step deletes at most.
_MAX_SETS: Final = 200
_SET: Final = DELIVERED_SET.c
_PARTS: Final = [_SET[each.name] for each in fields(DeliveredSet)]


def _row(table: Table) -> Any:  # noqa: ANN401 - an expression of texts and blobs
    # Texts before blobs. The lengths of the columns, which come first, keep two different rows from
    # having the same bytes: a text that the gateway wrote has no NUL, where `length` would stop.
    ordered = sorted(table.c, key=lambda column: isinstance(column.type, LargeBinary))
    lengths = ", ".join(f"length({column.name})" for column in ordered)
    texts = " || ".join(f"ifnull({column.name}, 'NULL')" for column in ordered)
    return literal_column(f"printf('{'%d,' * len(ordered)}', {lengths}) || {texts}").label("text")


async def row_bytes(unit: ReadUnit, *, first: int, last: int) -> bytes:
    """Return all columns of a range of events: any change of one changes the bytes.

    The database joins them, so that the event loop's thread does not.
    """
    is_in_range = EVENT.c.seq.between(first, last)
    events = select(_row(EVENT)).select_from(EVENT).where(is_in_range).order_by(EVENT.c.seq)
    row = await unit.first(
        select(cast(func.group_concat(events.subquery().c.text, ""), LargeBinary))
    )
    return (row and row[0]) or b""


async def named_sets(
    unit: ReadUnit, *, first: int, last: int
) -> Sequence[tuple[bytes, DeliveredSet | None]]:
    """Return the names of the sets that a range of events names, and the sets that they have.

    A set that lacks the span of one of these events is missing.
    """
    is_named = and_(EVENT.c.seq.between(first, last), EVENT.c.delivered_set.is_not(None))
    named = select(BLOCK.label("block"), SPAN.label("span"), EVENT.c.delivered_set)
    wanted = named.where(is_named).distinct().subquery()
    is_there = and_(
        _SET.block == wanted.c.block,
        _SET.fingerprint == wanted.c.delivered_set,
        has_span(wanted.c.span),
    )
    rows = await unit.rows(
        select(wanted.c.delivered_set, *_PARTS).select_from(
            wanted.outerjoin(DELIVERED_SET, is_there)
        )
    )
    return [
        (name, None if parts[0] is None else DeliveredSet(*parts))
        for name, *parts in map(tuple, rows)
    ]


async def first_seq(unit: ReadUnit) -> int | None:
    """Return the number of the log's first event."""
    row = await unit.first(select(func.min(EVENT.c.seq)).where(EVENT.c.seq > 0))
    return row[0] if row else None


async def last_before(unit: ReadUnit, moment: datetime) -> SealedEvent | None:
    """Return the last event before the first that is not older; never the log's last event."""
    # As an expression, so that SQLite does not read and sort the index over times.
    at = func.coalesce(EVENT.c.at, EVENT.c.at)
    younger = await unit.first(
        select(EVENT.c.seq).where(at >= moment).order_by(EVENT.c.seq).limit(1)
    )
    end = select(func.max(EVENT.c.seq)).scalar_subquery() if younger is None else younger.seq
    row = await unit.first(
        select_events().where(EVENT.c.seq < end).order_by(EVENT.c.seq.desc()).limit(1)
    )
    return sealed_of(row) if row else None


async def newest_of_instance(unit: ReadUnit, action: AuditAction) -> SealedEvent | None:
    """Return the newest event with an action on the instance itself."""
    row = await unit.first(
        select_events()
        .where(HAS_NO_SET, EVENT.c.organization_id.is_(None))
        .where(EVENT.c.action == action)
        # In the order of the index over organizations, which SQLite then uses.
        .order_by(EVENT.c.organization_id, EVENT.c.seq.desc())
        .limit(1)
    )
    return sealed_of(row) if row else None


async def forget(unit: WriteUnit, *, through: int) -> int:
    """Delete the events up to a number; return how many.

    Delivered sets of blocks without events go with them, some at a time.
    """
    key = tuple_(_SET.block, _SET.fingerprint)
    unnamed = select(_SET.block, _SET.fingerprint).where(_SET.block < block_of(through + 1))
    await unit.execute(delete(DELIVERED_SET).where(key.in_(unnamed.limit(_MAX_SETS))))
    return await unit.execute(delete(EVENT).where(EVENT.c.seq <= through))
