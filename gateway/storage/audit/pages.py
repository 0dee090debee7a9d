"""Pages of the audit log."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import accumulate
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, and_, func, or_, select

from gateway.domain.audit import AuditEvent, AuditFilter
from gateway.domain.pages import Entry, Page, Window
from gateway.domain.permissions import Visibility
from gateway.storage.audit.delivered_sets import HAS_LOST_SET, IS_OF_SECRET
from gateway.storage.audit.event_log import (
    DELIVERED_SET,
    EVENT,
    IS_DELIVERED,
    intact_event_of,
    select_events,
)
from gateway.storage.audit.filters import NEWEST_FIRST, Filtered, filtered, unindexed
from gateway.storage.audit.log_times import FaultyEvents, LogTimes, Period
from gateway.storage.audit.row_macs import integrity_fault
from gateway.storage.keyset import fetch_page, holders_covered
from gateway.storage.live_rows import HOLDER, SECRET
from gateway.storage.unit_of_work import ReadUnit

_SET_SIZE: Final = select(func.length(DELIVERED_SET.c.secrets)).where(IS_DELIVERED)
# A delivered secret has 17 bytes or more in its set, and at most 43 characters in the details.
_SIZE: Final = (
    func.coalesce(func.length(EVENT.c.details), 0)
    + 3 * func.coalesce(_SET_SIZE.correlate(EVENT).scalar_subquery(), 0)
).label("size")
_IDS_AT_ONCE: Final = 5_000
# Characters of details in one page. A delivery of 5,000 keys has about 240,000.
MAX_DETAILS: Final = 1024 * 1024


def cursor_at(seq: int) -> str:
    """Return the event's cursor, which `page` accepts."""
    return NEWEST_FIRST.cursor_at([seq])


async def page(
    unit: ReadUnit, visibility: Visibility, window: Window, only: AuditFilter, times: LogTimes
) -> Page[AuditEvent]:
    """Return a page of events, newest first.

    The page ends early if the details of its events would be too long together.

    Raises:
        IntegrityFault: if an event is not what was recorded. No reader can overlook that.

    """
    period = await times.between(unit, only.since, only.until)
    found = await filtered(unit, visibility, only, period)
    first, last = _bounds(period, window)
    deliveries = found.deliveries
    near = replace(deliveries, first=first, last=last) if deliveries else None
    delivered = await near.seqs(window.size + 1, is_ascending=window.is_backward) if near else ()
    statement, parts = found.page(select(EVENT.c.seq, _SIZE), delivered)
    sizes = await fetch_page(
        unit, statement, ordering=NEWEST_FIRST, window=window, build=_seq_and_size, parts=parts
    )
    if times.faulty:
        seqs = [entry.item[0] for entry in sizes.entries]
        first = min(seqs) if sizes.has_next and seqs else first
        last = max(seqs) if sizes.has_previous and seqs else last
        await refuse_faulty(unit, times.faulty, first, last, has_deliveries=near is not None)
    nearest_first = reversed(sizes.entries) if window.is_backward else sizes.entries
    kept = _fitting(dict(entry.item for entry in nearest_first))
    rows = await unit.rows(select_events().where(EVENT.c.seq.in_(kept)))
    events = {row.seq: intact_event_of(unit, row) for row in rows}
    is_cut = len(events) < len(sizes.entries)
    return Page(
        entries=tuple(
            Entry(events[each.item[0]], each.make_cursor)
            for each in sizes.entries
            if each.item[0] in events
        ),
        has_next=sizes.has_next or (is_cut and not window.is_backward),
        has_previous=sizes.has_previous or (is_cut and window.is_backward),
        count=partial(_count, unit, found),
    )


def _bounds(period: Period, window: Window) -> tuple[int, int]:
    """Return the numbers of the first and of the last event that can be on a page."""
    first, last = period.first, period.last
    if window.after is not None:
        last = min(last, _seq_of(window.after) - 1)
    if window.before is not None:
        first = max(first, _seq_of(window.before) + 1)
    return first, last


async def refuse_faulty(
    unit: ReadUnit, faulty: FaultyEvents, first: int, last: int, *, has_deliveries: bool
) -> None:
    """Refuse what is read between these numbers if an event there is not what was recorded.

    No column of such an event says whether it belongs to what is read.

    Raises:
        IntegrityFault: after logging it.

    """
    if faulty.ended_at is not None and last > faulty.ended_at:
        raise integrity_fault(EVENT.name, str(faulty.ended_at + 1))
    is_suspect: ColumnElement[bool] = EVENT.c.seq.in_(
        [seq for seq in faulty.seqs if first <= seq <= last]
    )
    if has_deliveries:
        is_suspect = or_(is_suspect, and_(EVENT.c.seq.between(first, last), HAS_LOST_SET))
    for row in await unit.rows(select_events().where(is_suspect).limit(len(faulty.seqs) + 1)):
        intact_event_of(unit, row)


def _seq_of(cursor: str) -> int:
    (seq,) = NEWEST_FIRST.sort_keys(cursor)
    return int(str(seq))


async def _count(unit: ReadUnit, found: Filtered) -> int:
    others = select(func.count()).select_from(EVENT).where(found.others)
    (row,) = await unit.rows(others)
    return int(row[0]) + (await found.deliveries.count() if found.deliveries else 0)


def _seq_and_size(row: Row[Any]) -> tuple[int, int]:
    return row.seq, row.size


def _fitting(sizes: Mapping[int, int]) -> Sequence[int]:
    """Return the numbers of the first events that fit one page; at least one."""
    totals = accumulate(sizes.values())
    return [
        seq
        for (seq, size), total in zip(sizes.items(), totals, strict=True)
        if total <= MAX_DETAILS or total == size
    ]


async def visible_secret_ids(
    unit: ReadUnit, visibility: Visibility, ids: Collection[str]
) -> set[str]:
    """Return those of the secrets that are visible, or were visible before they were deleted."""
    found: set[str] = set()
    wanted = sorted(ids)
    for start in range(0, len(wanted), _IDS_AT_ONCE):
        chunk = wanted[start : start + _IDS_AT_ONCE]
        present = await unit.rows(
            select(SECRET.c.id)
            .join(HOLDER, HOLDER.c.id == SECRET.c.holder_id)
            .where(SECRET.c.id.in_(chunk), holders_covered(visibility))
        )
        found |= {row.id for row in present}
        rows = await unit.rows(
            select(EVENT.c.subject_id).where(
                IS_OF_SECRET,
                EVENT.c.subject_id.in_([item for item in chunk if item not in found]),
                _visible(visibility),
            )
        )
        found |= {row.subject_id for row in rows}
    return found


def _visible(visibility: Visibility) -> Any:  # noqa: ANN401 - what SQLAlchemy combines
    # The index over the events of secrets leads to them.
    is_own = unindexed(EVENT.c.organization_id) == visibility.organization_id
    if visibility.is_everywhere:
        return is_own
    ids = sorted(visibility.holder_ids)
    below = select(HOLDER.c.id).where(holders_covered(visibility))
    holder_id, project_id = unindexed(EVENT.c.holder_id), unindexed(EVENT.c.project_id)
    return is_own & or_(holder_id.in_(ids), project_id.in_(ids), holder_id.in_(below))
