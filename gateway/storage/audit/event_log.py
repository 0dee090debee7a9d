"""Queries about the audit log."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields, replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    ColumnClause,
    Integer,
    Row,
    and_,
    bindparam,
    column,
    delete,
    func,
    insert,
    literal_column,
    select,
    table,
    true,
    update,
)
from sqlalchemy.dialects.sqlite import insert as upsert

from gateway.domain.audit import AuditEvent, AuditUnavailable, SealedEvent
from gateway.domain.errors import ConcurrentChange, Unavailable
from gateway.storage.audit.row_macs import integrity_fault
from gateway.storage.audit.tables import AuditEventRow, AuditHeadRow, AuditMentionRow, AuditStateRow
from gateway.storage.audit.watching import WATCHED, Watched
from gateway.storage.checked_view import Head
from gateway.storage.unit_of_work import ReadUnit, WriteUnit

EVENT: Final = AuditEventRow.__table__
MENTION: Final = AuditMentionRow.__table__
STATE: Final = AuditStateRow.__table__
HEAD: Final = AuditHeadRow.__table__
_TOUCHED: Final = table(
    "touched",
    *map(column, ("n", "noun", "row_id", "is_new", "before", "after")),
    *map(column, ("organization_id", "project_id", "holder_id", "key", "facts")),
)
# Only a commit of another connection changes it.
_VERSION: Final = table("pragma_data_version", column("data_version"))
_FIELDS: Final = tuple(each.name for each in fields(AuditEvent))
# The event that was the head when the view opened.
FLOOR: Final = EVENT.alias("floor")
# Every sign-in reads these columns with its own: `head_of` takes their values.
HEAD_COLUMNS: Final = (HEAD.c.seq, HEAD.c.hash, HEAD.c.access_box, FLOOR.c.hash)
_HEAD: Final = select(*HEAD_COLUMNS, HEAD.c.set_box).select_from(
    HEAD.outerjoin(FLOOR, FLOOR.c.seq == bindparam("floor", type_=Integer))
)


@contextmanager
def _recording() -> Iterator[None]:
    # A constraint and a lock mean the same here: the required event cannot be recorded.
    try:
        yield
    except (ConcurrentChange, Unavailable) as error:
        raise AuditUnavailable from error


async def touched(unit: WriteUnit) -> tuple[Sequence[Row[Any]], int]:
    """Return the rows that the transaction touched, in order, each with its last recorded state.

    The second value is the connection's data version, read with them: see `storage.catalog`.
    """
    recorded = and_(STATE.c.noun == _TOUCHED.c.noun, STATE.c.row_id == _TOUCHED.c.row_id)
    statement = (
        select(*_TOUCHED.c, STATE.c.state.label("recorded"), _VERSION.c.data_version)
        .select_from(_VERSION.outerjoin(_TOUCHED, true()).outerjoin(STATE, recorded))
        .order_by(_TOUCHED.c.n)
    )
    with _recording():
        rows = await unit.rows(statement)
    return [row for row in rows if row.n is not None], rows[0].data_version


async def head(unit: ReadUnit) -> Head | None:
    row = await unit.first(_HEAD.params(floor=floor_of(unit)))
    return None if row is None else replace(head_of(row[:-1]), set_box=row[-1])


def floor_of(unit: ReadUnit) -> int:
    """Return the number of the event that was the head when the view opened."""
    return unit.floor.seq if unit.floor else 0


def head_of(columns: Sequence[Any]) -> Head:
    seq, event_hash, access_box, floor_hash = columns
    return Head(seq, event_hash, access_box=access_box, floor_hash=floor_hash)


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


async def keep_states(
    unit: WriteUnit, states: Mapping[tuple[str, str], bytes | None], head: Head
) -> None:
    """Store the current states of rows, and the head; None is the state of a deleted row.

    Storing the head records all touched rows, and the connection forgets them.

    Raises:
        AuditUnavailable: if they cannot be stored.

    """
    kept = [
        {"noun": table_name, "row_id": row_id, "state": state}
        for (table_name, row_id), state in states.items()
        if state is not None
    ]
    gone = [key for key, state in states.items() if state is None]
    statement = upsert(STATE)
    on_conflict = statement.on_conflict_do_update(
        index_elements=[STATE.c.noun, STATE.c.row_id], set_={"state": statement.excluded.state}
    )
    moved = {
        "seq": head.seq,
        "hash": head.hash,
        "set_box": head.set_box,
        "access_box": head.access_box,
    }
    heads = upsert(HEAD).values(id=1, **moved)
    with _recording():
        await unit.execute(on_conflict, kept)
        for table_name, row_id in gone:
            await unit.execute(
                delete(STATE).where(STATE.c.noun == table_name, STATE.c.row_id == row_id)
            )
        await unit.execute(heads.on_conflict_do_update(index_elements=[HEAD.c.id], set_=moved))


async def keep_access_sum(unit: WriteUnit, access_box: bytes) -> None:
    """Store the sum over access rows in a head that has none, from an older version."""
    await unit.execute(update(HEAD).where(HEAD.c.id == 1).values(access_box=access_box))


async def forget_changed_rows(unit: WriteUnit) -> None:
    """Forget touched rows that did not change."""
    await unit.execute(delete(_TOUCHED))


async def forget_states(unit: WriteUnit) -> None:
    """Delete all recorded states of rows, so that they can be recorded again."""
    await unit.execute(delete(STATE))


async def states(
    unit: ReadUnit, table_name: str, *, after: str, size: int
) -> Sequence[tuple[str, str | None, bytes | None]]:
    """Return id, state now and state recorded of watched rows, by id; what is missing is None."""
    watched = WATCHED[table_name]
    present = await _present(unit, table_name, watched, after, size)
    recorded = await unit.rows(
        select(STATE.c.row_id, STATE.c.state)
        .where(STATE.c.noun == table_name, STATE.c.row_id > after)
        .order_by(STATE.c.row_id)
        .limit(size)
    )
    now, then = dict(map(tuple, present)), {row.row_id: row.state for row in recorded}
    # Beyond the end of the shorter of two full lists the other list is not yet known.
    ends = [max(found) for found in (now, then) if len(found) == size]
    ids = sorted(item for item in now | then if not ends or item <= min(ends))
    return [(id_, now.get(id_), then.get(id_)) for id_ in ids]


async def _present(
    unit: ReadUnit, table_name: str, watched: Watched, after: str, size: int
) -> Sequence[Row[Any]]:
    row_id: ColumnClause[str] = literal_column(f"{table_name}.{watched.row_id}")
    return await unit.rows(
        select(row_id.label("row_id"), literal_column(watched.state(table_name)).label("state"))
        .select_from(table(table_name))
        .where(row_id > after)
        .order_by(row_id)
        .limit(size)
    )


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
    younger = select(func.min(EVENT.c.seq)).where(EVENT.c.at >= moment).scalar_subquery()
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
