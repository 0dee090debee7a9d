"""Queries about organizations and holders."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, Select, bindparam, func, or_, select

from gateway.domain.holders import Holder, Organization
from gateway.domain.pages import Page, Window
from gateway.domain.permissions import Visibility
from gateway.domain.scopes import Scope
from gateway.domain.topology import HolderWithCount
from gateway.storage.access_tables import ApiTokenRow, UserRow
from gateway.storage.audit.row_macs import (
    HOLDERS,
    ORGANIZATIONS,
    verified_row,
)
from gateway.storage.keyset import fetch_page, holders_covered, holders_there
from gateway.storage.live_rows import HOLDER, ORGANIZATION, SECRET
from gateway.storage.memory import size_of
from gateway.storage.ordering import Ordering
from gateway.storage.prepared import Prepared, each_of, values_of
from gateway.storage.rows import update_rows
from gateway.storage.tables import HolderRow, OrganizationRow
from gateway.storage.unit_of_work import ReadUnit, WriteUnit

_TOKEN: Final = ApiTokenRow.__table__
_USER: Final = UserRow.__table__
HOLDER_COLUMNS: Final = tuple(HOLDER.c[column.name] for column in HOLDERS.columns)
_BY_ID: Final = Prepared(select(*HOLDER_COLUMNS).where(HOLDER.c.id == bindparam("id")))
_BY_IDS: Final = Prepared(select(*HOLDER_COLUMNS).where(HOLDER.c.id.in_(each_of("ids"))))
_ORGANIZATION: Final = Prepared(
    select(ORGANIZATION.c.id, ORGANIZATION.c.name).where(ORGANIZATION.c.id == bindparam("id"))
)
_BY_NAME: Final = Ordering("name", (HOLDER.c.name, HOLDER.c.id))


def holder_of(unit: ReadUnit, columns: Sequence[Any]) -> Holder:
    """Build a holder from the values of HOLDER_COLUMNS.

    Raises:
        IntegrityFault: if the row is not what the gateway wrote.

    """
    memory = unit.macs.memory
    holder: Holder | None = memory.get(columns)
    if holder is None:
        unit.macs.ensure_sound(HOLDERS, columns)
        holder_id, kind, name, organization_id, project_id, environment_id, _ = columns
        holder = Holder(
            id=holder_id,
            kind=Scope(kind),
            name=name,
            organization_id=organization_id,
            project_id=project_id,
            environment_id=environment_id,
        )
        memory.keep(columns, holder, size_of([columns]))
    ensure_live(unit, holder)
    return holder


def ensure_live(unit: ReadUnit, holder: Holder) -> None:
    """Refuse a holder that a proven deletion hides.

    Raises:
        IntegrityFault: if its row, or one above it, was put back outside the gateway.

    """
    if unit.hides:
        ids = (holder.id, holder.environment_id, holder.project_id, holder.organization_id)
        unit.ensure_live(ids)


@dataclass(frozen=True, slots=True)
class _Reader:
    """Builds holders from selected rows. Readers of one unit are equal: their lists are batched."""

    unit: ReadUnit

    def __call__(self, row: Row[Any]) -> Holder:
        return holder_of(self.unit, row[: len(HOLDER_COLUMNS)])


async def by_ids(unit: ReadUnit, ids: Iterable[str]) -> dict[str, Holder]:
    rows = await unit.rows(_BY_IDS(ids=list(set(ids))))
    return dict(zip([row.id for row in rows], map(_Reader(unit), rows), strict=True))


async def find(unit: ReadUnit, holder_id: str) -> Holder | None:
    row = await unit.first(_BY_ID(id=holder_id))
    return _Reader(unit)(row) if row else None


async def projects(unit: ReadUnit, window: Window, *, visibility: Visibility) -> Page[Holder]:
    statement = select(*HOLDER_COLUMNS).where(
        HOLDER.c.kind == Scope.PROJECT, holders_there(visibility)
    )
    return await fetch_page(unit, statement, ordering=_BY_NAME, window=window, build=_Reader(unit))


async def children(
    unit: ReadUnit,
    parent_id: str,
    window: Window,
    *,
    kinds: Sequence[Scope],
    visibility: Visibility,
) -> Page[Holder]:
    """Return a page of the visible holders of these kinds directly below a parent, by name."""
    statement = select(*HOLDER_COLUMNS).where(
        HOLDER.c.parent_id == parent_id, HOLDER.c.kind.in_(kinds), holders_there(visibility)
    )
    return await fetch_page(unit, statement, ordering=_BY_NAME, window=window, build=_Reader(unit))


async def among(
    unit: ReadUnit,
    ids: Select[Any],
    window: Window,
    *,
    visibility: Visibility,
    further: Collection[str] = (),
) -> Page[Holder]:
    """Return a page of the visible holders whose ids a statement selects, and further ones."""
    among = [ids, values_of(further)] if further else [ids]
    is_among = or_(*(HOLDER.c.id.in_(each) for each in among))
    statement = select(*HOLDER_COLUMNS).where(is_among, holders_covered(visibility))
    return await fetch_page(unit, statement, ordering=_BY_NAME, window=window, build=_Reader(unit))


async def find_child(
    unit: ReadUnit, *, organization_id: str, parent_id: str | None, kind: Scope, name: str
) -> Holder | None:
    row = await unit.first(
        select(*HOLDER_COLUMNS).where(
            HOLDER.c.organization_id == organization_id,
            HOLDER.c.parent_id.is_not_distinct_from(parent_id),
            HOLDER.c.kind == kind,
            HOLDER.c.name == name,
        )
    )
    return _Reader(unit)(row) if row else None


async def add(unit: WriteUnit, holder: Holder, *, parent: Holder | None, at: datetime) -> None:
    await unit.insert(
        HolderRow(
            **asdict(holder),
            parent_id=parent.id if parent else None,
            parent_kind=parent.kind if parent else None,
            created_at=at,
        )
    )


async def rename(unit: WriteUnit, holder: Holder) -> None:
    """Store a holder's name.

    Raises:
        IntegrityFault: if the row is not what the gateway wrote.

    """
    before = await verified_row(unit, HOLDERS, holder.id)
    await update_rows(unit, HOLDERS, [(before, {"name": holder.name})])


async def ids_below(unit: ReadUnit, holder: Holder) -> list[str]:
    above = {Scope.PROJECT: HOLDER.c.project_id, Scope.ENVIRONMENT: HOLDER.c.environment_id}
    if holder.kind not in above:
        return []
    rows = await unit.rows(
        select(HOLDER.c.id)
        .where(above[holder.kind] == holder.id, HOLDER.c.id != holder.id)
        .order_by(HOLDER.c.id)
    )
    return [row.id for row in rows]


async def chains_below(unit: ReadUnit, holder: Holder) -> Sequence[tuple[Scope, tuple[str, ...]]]:
    """Return the kind and the chain of a holder and of every holder below it."""
    above = {Scope.PROJECT: HOLDER.c.project_id, Scope.ENVIRONMENT: HOLDER.c.environment_id}
    rows = await unit.rows(
        select(HOLDER.c.kind, HOLDER.c.id, HOLDER.c.environment_id, HOLDER.c.project_id)
        .where(above.get(holder.kind, HOLDER.c.id) == holder.id)
        .order_by(HOLDER.c.id)
    )
    return [
        # A project has no environment above it.
        (
            Scope(row.kind),
            tuple(dict.fromkeys((row.id, row.environment_id or row.id, row.project_id))),
        )
        for row in rows
    ]


async def count_in_project(unit: ReadUnit, project_id: str) -> int:
    row = await unit.first(
        select(func.count()).where(HOLDER.c.project_id == project_id, HOLDER.c.id != project_id)
    )
    return int(row[0]) if row else 0


async def count_projects(unit: ReadUnit, organization_id: str) -> int:
    row = await unit.first(
        select(func.count()).where(
            HOLDER.c.organization_id == organization_id, HOLDER.c.parent_id.is_(None)
        )
    )
    return int(row[0]) if row else 0


async def find_organization(unit: ReadUnit, *, name: str) -> Organization | None:
    row = await unit.first(
        select(ORGANIZATION.c.id, ORGANIZATION.c.name).where(ORGANIZATION.c.name == name)
    )
    return Organization(id=row.id, name=row.name) if row else None


async def organization(unit: ReadUnit, organization_id: str) -> Organization | None:
    row = await unit.first(_ORGANIZATION(id=organization_id))
    return Organization(id=row.id, name=row.name) if row else None


async def organizations(unit: ReadUnit) -> list[Organization]:
    """Return all organizations, by name. An instance has few; only its operator lists them."""
    rows = await unit.rows(
        select(ORGANIZATION.c.id, ORGANIZATION.c.name).order_by(ORGANIZATION.c.name)
    )
    return [Organization(id=row.id, name=row.name) for row in rows]


async def add_organization(unit: WriteUnit, organization: Organization, *, at: datetime) -> None:
    """Store a new organization.

    Raises:
        IntegrityFault: if the database did not store exactly this row.

    """
    await unit.insert(OrganizationRow(id=organization.id, name=organization.name, created_at=at))


async def rename_organization(unit: WriteUnit, organization: Organization) -> None:
    """Store an organization's name.

    Raises:
        IntegrityFault: if the database did not change exactly this row.

    """
    before = await verified_row(unit, ORGANIZATIONS, organization.id)
    await update_rows(unit, ORGANIZATIONS, [(before, {"name": organization.name})])


async def existing(unit: ReadUnit, organization_id: str) -> list[HolderWithCount]:
    """Return all holders of an organization with the numbers of their secrets; for its operator."""
    counted = (
        select(SECRET.c.holder_id, func.count().label("secrets"))
        .where(SECRET.c.organization_id == organization_id)
        .group_by(SECRET.c.holder_id)
        .subquery()
    )
    rows = await unit.rows(
        select(*HOLDER_COLUMNS, func.coalesce(counted.c.secrets, 0).label("secrets"))
        .outerjoin(counted, counted.c.holder_id == HOLDER.c.id)
        .where(HOLDER.c.organization_id == organization_id)
        .order_by(HOLDER.c.name, HOLDER.c.id)
    )
    read = _Reader(unit)
    return [HolderWithCount(holder=read(row), secrets=row.secrets) for row in rows]
