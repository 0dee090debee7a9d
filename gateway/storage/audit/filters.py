"""Filters of the audit log: each page is read through the index that has the fewest events."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, and_, false, func, literal, or_, select

from gateway.domain.audit import AuditAction, AuditFilter
from gateway.domain.permissions import Visibility
from gateway.domain.scopes import Scope
from gateway.storage.audit.delivered_sets import HAS_NO_SET, IS_OF_SECRET, Deliveries, has_secret
from gateway.storage.audit.event_log import DELIVERED_SET, EVENT
from gateway.storage.audit.log_times import Period
from gateway.storage.keyset import Parts
from gateway.storage.live_rows import HOLDER
from gateway.storage.ordering import Ordering
from gateway.storage.prepared import Parameters
from gateway.storage.unit_of_work import ReadUnit

NEWEST_FIRST: Final = Ordering("audit", (EVENT.c.seq,), is_descending=True)
# More parts cost more than they save.
_MAX_PARTS: Final = 50
# Beyond this many events, an index has too many to matter how many more.
_MAX_COUNTED: Final = 1_000
_SET: Final = DELIVERED_SET.c

Conditions = Sequence[ColumnElement[bool]]
# Turns a column into what a condition compares.
Compared = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Filtered:
    """The events that match: those with a set, and the others, which indexes lead to."""

    deliveries: Deliveries | None
    others: ColumnElement[bool]
    indexed: Conditions

    def page(self, selection: Select[Any], seqs: Sequence[int]) -> tuple[Select[Any], Parts]:
        """Select the other events, and the deliveries with these numbers."""
        given = Parameters({"seqs": list(seqs)})
        either = or_(self.others, unindexed(EVENT.c.seq).in_(given.each("seqs")))
        parts = Parts(selection, EVENT.c.seq, [*self.indexed, EVENT.c.seq.in_(given.each("seqs"))])
        return selection.where(either), parts


async def filtered(
    unit: ReadUnit, visibility: Visibility, only: AuditFilter, period: Period
) -> Filtered:
    """Select the visible events that match a filter.

    An event matches if it meets one of the alternatives of each condition. The alternatives of one
    condition lead to the events; only their columns are compared so that an index is used.
    """
    below = [] if visibility.is_everywhere else await _ids_below(unit, visibility)
    indexed = _alternatives(visibility, below, only, lambda column: column)
    first = await _fewest(unit, indexed)
    found = _alternatives(visibility, below, only, unindexed)
    found[first] = indexed[first]
    all_of = [or_(*each) for each in found]
    return Filtered(
        _deliveries(unit, visibility, below, only, period),
        and_(HAS_NO_SET, *all_of, *period.times, *period.numbers),
        [and_(HAS_NO_SET, each) for each in indexed[first]],
    )


def _deliveries(
    unit: ReadUnit,
    visibility: Visibility,
    below: Sequence[str],
    only: AuditFilter,
    period: Period,
) -> Deliveries | None:
    if only.actions is not None and AuditAction.VALUES_DELIVERED not in only.actions:
        return None
    found: list[Conditions] = []
    if only.secret_id is not None:
        found.append([has_secret(only.secret_id)])
    if only.holder_id is not None:
        found.append([_SET.holder_id == only.holder_id, _SET.project_id == only.holder_id])
    if only.actor_id is not None:
        found.append([_SET.actor_id == only.actor_id])
    if not visibility.is_everywhere:
        own = sorted(visibility.holder_ids)
        found.append([_SET.holder_id.in_([*own, *below]), _SET.project_id.in_(own)])
    found.append([_SET.organization_id == visibility.organization_id])
    # The first one leads to the sets. Only its columns are compared so that an index is used.
    first, *others = found
    sets = [and_(each, *(unindexed(or_(*other)) for other in others)) for each in first]
    return Deliveries(unit, sets, period.times, period.first, period.last)


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


async def _fewest(unit: ReadUnit, alternatives: Sequence[Conditions]) -> int:
    """Return the number of the condition whose indexes have the fewest events."""
    few = [number for number, each in enumerate(alternatives) if len(each) <= _MAX_PARTS]
    if few == [0]:
        return 0
    counts = (sum(map(_count, alternatives[number]), literal(0)) for number in few)
    row = await unit.first(select(*counts))
    # Of equal numbers the last: any condition is stricter than the organization, the first one.
    return min(zip(row or (), few, strict=True), key=lambda each: (each[0], -each[1]))[1]


def _count(condition: ColumnElement[bool]) -> Any:  # noqa: ANN401 - what SQLAlchemy adds
    some = select(EVENT.c.seq).where(HAS_NO_SET, condition).limit(_MAX_COUNTED).subquery()
    return select(func.count()).select_from(some).scalar_subquery()


def _alternatives(
    visibility: Visibility, below: Sequence[str], only: AuditFilter, compared: Compared
) -> list[Conditions]:
    holder_id, project_id = compared(EVENT.c.holder_id), compared(EVENT.c.project_id)
    is_own = compared(EVENT.c.organization_id) == visibility.organization_id
    found: list[Conditions] = [[is_own]]
    if only.secret_id is not None:
        found.append([and_(IS_OF_SECRET, compared(EVENT.c.subject_id) == only.secret_id)])
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
        action = compared(EVENT.c.action)
        found.append([and_(is_own, action == each) for each in only.actions])
    return [each or [false()] for each in found]
