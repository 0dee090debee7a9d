"""Filters of the audit log: each page is read through the index that has the fewest events."""

from collections.abc import Callable, Sequence
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
    union,
)

from gateway.domain.audit import AuditAction, AuditFilter, AuditSubject
from gateway.domain.delivered_sets import BLOCK_EVENTS, packed_id
from gateway.domain.permissions import Visibility
from gateway.domain.scopes import Scope
from gateway.storage.audit.event_log import DELIVERED_SET, EVENT
from gateway.storage.holders import HOLDER
from gateway.storage.keyset import Ordering, Parts
from gateway.storage.tables import SecretRow
from gateway.storage.unit_of_work import ReadUnit

NEWEST_FIRST: Final = Ordering("audit", (EVENT.c.seq,), is_descending=True)
# The condition of the partial index over the changes of secrets, in its own words.
IS_OF_SECRET: Final = EVENT.c.subject == literal_column(f"'{AuditSubject.SECRET}'")
# The condition of the partial index over actions, in its own words.
_NOT_DELIVERED: Final = EVENT.c.action != literal_column("'VALUES_DELIVERED'")
_SECRET: Final = SecretRow.__table__
# More parts cost more than they save.
_MAX_PARTS: Final = 50
# Beyond this many events, an index has too many to matter how many more.
_MAX_COUNTED: Final = 1_000

Conditions = Sequence[ColumnElement[bool]]
# Turns a column into what a condition compares.
Compared = Callable[[Any], Any]


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
    indexed = _alternatives(visibility, below, only, lambda column: column)
    first = await _fewest(unit, indexed, only)
    others = _alternatives(visibility, below, only, unindexed)
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
    visibility: Visibility, below: Sequence[str], only: AuditFilter, compared: Compared
) -> list[Conditions]:
    holder_id, project_id = compared(EVENT.c.holder_id), compared(EVENT.c.project_id)
    found: list[Conditions] = []
    if only.secret_id is not None:
        is_change = and_(IS_OF_SECRET, compared(EVENT.c.subject_id) == only.secret_id)
        found.append([is_change, compared(EVENT.c.seq).in_(_deliveries_of(only.secret_id))])
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


def _deliveries_of(secret_id: str) -> Select[Any]:
    """Select the numbers of the events that delivered a secret's value.

    A secret never leaves its project. Its deletion has an event, later than each of its deliveries,
    so the project is known as long as one of them is kept.
    """
    change, delivery, found = EVENT.alias("change"), EVENT.alias("delivery"), DELIVERED_SET.c
    is_change = change.c.subject == literal_column(f"'{AuditSubject.SECRET}'")
    projects = union(
        select(_SECRET.c.project_id).where(_SECRET.c.id == secret_id),
        select(change.c.project_id).where(is_change, change.c.subject_id == secret_id),
    )
    first = found.block * BLOCK_EVENTS
    is_named = and_(
        delivery.c.holder_id == found.holder_id,
        delivery.c.seq.between(first, first + (BLOCK_EVENTS - 1)),
        delivery.c.delivered_set == found.fingerprint,
    )
    return (
        select(delivery.c.seq)
        .select_from(DELIVERED_SET.join(delivery, is_named))
        .where(found.project_id.in_(projects))
        .where(func.instr(found.secrets, packed_id(secret_id)) > 0)
    )
