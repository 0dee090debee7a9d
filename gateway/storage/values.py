"""Sealed values of secrets."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, func, select

from gateway.domain.content import SealedValue, ValueIdentity
from gateway.domain.cryptographic_keys import DataKeyState
from gateway.storage.access_tables import ApiTokenRow, ValueReferenceRow
from gateway.storage.audit.row_macs import VALUES, integrity_fault, verified_row, verified_rows
from gateway.storage.prepared import Prepared, each_of
from gateway.storage.rows import update_rows
from gateway.storage.tables import DataKeyRow, SealedValueRow, SecretRow
from gateway.storage.unit_of_work import ReadUnit, WriteUnit

SEALED_VALUE: Final = SealedValueRow.__table__
_SECRET: Final = SecretRow.__table__
_DATA_KEY: Final = DataKeyRow.__table__
_TOKEN: Final = ApiTokenRow.__table__
_VALUE_REFERENCE: Final = ValueReferenceRow.__table__


_VALUES: Final = Prepared(
    select(*SEALED_VALUE.c, _SECRET.c.id, _SECRET.c.value_version.label("expected"))
    .select_from(_SECRET)
    .outerjoin(SEALED_VALUE, SEALED_VALUE.c.secret_id == _SECRET.c.id)
    .where(_SECRET.c.id.in_(each_of("ids")))
)
_STATES: Final = Prepared(
    select(
        _SECRET.c.id,
        _SECRET.c.value_version.label("expected"),
        SEALED_VALUE.c.value_version,
        func.length(SEALED_VALUE.c.ciphertext).label("size"),
        _VALUE_REFERENCE.c.secret_id.is_not(None).label("has_references"),
    )
    .select_from(_SECRET)
    .outerjoin(SEALED_VALUE, SEALED_VALUE.c.secret_id == _SECRET.c.id)
    .outerjoin(_VALUE_REFERENCE, _VALUE_REFERENCE.c.secret_id == _SECRET.c.id)
    .where(_SECRET.c.id.in_(each_of("ids")))
)
_SIZES: Final = Prepared(
    select(SEALED_VALUE.c.secret_id, func.length(SEALED_VALUE.c.ciphertext).label("size")).where(
        SEALED_VALUE.c.secret_id.in_(each_of("ids"))
    )
)


@dataclass(frozen=True, slots=True)
class StoredValue:
    """A sealed value, and the secret and project that it is sealed for."""

    sealed: SealedValue
    identity: ValueIdentity


@dataclass(frozen=True, slots=True)
class ValueState:
    """The known facts of a stored value: version, sealed size, and whether it has references."""

    version: int
    size: int
    has_references: bool


async def add_value(
    unit: WriteUnit, secret_id: str, sealed: SealedValue, *, value_version: int
) -> None:
    """Store a secret's first value.

    Raises:
        IntegrityFault: if the database did not store exactly this row.

    """
    await unit.insert(_row_of(secret_id, sealed, value_version))


def row_of_value(value: "StoredValue") -> SealedValueRow:
    return _row_of(value.identity.secret_id, value.sealed, value.identity.value_version)


def _row_of(secret_id: str, sealed: SealedValue, value_version: int) -> SealedValueRow:
    return SealedValueRow.of({"secret_id": secret_id, **columns_of(sealed, value_version)})


async def replace_value(
    unit: WriteUnit, secret_id: str, sealed: SealedValue, *, value_version: int
) -> None:
    """Replace a secret's value by its next one.

    Raises:
        IntegrityFault: if the database did not change exactly this row.

    """
    before = await verified_row(unit, VALUES, secret_id)
    await update_rows(unit, VALUES, [(before, columns_of(sealed, value_version))])


def columns_of(sealed: SealedValue, value_version: int) -> dict[str, Any]:
    """Return the columns that a secret's next value changes."""
    return {
        "value_version": value_version,
        "data_key_id": sealed.data_key_id,
        "ciphertext": sealed.ciphertext,
    }


async def find_values(
    unit: ReadUnit, secret_ids: Iterable[str]
) -> dict[str, tuple[SealedValue, int]]:
    """Return sealed values and the values' versions, by the secrets' ids.

    Raises:
        IntegrityFault: if a value is missing, or is not the one that its secret's row names.

    """
    rows = await unit.rows(_VALUES(ids=list(secret_ids)))
    return {row.id: _sealed_from_row(row) for row in rows if _is_there(row)}


async def find_sizes(unit: ReadUnit, secret_ids: Iterable[str]) -> dict[str, int]:
    rows = await unit.rows(_SIZES(ids=list(secret_ids)))
    return {row.secret_id: row.size for row in rows}


async def find_value(unit: ReadUnit, secret_id: str) -> tuple[SealedValue, int] | None:
    """Return a secret's sealed value and its version; None if the secret has no value of its own.

    Raises:
        IntegrityFault: as in `find_values`.

    """
    return (await find_values(unit, [secret_id])).get(secret_id)


async def find_states(unit: ReadUnit, secret_ids: Iterable[str]) -> dict[str, ValueState]:
    """Return the known facts of secrets' values without the values, by the secrets' ids.

    Raises:
        IntegrityFault: if a value is missing, or is not the one that its secret's row names.

    """
    rows = await unit.rows(_STATES(ids=list(secret_ids)))
    return {
        row.id: ValueState(row.value_version, row.size, bool(row.has_references))
        for row in rows
        if _is_there(row)
    }


async def batch_after(unit: ReadUnit, secret_id: str, *, most: int) -> list[StoredValue]:
    """Return the values of the secrets that follow an id, by the secrets' ids."""
    rows = await unit.rows(
        select(SEALED_VALUE, _SECRET.c.organization_id, _SECRET.c.project_id)
        .join(_SECRET, _SECRET.c.id == SEALED_VALUE.c.secret_id)
        .where(SEALED_VALUE.c.secret_id > secret_id)
        .order_by(SEALED_VALUE.c.secret_id)
        .limit(most)
    )
    return [_stored_from_row(row) for row in rows]


async def batch_to_reseal(
    unit: ReadUnit, project_id: str, *, after: str, most: int
) -> list[StoredValue]:
    """Return values that a project's retiring data keys sealed, by the secrets' ids."""
    rows = await unit.rows(
        select(SEALED_VALUE, _SECRET.c.organization_id, _SECRET.c.project_id)
        .join(_SECRET, _SECRET.c.id == SEALED_VALUE.c.secret_id)
        .join(_DATA_KEY, _DATA_KEY.c.id == SEALED_VALUE.c.data_key_id)
        .where(
            _DATA_KEY.c.project_id == project_id,
            _DATA_KEY.c.state == DataKeyState.RETIRING,
            SEALED_VALUE.c.secret_id > after,
        )
        .order_by(SEALED_VALUE.c.secret_id)
        .limit(most)
    )
    return [_stored_from_row(row) for row in rows]


async def one_of_each_key(unit: ReadUnit, *, after: str, most: int) -> list[StoredValue]:
    """Return a sealed value for each data key that follows an id, by the keys' ids.

    Keys that have sealed no value are left out. The indexes find the values, so the number of
    secrets does not matter.
    """
    sealed = SEALED_VALUE.alias("sealed")
    first = select(sealed.c.secret_id).where(sealed.c.data_key_id == _DATA_KEY.c.id).limit(1)
    rows = await unit.rows(
        select(SEALED_VALUE, _SECRET.c.organization_id, _SECRET.c.project_id)
        .select_from(_DATA_KEY)
        .join(SEALED_VALUE, SEALED_VALUE.c.secret_id == first.scalar_subquery())
        .join(_SECRET, _SECRET.c.id == SEALED_VALUE.c.secret_id)
        .where(_DATA_KEY.c.id > after)
        .order_by(_DATA_KEY.c.id)
        .limit(most)
    )
    return [_stored_from_row(row) for row in rows]


async def reseal(unit: WriteUnit, old: StoredValue, new: SealedValue) -> bool:
    """Replace a ciphertext by another of the same value, unless the value has changed."""
    identity = old.identity
    found = await verified_rows(
        unit,
        VALUES,
        SEALED_VALUE.c.secret_id == identity.secret_id,
        SEALED_VALUE.c.value_version == identity.value_version,
        SEALED_VALUE.c.data_key_id == old.sealed.data_key_id,
    )
    resealed = columns_of(new, identity.value_version)
    await update_rows(unit, VALUES, [(row, resealed) for row in found])
    return bool(found)


def _is_there(row: Row[Any]) -> bool:
    if row.expected != row.value_version:
        raise integrity_fault(SEALED_VALUE.name, row.id)
    return row.expected is not None


def _sealed_from_row(row: Row[Any]) -> tuple[SealedValue, int]:
    return SealedValue(row.data_key_id, row.ciphertext), row.value_version


def _stored_from_row(row: Row[Any]) -> StoredValue:
    return StoredValue(
        SealedValue(row.data_key_id, row.ciphertext),
        ValueIdentity(
            organization_id=row.organization_id,
            project_id=row.project_id,
            secret_id=row.secret_id,
            value_version=row.value_version,
        ),
    )


async def newest_time(unit: ReadUnit) -> datetime | None:
    """Return the latest creation time of a secret or token, if there is any."""
    times = select(_SECRET.c.created_at).union_all(select(_TOKEN.c.created_at)).subquery()
    row = await unit.first(select(times.c.created_at).order_by(times.c.created_at.desc()).limit(1))
    return row.created_at if row else None
