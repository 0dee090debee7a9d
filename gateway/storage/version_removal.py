"""Remove former states of secrets or their values, and seal these values again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    bindparam,
    delete,
    exists,
    or_,
    select,
    true,
    tuple_,
    update,
)

from gateway.domain.content import SealedValue, ValueIdentity
from gateway.domain.cryptographic_keys import DataKeyState
from gateway.domain.history import Ending
from gateway.storage.live_rows import HOLDER, SECRET
from gateway.storage.prepared import Planned, Prepared
from gateway.storage.tables import DataKeyRow
from gateway.storage.unit_of_work import ReadUnit, WriteUnit
from gateway.storage.values import StoredValue
from gateway.storage.version_tables import SecretVersionRow

_VERSION: Final = SecretVersionRow.__table__
_NEWER: Final = _VERSION.alias("newer")
_DATA_KEY: Final = DataKeyRow.__table__
_KEY: Final = ("secret_id", "version", "ended_how")
_KEY_COLUMNS: Final = tuple(_VERSION.c[name] for name in _KEY)
_REMOVE: Final = Prepared(
    delete(_VERSION).where(*(_VERSION.c[name] == bindparam(f"{name}_") for name in _KEY))
)
_SEAL_AGAIN: Final = Prepared(
    update(_VERSION)
    .where(
        _VERSION.c.secret_id == bindparam("secret"),
        _VERSION.c.value_version == bindparam("of_version", type_=BigInteger),
        _VERSION.c.data_key_id == bindparam("former_key"),
    )
    .values(data_key_id=bindparam("data_key_id"), ciphertext=bindparam("ciphertext"))
)
_GONE: Final = {"data_key_id": None, "ciphertext": None}

# The id of a secret, a version, and how it ended.
VersionKey = tuple[str, int, str]


@dataclass(frozen=True, slots=True)
class Aged:
    """A part of the states that ended before a time: those that can go, and where it ends."""

    removable: Sequence[VersionKey]
    end: tuple[datetime, str] | None


async def page_of_aged(
    unit: ReadUnit,
    *,
    before: datetime,
    kept: int,
    after: tuple[datetime, str] | None,
    size: int,
) -> Aged:
    """Return the next states that ended before a time, by that time.

    `kept` is how many states of each living secret stay, whatever their age.
    """
    at = tuple_(_VERSION.c.ended_at, _VERSION.c.secret_id)
    statement = select(
        *_KEY_COLUMNS, _VERSION.c.ended_at, _is_removable(kept).label("is_removable")
    )
    if after is not None:
        ended_at, secret_id = after
        there = tuple_(
            bindparam(None, ended_at, type_=_VERSION.c.ended_at.type, unique=True),
            bindparam(None, secret_id, unique=True),
        )
        statement = statement.where(at > there)
    rows = await unit.rows(
        statement.where(_VERSION.c.ended_at < before)
        .order_by(_VERSION.c.ended_at, _VERSION.c.secret_id)
        .limit(size)
    )
    removable = [(row.secret_id, row.version, row.ended_how) for row in rows if row.is_removable]
    return Aged(removable, (rows[-1].ended_at, rows[-1].secret_id) if rows else None)


def _is_removable(kept: int) -> ColumnElement[bool]:
    if kept == 0:
        return true()
    last_kept = (
        select(_NEWER.c.version)
        .where(
            _NEWER.c.secret_id == _VERSION.c.secret_id,
            _NEWER.c.version > _VERSION.c.version,
            _NEWER.c.ended_how != Ending.RESTORED,
        )
        .order_by(_NEWER.c.version)
        .offset(kept - 1)
        .limit(1)
        .correlate(_VERSION)
        .scalar_subquery()
    )
    is_living = exists().where(SECRET.c.id == _VERSION.c.secret_id).correlate(_VERSION)
    return or_(~is_living, last_kept.is_not(None))


def remove(unit: WriteUnit, keys: Sequence[VersionKey]) -> None:
    """Remove states; one that is already gone stays so."""
    if keys:
        named = [dict(zip((f"{name}_" for name in _KEY), key, strict=True)) for key in keys]
        unit.plan(Planned(_REMOVE.many(named)))


async def keys_at(unit: ReadUnit, holder_id: str, *, most: int) -> Sequence[VersionKey]:
    """Return some of the states of a holder's own secrets."""
    rows = await unit.rows(
        select(*_KEY_COLUMNS).where(_VERSION.c.holder_id == holder_id).limit(most)
    )
    return [(row.secret_id, row.version, row.ended_how) for row in rows]


async def purge_secret(unit: WriteUnit, secret_id: str) -> int:
    """Remove all former values of a secret; return how many."""
    return await _purge(unit, _VERSION.c.secret_id == secret_id)


async def purge_holder(unit: WriteUnit, holder_id: str) -> int:
    """Remove all former values of the secrets at a holder and below it; return how many."""
    columns = (HOLDER.c.id, HOLDER.c.environment_id, HOLDER.c.project_id)
    ids = select(HOLDER.c.id).where(or_(*(column == holder_id for column in columns)))
    return await _purge(unit, _VERSION.c.holder_id.in_(ids))


async def _purge(unit: WriteUnit, chosen: ColumnElement[bool]) -> int:
    has_value = _VERSION.c.ciphertext.is_not(None)
    return await unit.execute(update(_VERSION).where(chosen, has_value).values(_GONE))


async def batch_to_reseal(
    unit: ReadUnit, project_id: str, *, after: tuple[str, int], most: int
) -> list[StoredValue]:
    """Return former values that a project's retiring data keys sealed, by secret and version."""
    place = tuple_(_VERSION.c.secret_id, _VERSION.c.value_version)
    rows = await unit.rows(
        select(
            *(_VERSION.c.organization_id, _VERSION.c.project_id, _VERSION.c.secret_id),
            *(_VERSION.c.value_version, _VERSION.c.data_key_id, _VERSION.c.ciphertext),
        )
        .join(_DATA_KEY, _DATA_KEY.c.id == _VERSION.c.data_key_id)
        .where(
            _DATA_KEY.c.project_id == project_id,
            _DATA_KEY.c.state == DataKeyState.RETIRING,
            _VERSION.c.ciphertext.is_not(None),
            place > tuple_(*after),
        )
        .order_by(_VERSION.c.secret_id, _VERSION.c.value_version)
        .limit(most)
    )
    return [
        StoredValue(
            SealedValue(row.data_key_id, row.ciphertext),
            ValueIdentity(
                organization_id=row.organization_id,
                project_id=row.project_id,
                secret_id=row.secret_id,
                value_version=row.value_version,
            ),
        )
        for row in rows
    ]


def reseal(unit: WriteUnit, old: StoredValue, new: SealedValue) -> None:
    """Replace the ciphertext of a former value, unless it was removed or sealed again."""
    identity = old.identity
    unit.plan(
        Planned(
            _SEAL_AGAIN(
                secret=identity.secret_id,
                of_version=identity.value_version,
                former_key=old.sealed.data_key_id,
                data_key_id=new.data_key_id,
                ciphertext=new.ciphertext,
            )
        )
    )
