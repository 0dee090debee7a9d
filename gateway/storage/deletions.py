"""Delete rows of holders and organizations, at once or hidden at once and in steps.

Unlike all other queries, these read the tables themselves: `live_rows` leaves out what is deleted.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import groupby
from typing import Final

from sqlalchemy import ColumnElement, func, or_, select

from gateway.domain.scopes import Scope
from gateway.storage import version_removal
from gateway.storage.access_tables import DeletionRow
from gateway.storage.audit.event_log import prove
from gateway.storage.audit.row_macs import (
    CLAIM_RULES,
    DELETIONS,
    GRANTS,
    HOLDERS,
    ORGANIZATIONS,
    SECRETS,
    TOKENS,
    USERS,
    VERSIONS,
    Covered,
    integrity_fault,
    verified_row,
)
from gateway.storage.rows import delete_rows, in_parts, update_rows
from gateway.storage.unit_of_work import ReadUnit, WriteUnit
from gateway.storage.version_removal import VersionKey

_HOLDER: Final = HOLDERS.table
_SECRET: Final = SECRETS.table
# Access rows that can be at a holder.
_AT_HOLDERS: Final = (GRANTS, CLAIM_RULES)
_DELETION: Final = DELETIONS.table
_VERSION: Final = VERSIONS.table


@dataclass(frozen=True, slots=True, kw_only=True)
class Deletion:
    """A holder or an organization that is hidden until all its rows are deleted."""

    id: str
    organization_id: str
    name: str
    created_at: datetime
    holders: int
    secrets: int
    origin: str

    @property
    def is_of_organization(self) -> bool:
        return self.id == self.organization_id


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows to delete together: secrets, former states, and then empty holders, the lowest first."""

    secret_ids: Sequence[str]
    versions: Sequence[VersionKey]
    holders: Sequence[tuple[str, Scope]]


def at_or_below(holder_id: str) -> ColumnElement[bool]:
    """Return the condition that a row is the holder, or one below it."""
    columns = (_HOLDER.c.id, _HOLDER.c.environment_id, _HOLDER.c.project_id)
    return or_(*(column == holder_id for column in columns))


def of_organization(organization_id: str) -> ColumnElement[bool]:
    """Return the condition that a holder is of an organization."""
    return _HOLDER.c.organization_id == organization_id


async def has_more_than(unit: ReadUnit, at: ColumnElement[bool], rows: int) -> bool:
    """Return whether more than this many holders meet a condition.

    Their secrets count too, and the secrets' former states.
    """
    ids = select(_HOLDER.c.id).where(at)
    there = select(_SECRET.c.id).where(_SECRET.c.holder_id.in_(ids))
    former = select(_VERSION.c.secret_id).where(_VERSION.c.holder_id.in_(ids))
    first, *others = (
        select(func.count()).select_from(each.limit(rows + 1).subquery()).scalar_subquery()
        for each in (ids, there, former)
    )
    row = await unit.first(select(sum(others, start=first).label("rows")))
    return row is not None and row.rows > rows


async def begin(unit: WriteUnit, deletion: Deletion, covered: Covered) -> None:
    """Hide a holder or an organization, a row of this table, and free its name.

    Raises:
        IntegrityFault: if the row is not what the gateway wrote.

    """
    before = await verified_row(unit, covered, deletion.id)
    # No name has a line break, so nothing else can have this one.
    await update_rows(unit, covered, [(before, {"name": f"deleted\n{deletion.id}"})])
    await unit.insert(DeletionRow(**asdict(deletion)))


async def find_unfinished(unit: ReadUnit) -> Sequence[str]:
    """Return the ids of deletions that have rows left, the oldest first."""
    rows = await unit.rows(select(_DELETION.c.id).order_by(_DELETION.c.created_at, _DELETION.c.id))
    return [row.id for row in rows]


async def find(unit: ReadUnit, deletion_id: str) -> Deletion | None:
    """Return a deletion that has rows left.

    Raises:
        IntegrityFault: if it is not what the gateway wrote.

    """
    await prove(unit)
    row = await unit.first(DELETIONS.selection().where(_DELETION.c.id == deletion_id))
    if row is None:
        return None
    unit.ensure_current(DELETIONS, row)
    return Deletion(**DELETIONS.named(row))


async def next_batch(unit: ReadUnit, holder_id: str, *, most: int) -> Batch:
    """Return the next rows to delete at a holder and below it; at most this many.

    Raises:
        IntegrityFault: if the holder's row is gone.

    """
    lowest_first = (_HOLDER.c.parent_kind.is_(None), _HOLDER.c.parent_kind, _HOLDER.c.id)
    found = await unit.rows(
        select(_HOLDER.c.id, _HOLDER.c.kind)
        .where(at_or_below(holder_id))
        .order_by(*lowest_first)
        .limit(most)
    )
    if not found:
        # Somebody has removed it. The deletion stays, so that the row cannot come back.
        raise integrity_fault(_HOLDER.name, holder_id)
    secret_ids, former, emptied = list[str](), list[VersionKey](), list[tuple[str, Scope]]()
    for row in found:
        room = most - len(secret_ids) - len(former) - len(emptied)
        there = await _last_secrets(unit, row.id, most=room)
        versions = await version_removal.keys_at(unit, row.id, most=room - len(there))
        secret_ids += there
        former += versions
        if len(there) + len(versions) >= room:
            break
        emptied.append((row.id, Scope(row.kind)))
    return Batch(secret_ids, former, emptied)


async def _last_secrets(unit: ReadUnit, holder_id: str, *, most: int) -> Sequence[str]:
    """Return secrets of a holder, what refers to others first."""
    rows = await unit.rows(
        select(_SECRET.c.id)
        .where(_SECRET.c.holder_id == holder_id)
        .order_by(_SECRET.c.list_rank.desc())
        .limit(most)
    )
    return [row.id for row in rows]


async def remove_holders(unit: WriteUnit, holders: Sequence[tuple[str, Scope]]) -> None:
    """Delete holders that have no secrets, the lowest first, with the grants and rules there."""
    ids = [holder_id for holder_id, _ in holders]
    for part in in_parts(ids):
        for covered in _AT_HOLDERS:
            await delete_rows(unit, covered, covered.table.c.holder_id.in_(part))
        await delete_rows(unit, DELETIONS, _DELETION.c.id.in_(part))
    # A constraint refuses to delete a holder before those below it.
    for _, alike in groupby(holders, key=lambda holder: holder[1].rank):
        for part in in_parts([holder_id for holder_id, _ in alike]):
            await delete_rows(unit, HOLDERS, _HOLDER.c.id.in_(part))


async def remove_grants(unit: WriteUnit, holder_id: str) -> None:
    """Delete the grants and claim rules at a holder and below it."""
    ids = select(_HOLDER.c.id).where(at_or_below(holder_id))
    for covered in _AT_HOLDERS:
        await delete_rows(unit, covered, covered.table.c.holder_id.in_(ids))


async def remove_access(unit: WriteUnit, organization_id: str) -> int:
    """Delete an organization's grants, rules, users and tokens; return how many tokens it had."""
    deleted = [
        await delete_rows(unit, covered, covered.table.c.organization_id == organization_id)
        for covered in (*_AT_HOLDERS, USERS, TOKENS)
    ]
    return len(deleted[-1])


async def first_project(unit: ReadUnit, organization_id: str) -> str | None:
    """Return a project of an organization, deleted or not; None if it has none."""
    row = await unit.first(
        select(_HOLDER.c.id)
        .where(_HOLDER.c.organization_id == organization_id, _HOLDER.c.kind == Scope.PROJECT)
        .limit(1)
    )
    return row.id if row else None


async def remove_organization(unit: WriteUnit, organization_id: str) -> None:
    """Delete an organization's own row; its projects prevent it."""
    await delete_rows(unit, DELETIONS, _DELETION.c.id == organization_id)
    await delete_rows(unit, ORGANIZATIONS, ORGANIZATIONS.row_id == organization_id)
