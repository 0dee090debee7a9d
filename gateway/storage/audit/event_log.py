"""Queries about the audit log."""

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    Integer,
    Row,
    Select,
    and_,
    bindparam,
    column,
    insert,
    literal_column,
    select,
    table,
    true,
)
from sqlalchemy.dialects.sqlite import insert as upsert

from gateway.domain.audit import AuditAction, AuditEvent, AuditUnavailable, SealedEvent
from gateway.domain.delivered_sets import BLOCK_EVENTS, DeliveredSet, with_secrets
from gateway.storage.audit import records
from gateway.storage.audit.changes import Key
from gateway.storage.audit.row_macs import integrity_fault
from gateway.storage.audit.tables import AuditEventRow, AuditHeadRow, DeliveredSetRow
from gateway.storage.checked_view import Head
from gateway.storage.prepared import Planned, Prepared
from gateway.storage.unit_of_work import ReadUnit, WriteUnit

EVENT: Final = AuditEventRow.__table__
DELIVERED_SET: Final = DeliveredSetRow.__table__
HEAD: Final = AuditHeadRow.__table__
# Only a commit of another connection changes it.
_VERSION: Final = table("pragma_data_version", column("data_version"))
_FIELDS: Final = tuple(each.name for each in fields(AuditEvent))
# That an event names a delivered set, which was not moved to another holder or project.
IS_DELIVERED: Final = and_(
    DELIVERED_SET.c.block == EVENT.c.seq.op("/")(literal_column(str(BLOCK_EVENTS))),
    DELIVERED_SET.c.fingerprint == EVENT.c.delivered_set,
    DELIVERED_SET.c.holder_id == EVENT.c.holder_id,
    DELIVERED_SET.c.project_id == EVENT.c.project_id,
)
# The event that was the head when the view opened.
FLOOR: Final = EVENT.alias("floor")
# Every sign-in reads these columns with its own: `head_of` takes their values.
HEAD_COLUMNS: Final = (
    HEAD.c.seq,
    HEAD.c.hash,
    HEAD.c.sealed_access_sum,
    FLOOR.c.hash,
    HEAD.c.sealed_sum,
    select(_VERSION.c.data_version).scalar_subquery(),
)
_IS_FLOOR: Final = FLOOR.c.seq == bindparam("floor", type_=Integer)
_HEAD: Final = Prepared(
    select(*HEAD_COLUMNS).select_from(
        select(true()).subquery().outerjoin(HEAD, HEAD.c.id == 1).outerjoin(FLOOR, _IS_FLOOR)
    )
)
_ADD_SETS: Final = Prepared(
    upsert(DELIVERED_SET).on_conflict_do_nothing(), written=DELIVERED_SET.c.keys()
)
_ADD_EVENTS: Final = Prepared(insert(EVENT), written=EVENT.c.keys())
_KEEP_HEAD: Final = Prepared(
    upsert(HEAD).on_conflict_do_update(
        index_elements=[HEAD.c.id],
        set_={name: upsert(HEAD).excluded[name] for name in HEAD.c.keys() if name != "id"},  # noqa: SIM118 - iterating gives columns
    ),
    written=HEAD.c.keys(),
)


async def head_for_write(unit: WriteUnit) -> tuple[Head | None, int]:
    """Return the head, and the connection's data version: see `dialects.catalog`.

    Nobody else writes while this unit does, so a sign-in in it has found both.

    Raises:
        AuditUnavailable: if they cannot be read.

    """
    if unit.head_columns is None:
        (row,) = await unit.rows(_HEAD(floor=floor_of(unit)), refusal=AuditUnavailable)
        return head_of(row), row[-1]
    return head_of(unit.head_columns), unit.head_columns[-1]


async def head(unit: ReadUnit) -> Head | None:
    (row,) = await unit.rows(_HEAD(floor=floor_of(unit)))
    return head_of(row)


def floor_of(unit: ReadUnit) -> int:
    """Return the number of the event that was the head when the view opened."""
    return unit.floor.seq if unit.floor else 0


def head_of(columns: Sequence[Any]) -> Head | None:
    """Build the head from the values of HEAD_COLUMNS; None if the log has no event."""
    seq, event_hash, sealed_access_sum, floor_hash, sealed_sum, _ = columns
    if seq is None:
        return None
    return Head(
        seq,
        event_hash,
        sealed_sum=sealed_sum,
        sealed_access_sum=sealed_access_sum,
        floor_hash=floor_hash,
    )


async def prove(unit: ReadUnit) -> None:
    """Prove the view unless it is proven: its head must continue what this process has seen.

    Raises:
        DatabaseNotTrusted: if the head does not continue it.

    """
    if not unit.is_proven:
        await unit.accept(await head(unit))


def append(unit: WriteUnit, events: Sequence[SealedEvent]) -> None:
    """Append new events to the chain; the unit raises AuditUnavailable if they cannot be stored."""
    sets = [_delivered_set(sealed.event) for sealed in events]
    new_sets = [
        {column.name: getattr(found[0], column.name) for column in DELIVERED_SET.columns}
        for found in sets
        if found
    ]
    if new_sets:
        unit.plan(Planned(_ADD_SETS.many(new_sets), AuditUnavailable))
    unit.plan(Planned(_ADD_EVENTS.many(map(_stored, events, sets)), AuditUnavailable))


def _delivered_set(event: AuditEvent) -> tuple[DeliveredSet, str] | None:
    if event.action != AuditAction.VALUES_DELIVERED:
        return None
    return DeliveredSet.of(
        event.details, seq=event.seq, holder_id=event.holder_id, project_id=event.project_id
    )


def _stored(sealed: SealedEvent, delivered: tuple[DeliveredSet, str] | None) -> dict[str, Any]:
    """Return the columns of an event; `delivered` is what takes its list out of its details."""
    columns = {name: getattr(sealed.event, name) for name in _FIELDS} | {"hash": sealed.hash}
    if delivered is None:
        return columns | {"delivered_set": None}
    found, details = delivered
    return columns | {"details": details, "delivered_set": found.fingerprint}


def keep_head(unit: WriteUnit, head: Head, macs: Mapping[Key, bytes | None]) -> None:
    """Store the head, and the newest MACs of rows with it; None is that of a deleted row.

    The unit raises AuditUnavailable if they cannot be stored.
    """
    records.keep(unit, macs)
    kept = _KEEP_HEAD(
        id=1,
        seq=head.seq,
        hash=head.hash,
        sealed_sum=head.sealed_sum,
        sealed_access_sum=head.sealed_access_sum,
    )
    unit.plan(Planned(kept, AuditUnavailable))


def select_events() -> Select[Any]:
    """Select events, each with the list of what it delivered."""
    rows = EVENT.outerjoin(DELIVERED_SET, IS_DELIVERED)
    return select(EVENT, DELIVERED_SET.c.secrets).select_from(rows)


async def chain(
    unit: ReadUnit, *, after: int, size: int, since: datetime | None = None
) -> Sequence[SealedEvent]:
    wanted = select_events().where(EVENT.c.seq > after).order_by(EVENT.c.seq)
    if since is not None:
        wanted = wanted.where(EVENT.c.at >= since)
    return [sealed_of(row) for row in await unit.rows(wanted.limit(size))]


async def sealed(unit: ReadUnit, seq: int) -> SealedEvent | None:
    row = await unit.first(select_events().where(EVENT.c.seq == seq))
    return sealed_of(row) if row else None


async def newest(unit: ReadUnit) -> SealedEvent | None:
    row = await unit.first(select_events().order_by(EVENT.c.seq.desc()).limit(1))
    return sealed_of(row) if row else None


def sealed_of(row: Row[Any]) -> SealedEvent:
    """Build an event from its row in `select_events`."""
    event = AuditEvent(**{name: getattr(row, name) for name in _FIELDS})
    if row.secrets is not None:
        event = replace(event, details=with_secrets(event.details, row.secrets))
    return SealedEvent(event, row.hash)


def intact_event_of(unit: ReadUnit, row: Row[Any]) -> AuditEvent:
    """Build an event from its row, if the row is what was recorded.

    Raises:
        IntegrityFault: after logging it.

    """
    found = sealed_of(row)
    if not unit.is_intact(found):
        raise integrity_fault(EVENT.name, str(row.seq))
    return found.event
