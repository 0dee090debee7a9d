"""Queries about data keys, which are stored wrapped."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, func, select, union_all, update

from gateway.domain.cryptographic_keys import DataKeyFacts, DataKeyState
from gateway.storage.audit.row_macs import DATA_KEYS
from gateway.storage.rows import delete_rows
from gateway.storage.tables import DataKeyRow, SealedValueRow
from gateway.storage.unit_of_work import ReadUnit, WriteUnit
from gateway.storage.version_tables import SecretVersionRow

DATA_KEY: Final = DataKeyRow.__table__
_SEALED_VALUE: Final = SealedValueRow.__table__
_VERSION: Final = SecretVersionRow.__table__


@dataclass(frozen=True, slots=True, kw_only=True)
class WrappedKey:
    """A data key as it is stored. `project_id` is None for the instance's own key."""

    id: str
    project_id: str | None
    kek_id: str
    wrapped: bytes = field(repr=False)
    seal_count: int = 0


def _from_row(row: Row[Any]) -> WrappedKey:
    return WrappedKey(
        id=row.id,
        project_id=row.project_id,
        kek_id=row.kek_id,
        wrapped=row.wrapped,
        seal_count=row.seal_count,
    )


async def find_active(unit: ReadUnit, project_id: str | None) -> WrappedKey | None:
    """Return the active key of a project, or of the instance: it seals new values."""
    row = await unit.first(
        select(DATA_KEY).where(
            DATA_KEY.c.project_id.is_not_distinct_from(project_id),
            DATA_KEY.c.state == DataKeyState.ACTIVE,
        )
    )
    return _from_row(row) if row else None


async def find(unit: ReadUnit, key_id: str) -> WrappedKey | None:
    row = await unit.first(select(DATA_KEY).where(DATA_KEY.c.id == key_id))
    return _from_row(row) if row else None


async def add(unit: WriteUnit, key: WrappedKey, *, at: datetime) -> None:
    """Store a new data key as the active one.

    Raises:
        IntegrityFault: if the database did not store exactly this row.

    """
    await unit.insert(
        DataKeyRow(
            id=key.id,
            project_id=key.project_id,
            kek_id=key.kek_id,
            wrapped=key.wrapped,
            state=DataKeyState.ACTIVE,
            created_at=at,
        )
    )


async def retire(unit: WriteUnit, key_id: str) -> bool:
    """Retire a key, so that it no longer seals; return whether it was the active one."""
    touched = await unit.execute_unrecorded(
        update(DATA_KEY)
        .where(DATA_KEY.c.id == key_id, DATA_KEY.c.state == DataKeyState.ACTIVE)
        .values(state=DataKeyState.RETIRING)
    )
    return touched > 0


async def count_seals(unit: WriteUnit, key_id: str, *, more: int) -> None:
    """Add to the number of seals that are reserved for a key."""
    await unit.execute_unrecorded(
        update(DATA_KEY)
        .where(DATA_KEY.c.id == key_id)
        .values(seal_count=DATA_KEY.c.seal_count + more)
    )


async def rewrap(unit: WriteUnit, old: WrappedKey, new: WrappedKey) -> bool:
    """Replace a key's wrapping unless it has changed; return whether it was replaced."""
    touched = await unit.execute_unrecorded(
        update(DATA_KEY)
        .where(
            DATA_KEY.c.id == old.id,
            DATA_KEY.c.kek_id == old.kek_id,
            DATA_KEY.c.wrapped == old.wrapped,
        )
        .values(kek_id=new.kek_id, wrapped=new.wrapped)
    )
    return touched > 0


async def not_wrapped_by(unit: ReadUnit, kek_id: str) -> list[WrappedKey]:
    """Return the data keys that a different key-encryption key wraps."""
    rows = await unit.rows(
        select(DATA_KEY).where(DATA_KEY.c.kek_id != kek_id).order_by(DATA_KEY.c.id)
    )
    return [_from_row(row) for row in rows]


async def wrapping_ids(unit: ReadUnit) -> set[str]:
    """Return the ids of all key-encryption keys that wrap a data key."""
    return {row.kek_id for row in await unit.rows(select(DATA_KEY.c.kek_id).distinct())}


async def facts(unit: ReadUnit) -> list[DataKeyFacts]:
    """Return the facts of all keys; the values that they seal include former ones."""
    every = union_all(
        select(_SEALED_VALUE.c.data_key_id),
        select(_VERSION.c.data_key_id).where(_VERSION.c.ciphertext.is_not(None)),
    ).subquery()
    counted = (
        select(every.c.data_key_id, func.count().label("sealed"))
        .group_by(every.c.data_key_id)
        .subquery()
    )
    rows = await unit.rows(
        select(DATA_KEY, func.coalesce(counted.c.sealed, 0).label("sealed"))
        .outerjoin(counted, counted.c.data_key_id == DATA_KEY.c.id)
        .order_by(DATA_KEY.c.project_id.is_not(None), DATA_KEY.c.project_id, DATA_KEY.c.created_at)
    )
    return [
        DataKeyFacts(
            id=row.id,
            project_id=row.project_id,
            kek_id=row.kek_id,
            state=DataKeyState(row.state),
            seal_count=row.seal_count,
            created_at=row.created_at,
            values=row.sealed,
        )
        for row in rows
    ]


async def remove_of_project(unit: WriteUnit, project_id: str) -> None:
    """Delete a project's data keys; a value that still needs one prevents it."""
    await delete_rows(unit, DATA_KEYS, DATA_KEY.c.project_id == project_id)


async def remove_unused(unit: WriteUnit) -> int:
    """Delete the retiring keys that no longer seal a value; return how many were deleted."""
    used = select(_SEALED_VALUE.c.data_key_id).where(_SEALED_VALUE.c.data_key_id == DATA_KEY.c.id)
    former = select(_VERSION.c.data_key_id).where(
        _VERSION.c.data_key_id == DATA_KEY.c.id, _VERSION.c.ciphertext.is_not(None)
    )
    is_unused = (DATA_KEY.c.state == DataKeyState.RETIRING, ~used.exists(), ~former.exists())
    return len(await delete_rows(unit, DATA_KEYS, *is_unused))


async def retiring_of(unit: ReadUnit) -> Sequence[str]:
    """Return the projects that have retiring keys."""
    rows = await unit.rows(
        select(DATA_KEY.c.project_id)
        .where(DATA_KEY.c.state == DataKeyState.RETIRING)
        .distinct()
        .order_by(DATA_KEY.c.project_id)
    )
    return [row.project_id for row in rows]
