"""Queries about the audit log."""

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Integer,
    Row,
    Select,
    and_,
    bindparam,
    column,
    func,
    insert,
    literal_column,
    select,
    table,
    true,
)
from sqlalchemy.dialects.sqlite import insert as upsert

from gateway.domain.audit import AuditAction, AuditEvent, AuditUnavailable, SealedEvent
from gateway.domain.delivered_sets import (
    BLOCK_EVENTS,
    SPAN_EVENTS,
    DeliveredSet,
    span_bit,
    with_secrets,
)
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
_SET: Final = DELIVERED_SET.c
# What a delivery has in its set instead, and what its own columns then have.
_IN_SET: Final[Mapping[str, tuple[str, str | None]]] = {
    "actor_id": ("actor_id", ""),
    "subject_id": ("holder_id", ""),
    "organization_id": ("organization_id", None),
    "project_id": ("project_id", None),
    "holder_id": ("holder_id", None),
}
_TAKEN_OUT: Final = {name: empty for name, (_, empty) in _IN_SET.items()}
BLOCK: Final = EVENT.c.seq.op("/")(literal_column(str(BLOCK_EVENTS)))
SPAN: Final = literal_column(f"audit_event.seq % {BLOCK_EVENTS} / {SPAN_EVENTS}", Integer)


def has_span(span: ColumnElement[int]) -> ColumnElement[bool]:
    """Return the condition that a set has events in a span of its block."""
    return _SET.spans.op(">>")(span).op("&")(literal_column("1")) != literal_column("0")


# That an event names a delivered set that has its span.
IS_DELIVERED: Final = and_(
    EVENT.c.action == literal_column(f"'{AuditAction.VALUES_DELIVERED}'"),
    _SET.block == BLOCK,
    _SET.fingerprint == EVENT.c.delivered_set,
    has_span(SPAN),
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
# With more events since, answers are not worth the search.
_MAX_EVENTS: Final = 500
_DELIVERIES: Final = Prepared(
    select(func.count(EVENT.c.delivered_set).label("deliveries")).where(
        EVENT.c.seq > bindparam("after"), EVENT.c.seq <= bindparam("newest")
    )
)
_NEW_SET: Final = upsert(DELIVERED_SET)
_SPANS: Final = _NEW_SET.excluded.spans
# Most deliveries change nothing here.
_ADD_SETS: Final = Prepared(
    _NEW_SET.on_conflict_do_update(
        index_elements=[_SET.block, _SET.fingerprint],
        set_={"spans": _SET.spans.op("|")(_SPANS)},
        where=_SET.spans.op("&")(_SPANS) == 0,
    ),
    written=_SET.keys(),
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


def remember(unit: ReadUnit, columns: Sequence[Any]) -> None:
    """Use what the unit's connection remembers, as far as the values of HEAD_COLUMNS allow.

    A delivery changes nothing that answers show, but for those that are never kept.
    """
    newest, version = columns[0] or 0, columns[-1]

    async def is_changed(position: int) -> bool:
        # Without an event, the commit was none that the log knows.
        if not position < newest <= position + _MAX_EVENTS:
            return True
        (row,) = await unit.rows(_DELIVERIES(after=position, newest=newest))
        return bool(row.deliveries < newest - position)

    unit.remember(version, newest, is_changed)


async def prove(unit: ReadUnit) -> None:
    """Prove the view unless it is proven: its head must continue what this process has seen.

    Raises:
        DatabaseNotTrusted: if the head does not continue it.

    """
    if not unit.is_proven:
        await unit.accept(await head(unit))


def append(unit: WriteUnit, events: Sequence[SealedEvent]) -> None:
    """Append new events to the chain; the unit raises AuditUnavailable if they cannot be stored."""
    found = [DeliveredSet.of(sealed.event) for sealed in events]
    sets = [
        _set_columns(delivered[0], sealed.event.seq)
        for sealed, delivered in zip(events, found, strict=True)
        if delivered
    ]
    if sets:
        unit.plan(Planned(_ADD_SETS.many(sets), AuditUnavailable))
    unit.plan(Planned(_ADD_EVENTS.many(map(_stored, events, found)), AuditUnavailable))


def _set_columns(delivered: DeliveredSet, seq: int) -> dict[str, Any]:
    return {
        "spans": span_bit(seq),
        **{name: getattr(delivered, name) for name in _SET.keys() if name != "spans"},  # noqa: SIM118 - iterating gives columns
    }


def _stored(sealed: SealedEvent, delivered: tuple[DeliveredSet, str] | None) -> dict[str, Any]:
    """Return the columns of an event, without what its set has."""
    columns = {name: getattr(sealed.event, name) for name in _FIELDS} | {"hash": sealed.hash}
    if delivered is None:
        return columns | {"delivered_set": None}
    found, details = delivered
    return columns | _TAKEN_OUT | {"details": details, "delivered_set": found.fingerprint}


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
    """Select events, each with what is in its set."""
    columns = [
        func.coalesce(func.nullif(column, ""), _SET[_IN_SET[column.name][0]]).label(column.name)
        if column.name in _IN_SET
        else column
        for column in EVENT.columns
    ]
    return select(*columns, _SET.secrets).select_from(EVENT.outerjoin(DELIVERED_SET, IS_DELIVERED))


async def chain(unit: ReadUnit, *, after: int, size: int) -> Sequence[SealedEvent]:
    wanted = select_events().where(EVENT.c.seq > after).order_by(EVENT.c.seq)
    return [sealed_of(row) for row in await unit.rows(wanted.limit(size))]


async def sealed(unit: ReadUnit, seq: int) -> SealedEvent | None:
    row = await unit.first(select_events().where(EVENT.c.seq == seq))
    return sealed_of(row) if row else None


async def first_since(unit: ReadUnit, moment: datetime) -> int | None:
    """Return the number of the first event that says it is not before a moment."""
    row = await unit.first(select(func.min(EVENT.c.seq)).where(EVENT.c.at >= moment))
    return row[0] if row else None


async def newest(unit: ReadUnit, *, before: int | None = None) -> SealedEvent | None:
    """Return the newest event of all, or of those before a number."""
    wanted = select_events().order_by(EVENT.c.seq.desc()).limit(1)
    if before is not None:
        wanted = wanted.where(EVENT.c.seq < before)
    row = await unit.first(wanted)
    return sealed_of(row) if row else None


def sealed_of(row: Row[Any]) -> SealedEvent:
    """Build an event from its row in `select_events`."""
    event = AuditEvent(**{name: getattr(row, name) for name in _FIELDS})
    if row.delivered_set is not None:
        # Without its set, an event is not what was recorded: no details were ever empty.
        details = "" if row.secrets is None else with_secrets(event.details, row.secrets)
        event = replace(event, details=details)
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
