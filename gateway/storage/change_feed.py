"""Queries about the change feed: the audit log, read as a list of changes of secrets."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Row, select

from gateway.domain.audit import FIRST_HASH, AuditAction
from gateway.domain.change_feed import ChangeKind, FeedCursor, SecretChange
from gateway.storage.audit.changes import FORMER
from gateway.storage.audit.delivered_sets import HAS_NO_SET, Deliveries
from gateway.storage.audit.event_log import (
    DELIVERED_SET,
    EVENT,
    HEAD,
    intact_event_of,
    select_events,
)
from gateway.storage.keyset import Parts
from gateway.storage.unit_of_work import ReadUnit

MAX_AT_ONCE: Final = 100

_KINDS: Final[Mapping[str, ChangeKind]] = {
    AuditAction.SECRET_CREATED: ChangeKind.CREATED,
    AuditAction.SECRET_CHANGED: ChangeKind.UPDATED,
    AuditAction.SECRET_DELETED: ChangeKind.DELETED,
}


@dataclass(frozen=True, slots=True)
class Batch:
    """Changes in order, and the position up to which the log was read for them."""

    changes: tuple[SecretChange, ...]
    position: FeedCursor = field(repr=False)
    has_more: bool


async def head(unit: ReadUnit) -> FeedCursor:
    """Return the cursor after the newest event."""
    row = await unit.first(select(HEAD.c.seq, HEAD.c.hash))
    return FeedCursor.after(row.seq, row.hash) if row else FeedCursor(0, "")


async def is_known(unit: ReadUnit, position: FeedCursor) -> bool:
    """Return whether the log has every event after this cursor, and the cursor is of this log."""
    event_hash = await unit.first(select(EVENT.c.hash).where(EVENT.c.seq == position.seq))
    if event_hash is None:
        # If the events up to the cursor were deleted, the next event has their last hash.
        following = EVENT.c.seq == position.seq + 1
        event_hash = await unit.first(select(EVENT.c.prev_hash).where(following))
    return event_hash is not None and position.points_at(event_hash[0])


async def newest_of(unit: ReadUnit, organization_id: str) -> FeedCursor:
    """Return the cursor after an organization's newest event.

    Without such an event it is the beginning of the kept log. Events of other organizations do not
    move it.
    """
    other = (
        select(EVENT.c.seq)
        .where(HAS_NO_SET, EVENT.c.organization_id == organization_id)
        .order_by(EVENT.c.seq.desc())
        .limit(1)
    )
    delivered = Deliveries(unit, [DELIVERED_SET.c.organization_id == organization_id])
    seqs = [row.seq for row in await unit.rows(other)] + [*await delivered.seqs(1)]
    newest = select(EVENT.c.seq, EVENT.c.hash).where(EVENT.c.seq == max(seqs, default=0))
    if row := await unit.first(newest):
        return FeedCursor.after(row.seq, row.hash)
    oldest = select(EVENT.c.seq, EVENT.c.prev_hash).order_by(EVENT.c.seq).limit(1)
    row = await unit.first(oldest)
    return FeedCursor.after(row.seq - 1, row.prev_hash) if row else FeedCursor.after(0, FIRST_HASH)


async def changes(
    unit: ReadUnit,
    position: FeedCursor,
    holder_ids: Collection[str],
    *,
    cursor_of: Callable[[FeedCursor], str],
) -> Batch:
    """Return the changes of these holders' secrets after a cursor, oldest first, up to a bound.

    A value that was only sealed again, with another data key, has not changed.
    """
    after = select(EVENT.c.seq).where(EVENT.c.seq > position.seq, EVENT.c.action.in_(_KINDS))
    after = after.where(HAS_NO_SET)
    by_holder = Parts(
        select_events(), EVENT.c.seq, [EVENT.c.holder_id == id_ for id_ in holder_ids]
    )
    firsts = by_holder.first_of(after, [EVENT.c.seq], MAX_AT_ONCE)
    rows = await unit.rows(firsts.order_by(EVENT.c.seq).limit(MAX_AT_ONCE))
    events = ((row, intact_event_of(unit, row).facts) for row in rows)
    return Batch(
        changes=tuple(
            _change(row, facts, cursor_of) for row, facts in events if not _is_silent(facts)
        ),
        position=FeedCursor.after(rows[-1].seq, rows[-1].hash) if rows else position,
        has_more=len(rows) == MAX_AT_ONCE,
    )


async def subjects_since(unit: ReadUnit, seq: int) -> Sequence[tuple[str, str | None]]:
    """Return the kinds and projects of the subjects of changes after a number."""
    rows = await unit.rows(
        select(EVENT.c.subject, EVENT.c.project_id).where(EVENT.c.seq > seq, HAS_NO_SET).distinct()
    )
    return [(row.subject, row.project_id) for row in rows]


def _is_silent(facts: Mapping[str, Any]) -> bool:
    return bool(facts.get("is_sealed_anew"))


def _change(
    row: Row[Any], facts: Mapping[str, Any], cursor_of: Callable[[FeedCursor], str]
) -> SecretChange:
    return SecretChange(
        seq=row.seq,
        cursor=cursor_of(FeedCursor.after(row.seq, row.hash)),
        kind=_KINDS[AuditAction(row.action)],
        secret_id=row.subject_id,
        key=row.key,
        former_key=facts.get(f"{FORMER}key"),
        holder_id=row.holder_id,
        at=row.at,
        is_new_value=bool(facts.get("is_new_value", True)),
    )
