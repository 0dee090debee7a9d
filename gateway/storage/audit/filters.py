"""Filters of the audit log: each page is read through the index that has the fewest events."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    false,
    func,
    literal,
    literal_column,
    or_,
    select,
)

from gateway.domain.audit import AuditAction, AuditFilter
from gateway.domain.permissions import Visibility
from gateway.domain.scopes import Scope
from gateway.storage.audit.delivered_sets import IS_OF_SECRET, Compared, Condition, deliveries_of
from gateway.storage.audit.event_log import EVENT
from gateway.storage.keyset import Parts
from gateway.storage.live_rows import HOLDER
from gateway.storage.ordering import Ordering
from gateway.storage.unit_of_work import ReadUnit

NEWEST_FIRST: Final = Ordering("audit", (EVENT.c.seq,), is_descending=True)
# The condition of the partial index over actions, in its own words.
_NOT_DELIVERED: Final = EVENT.c.action != literal_column("'VALUES_DELIVERED'")
# More parts cost more than they save.
_MAX_PARTS: Final = 50
# Beyond this many events, an index has too many to matter how many more.
_MAX_COUNTED: Final = 1_000

Conditions = Sequence[ColumnElement[bool]]


@dataclass(frozen=True, slots=True)
class Filtered:
    """The events that match; without parts, one index has them in order."""

    statement: Select[Any]
    ordering: Ordering
    parts: Parts | None


async def filtered(
    unit: ReadUnit,
    selection: Select[Any],
    visibility: Visibility,
    only: AuditFilter,
    times: Conditions,
) -> Filtered:
    """Select the visible events that match a filter.

    An event matches if it meets one of the alternatives of each condition. The alternatives of one
    condition lead to the events; only their columns are compared so that an index is used.
    """
    below = [] if visibility.is_everywhere else await _ids_below(unit, visibility)
    delivered = await deliveries_of(unit, only.secret_id) if only.secret_id is not None else ()
    indexed = _alternatives(visibility, below, only, delivered, lambda column: column)
    first = await _fewest(unit, indexed, only)
    others = _alternatives(visibility, below, only, delivered, unindexed)
    is_own = unindexed(EVENT.c.organization_id) == visibility.organization_id
    if first is None:
        is_own = EVENT.c.organization_id == visibility.organization_id
    conditions = [
        or_(*(indexed if number == first else others)[number]) for number in range(len(indexed))
    ]
    statement = selection.where(is_own, *conditions, *times)
    if first is None:
        return Filtered(statement, NEWEST_FIRST, None)
    return Filtered(statement, NEWEST_FIRST, Parts(selection, EVENT.c.seq, indexed[first]))


def unindexed(column: Any) -> Any:  # noqa: ANN401 - what SQLAlchemy compares
    """Return what equals the column and is in no index, so that another index is used."""
    return func.coalesce(column, "")


async def _ids_below(unit: ReadUnit, visibility: Visibility) -> Sequence[str]:
    """Return the ids of the services in environments with a grant."""
    environments = [each.id for each in visibility.holders if each.kind is Scope.ENVIRONMENT]
    if not environments:
        return []
    statement = select(HOLDER.c.id).where(HOLDER.c.environment_id.in_(environments))
    return [row.id for row in await unit.rows(statement)]


async def _fewest(
    unit: ReadUnit, alternatives: Sequence[Conditions], only: AuditFilter
) -> int | None:
    """Return the number of the condition whose indexes have the fewest events."""
    few = [number for number, each in enumerate(alternatives) if len(each) <= _MAX_PARTS]
    if AuditAction.VALUES_DELIVERED in (only.actions or ()) and len(few) > 1:
        # The index over actions leaves deliveries out, and actions are the last condition.
        few.pop()
    if len(few) <= 1:
        return next(iter(few), None)
    counts = (sum(map(_count, alternatives[number]), literal(0)) for number in few)
    row = await unit.first(select(*counts))
    return min(zip(row or (), few, strict=True))[1]


def _count(condition: ColumnElement[bool]) -> Any:  # noqa: ANN401 - what SQLAlchemy adds
    some = select(EVENT.c.seq).where(condition).limit(_MAX_COUNTED).subquery()
    return select(func.count()).select_from(some).scalar_subquery()


def _alternatives(
    visibility: Visibility,
    below: Sequence[str],
    only: AuditFilter,
    delivered: Sequence[Condition],
    compared: Compared,
) -> list[Conditions]:
    holder_id, project_id = compared(EVENT.c.holder_id), compared(EVENT.c.project_id)
    found: list[Conditions] = []
    if only.secret_id is not None:
        is_changed = and_(IS_OF_SECRET, compared(EVENT.c.subject_id) == only.secret_id)
        found.append([is_changed, *(condition(compared) for condition in delivered)])
    if only.holder_id is not None:
        found.append([holder_id == only.holder_id, project_id == only.holder_id])
    if only.actor_id is not None:
        found.append([compared(EVENT.c.actor_id) == only.actor_id])
    if not visibility.is_everywhere:
        # An event outlives its holder. Events of a grant's own holder, and of all below a project,
        # stay visible; events of an environment's deleted services do not.
        own = sorted(visibility.holder_ids)
        found.append(
            [
                *(holder_id == each for each in (*own, *below)),
                *(project_id == each for each in own),
            ]
        )
    if only.actions is not None:
        is_own = compared(EVENT.c.organization_id) == visibility.organization_id
        action = compared(EVENT.c.action)
        found.append([and_(is_own, action == each, *_of_index(each)) for each in only.actions])
    return [each or [false()] for each in found]


def _of_index(action: AuditAction) -> Conditions:
    return () if action is AuditAction.VALUES_DELIVERED else (_NOT_DELIVERED,)
