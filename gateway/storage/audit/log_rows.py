"""Queries over the whole audit log: to check it, and to delete its beginning."""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    LargeBinary,
    cast,
    delete,
    func,
    literal_column,
    select,
)

from gateway.domain.audit import AuditAction, SealedEvent
from gateway.domain.delivered_sets import block_of
from gateway.storage.audit.event_log import DELIVERED_SET, EVENT, sealed_of, select_events
from gateway.storage.unit_of_work import ReadUnit, WriteUnit

# Texts before blobs. The lengths of the columns, which come first, keep two different rows from
# having the same bytes: a text that the gateway wrote has no NUL, where `length` would stop.
_ORDERED: Final = [
    str(column)
    for column in sorted(
        (*EVENT.c, DELIVERED_SET.c.secrets),
        key=lambda column: isinstance(column.type, LargeBinary),
    )
]
_LENGTHS: Final = ", ".join(f"length({name})" for name in _ORDERED)
_ROW: Final[Any] = literal_column(
    f"printf('{'%d,' * len(_ORDERED)}', {_LENGTHS}) || "
    + " || ".join(f"ifnull({name}, 'NULL')" for name in _ORDERED)
)


async def row_bytes(unit: ReadUnit, *, first: int, last: int) -> bytes:
    """Return all columns of a range of events, with what they delivered.

    Any change of one changes the bytes. The database joins them, so that the event loop's thread
    does not.
    """
    rows = select_events().with_only_columns(_ROW.label("text"), maintain_column_froms=True)
    ordered = rows.where(EVENT.c.seq.between(first, last)).order_by(EVENT.c.seq).subquery()
    row = await unit.first(select(cast(func.group_concat(ordered.c.text, ""), LargeBinary)))
    return (row and row[0]) or b""


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


async def last_pruning(unit: ReadUnit) -> SealedEvent | None:
    """Return the newest event that records a deletion of the log's beginning."""
    row = await unit.first(
        select_events()
        .where(EVENT.c.organization_id.is_(None), EVENT.c.action == AuditAction.AUDIT_PRUNED)
        # In the order of the index over organizations, which SQLite then uses.
        .order_by(EVENT.c.organization_id, EVENT.c.seq.desc())
        .limit(1)
    )
    return sealed_of(row) if row else None


async def forget(unit: WriteUnit, *, through: int) -> int:
    """Delete the events up to a number; return how many were deleted.

    The delivered sets of blocks without events go with them.
    """
    is_gone = DELIVERED_SET.c.block < block_of(through + 1)
    await unit.execute(delete(DELIVERED_SET).where(is_gone))
    return await unit.execute(delete(EVENT).where(EVENT.c.seq <= through))
