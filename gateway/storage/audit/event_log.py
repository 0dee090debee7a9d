"""Queries about the audit log."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields, replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    Integer,
    Row,
    bindparam,
    column,
    delete,
    func,
    insert,
    select,
    table,
    true,
)
from sqlalchemy.dialects.sqlite import insert as upsert

from gateway.domain.audit import AuditEvent, AuditUnavailable, SealedEvent
from gateway.domain.errors import ConcurrentChange, Unavailable
from gateway.storage.audit import records
from gateway.storage.audit.changes import Key
from gateway.storage.audit.row_macs import integrity_fault
from gateway.storage.audit.tables import AuditEventRow, AuditHeadRow, AuditMentionRow
from gateway.storage.checked_view import Head
from gateway.storage.unit_of_work import ReadUnit, WriteUnit

EVENT: Final = AuditEventRow.__table__
MENTION: Final = AuditMentionRow.__table__
HEAD: Final = AuditHeadRow.__table__
# Only a commit of another connection changes it.
_VERSION: Final = table("pragma_data_version", column("data_version"))
_FIELDS: Final = tuple(each.name for each in fields(AuditEvent))
# The event that was the head when the view opened.
FLOOR: Final = EVENT.alias("floor")
# Every sign-in reads these columns with its own: `head_of` takes their values.
HEAD_COLUMNS: Final = (HEAD.c.seq, HEAD.c.hash, HEAD.c.sealed_access_sum, FLOOR.c.hash)
_IS_FLOOR: Final = FLOOR.c.seq == bindparam("floor", type_=Integer)
_HEAD: Final = select(*HEAD_COLUMNS, HEAD.c.sealed_sum).select_from(
    HEAD.outerjoin(FLOOR, _IS_FLOOR)
)
_HEAD_FOR_WRITE: Final = select(
    *HEAD_COLUMNS, HEAD.c.sealed_sum, _VERSION.c.data_version
).select_from(_VERSION.outerjoin(HEAD, true()).outerjoin(FLOOR, _IS_FLOOR))


@contextmanager
def _recording() -> Iterator[None]:
    # A constraint and a lock mean the same here: the required event cannot be recorded.
    try:
        yield
    except (ConcurrentChange, Unavailable) as error:
        raise AuditUnavailable from error


async def head_for_write(unit: WriteUnit) -> tuple[Head | None, int]:
    """Return the head, and the connection's data version: see `dialects.catalog`."""
    with _recording():
        (row,) = await unit.rows(_HEAD_FOR_WRITE.params(floor=floor_of(unit)))
    return _head_of(row[:-1]), row[-1]


async def head(unit: ReadUnit) -> Head | None:
    row = await unit.first(_HEAD.params(floor=floor_of(unit)))
    return None if row is None else _head_of(row)


def _head_of(row: Sequence[Any]) -> Head | None:
    return None if row[0] is None else replace(head_of(row[:-1]), sealed_sum=row[-1])


def floor_of(unit: ReadUnit) -> int:
    """Return the number of the event that was the head when the view opened."""
    return unit.floor.seq if unit.floor else 0


def head_of(columns: Sequence[Any]) -> Head:
    seq, event_hash, sealed_access_sum, floor_hash = columns
    return Head(seq, event_hash, sealed_access_sum=sealed_access_sum, floor_hash=floor_hash)


async def prove(unit: ReadUnit) -> None:
    """Prove the view unless it is proven: its head must continue what this process has seen.

    Raises:
        DatabaseNotTrusted: if the head does not continue it.

    """
    if not unit.is_proven:
        await unit.accept(await head(unit))


async def append(
    unit: WriteUnit, events: Sequence[SealedEvent], mentions: Mapping[int, set[str]]
) -> None:
    """Append new events to the chain.

    Raises:
        AuditUnavailable: if they cannot be stored.

    """
    rows = [{name: getattr(sealed.event, name) for name in _FIELDS} for sealed in events]
    hashes = [{"hash": sealed.hash} for sealed in events]
    named = [{"secret_id": id_, "seq": seq} for seq, ids in mentions.items() for id_ in sorted(ids)]
    with _recording():
        await unit.execute(
            insert(EVENT), [row | more for row, more in zip(rows, hashes, strict=True)]
        )
        await unit.execute(insert(MENTION), named)


async def recorded(unit: WriteUnit, keys: Sequence[Key]) -> dict[Key, bytes]:
    """Return the newest MACs of these rows; a row without one is missing.

    Raises:
        AuditUnavailable: if they cannot be read.

    """
    with _recording():
        return await records.recorded(unit, keys)


async def keep_head(unit: WriteUnit, head: Head, macs: Mapping[Key, bytes | None]) -> None:
    """Store the head, and the newest MACs of rows with it; None is that of a deleted row.

    Raises:
        AuditUnavailable: if they cannot be stored.

    """
    moved = {
        "seq": head.seq,
        "hash": head.hash,
        "sealed_sum": head.sealed_sum,
        "sealed_access_sum": head.sealed_access_sum,
    }
    statement = upsert(HEAD).values(id=1, **moved)
    with _recording():
        await records.keep(unit, macs)
        await unit.execute(statement.on_conflict_do_update(index_elements=[HEAD.c.id], set_=moved))


async def chain(unit: ReadUnit, *, after: int, size: int) -> Sequence[SealedEvent]:
    rows = await unit.rows(
        select(EVENT).where(EVENT.c.seq > after).order_by(EVENT.c.seq).limit(size)
    )
    return [SealedEvent(event_of(row), row.hash) for row in rows]


async def sealed(unit: ReadUnit, seq: int) -> SealedEvent | None:
    row = await unit.first(select(EVENT).where(EVENT.c.seq == seq))
    return SealedEvent(event_of(row), row.hash) if row else None


async def newest(unit: ReadUnit) -> SealedEvent | None:
    row = await unit.first(select(EVENT).order_by(EVENT.c.seq.desc()).limit(1))
    return SealedEvent(event_of(row), row.hash) if row else None


async def mentions(unit: ReadUnit, *, first: int, last: int) -> set[tuple[int, str]]:
    """Return the pairs of event and secret that the index has for a range of events."""
    rows = await unit.rows(
        select(MENTION.c.seq, MENTION.c.secret_id).where(MENTION.c.seq.between(first, last))
    )
    return {(row.seq, row.secret_id) for row in rows}


async def stray_mentions(unit: ReadUnit) -> int:
    """Return how many index entries name an event that does not exist."""
    row = await unit.first(
        select(func.count()).select_from(MENTION).where(MENTION.c.seq.not_in(select(EVENT.c.seq)))
    )
    return int(row[0]) if row else 0


async def forget_stray_mentions(unit: WriteUnit) -> None:
    """Delete the index entries of events that do not exist."""
    await unit.execute(delete(MENTION).where(MENTION.c.seq.not_in(select(EVENT.c.seq))))


async def last_before(unit: ReadUnit, moment: datetime) -> SealedEvent | None:
    """Return the last event that is older than a moment; never the chain's last event."""
    # Reading from the oldest event on ends at the first one that is not deleted.
    is_younger = select(EVENT.c.seq).where(EVENT.c.at >= moment).order_by(EVENT.c.seq).limit(1)
    younger = is_younger.scalar_subquery()
    end = select(func.max(EVENT.c.seq)).scalar_subquery()
    bound = func.min(func.coalesce(younger, end), end)
    row = await unit.first(
        select(EVENT).where(EVENT.c.seq < bound).order_by(EVENT.c.seq.desc()).limit(1)
    )
    return SealedEvent(event_of(row), row.hash) if row else None


async def forget(unit: WriteUnit, *, through: int) -> int:
    """Delete the events up to a number; return how many were deleted."""
    await unit.execute(delete(MENTION).where(MENTION.c.seq <= through))
    return await unit.execute(delete(EVENT).where(EVENT.c.seq <= through))


def event_of(row: Row[Any]) -> AuditEvent:
    return AuditEvent(**{name: getattr(row, name) for name in _FIELDS})


def intact_event_of(unit: ReadUnit, row: Row[Any]) -> AuditEvent:
    """Build an event from its row, if the row is what was recorded.

    Raises:
        IntegrityFault: after logging it.

    """
    event = event_of(row)
    if not unit.is_intact(SealedEvent(event, row.hash)):
        raise integrity_fault(EVENT.name, str(row.seq))
    return event
