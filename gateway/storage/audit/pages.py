"""Pages of the audit log."""

from collections.abc import Collection, Iterable
from dataclasses import replace
from functools import partial
from itertools import accumulate
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, func, or_, select

from gateway.domain.audit import AuditEvent, AuditFilter, AuditSubject
from gateway.domain.pages import Page, Window
from gateway.domain.permissions import Visibility
from gateway.storage.audit.event_log import EVENT, MENTION, intact_event_of
from gateway.storage.holders import HOLDER
from gateway.storage.keyset import Ordering, fetch_page, holders_covered
from gateway.storage.secrets import SECRET
from gateway.storage.unit_of_work import ReadUnit

_NEWEST_FIRST: Final = Ordering("audit", (EVENT.c.seq,), is_descending=True)
_IDS_AT_ONCE: Final = 5_000
# Characters of details in one page. A delivery of 5,000 keys has about 240,000.
MAX_DETAILS: Final = 1024 * 1024


def cursor_at(seq: int) -> str:
    """Return the event's cursor, which `page` accepts."""
    return _NEWEST_FIRST.cursor_at([seq])


async def page(
    unit: ReadUnit, visibility: Visibility, window: Window, only: AuditFilter
) -> Page[AuditEvent]:
    """Return a page of events, newest first.

    The page ends early if the details of its events would be too long together.

    Raises:
        IntegrityFault: if an event is not what was recorded. No reader can overlook that.

    """
    conditions = (_visible(visibility), *_conditions(only))
    sizes = await fetch_page(
        unit,
        select(func.length(EVENT.c.details)).where(*conditions),
        ordering=_NEWEST_FIRST,
        window=window,
        build=_size,
    )
    nearest_first = reversed(sizes.entries) if window.is_backward else sizes.entries
    return await fetch_page(
        unit,
        select(EVENT).where(*conditions),
        ordering=_NEWEST_FIRST,
        window=replace(window, size=_fitting(entry.item for entry in nearest_first)),
        build=partial(intact_event_of, unit),
    )


def _size(row: Row[Any]) -> int:
    return int(row[0] or 0)


def _fitting(sizes: Iterable[int]) -> int:
    """Return how many of the first events fit one page; at least one."""
    totals = accumulate(sizes)
    return sum(total <= MAX_DETAILS or number == 0 for number, total in enumerate(totals))


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
            select(EVENT.c.subject_id)
            .join(MENTION, MENTION.c.seq == EVENT.c.seq)
            .where(
                MENTION.c.secret_id.in_([item for item in chunk if item not in found]),
                EVENT.c.subject == AuditSubject.SECRET,
                _visible(visibility),
            )
        )
        found |= {row.subject_id for row in rows}
    return found


def _visible(visibility: Visibility) -> Any:  # noqa: ANN401 - what SQLAlchemy combines
    is_own = EVENT.c.organization_id == visibility.organization_id
    if visibility.is_everywhere:
        return is_own
    # An event outlives its holder. Events of a grant's own holder, and of all below a project,
    # stay visible; events of an environment's deleted services do not.
    ids = sorted(visibility.holder_ids)
    below = select(HOLDER.c.id).where(holders_covered(visibility))
    return is_own & or_(
        EVENT.c.holder_id.in_(ids), EVENT.c.project_id.in_(ids), EVENT.c.holder_id.in_(below)
    )


def _conditions(only: AuditFilter) -> Iterable[ColumnElement[bool]]:
    if only.actor_id is not None:
        yield EVENT.c.actor_id == only.actor_id
    if only.actions is not None:
        yield EVENT.c.action.in_(only.actions)
    if only.secret_id is not None:
        yield EVENT.c.seq.in_(select(MENTION.c.seq).where(MENTION.c.secret_id == only.secret_id))
    if only.holder_id is not None:
        yield or_(EVENT.c.holder_id == only.holder_id, EVENT.c.project_id == only.holder_id)
    if only.since is not None:
        yield EVENT.c.at >= only.since
    if only.until is not None:
        yield EVENT.c.at < only.until
