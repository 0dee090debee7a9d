"""Queries about former states of secrets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Final

import orjson
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Row,
    Select,
    and_,
    bindparam,
    exists,
    func,
    literal_column,
    or_,
    select,
)

from gateway.domain.content import SealedValue
from gateway.domain.history import Author, Ending, FormerState
from gateway.domain.holders import Holder
from gateway.domain.origins import ActorKind, AuditFace
from gateway.domain.pages import Page, Window
from gateway.domain.scopes import Scope
from gateway.domain.secrets import Secret, SecretType, service_at
from gateway.storage.audit.row_macs import VERSIONS
from gateway.storage.columns import UtcDateTime
from gateway.storage.keyset import fetch_page
from gateway.storage.live_rows import SECRET
from gateway.storage.ordering import Ordering
from gateway.storage.prepared import Prepared
from gateway.storage.query_batching import BatchableQuery, batched_rows
from gateway.storage.tables import SealedValueRow
from gateway.storage.unit_of_work import ReadUnit
from gateway.storage.version_recording import IN_STATE
from gateway.storage.version_tables import SecretVersionRow

VERSION: Final = SecretVersionRow.__table__
_VALUE: Final = SealedValueRow.__table__
_OTHER: Final = VERSION.alias("other")
_OWN_FIELDS: Final = tuple(field.name for field in fields(Secret) if field.name in IN_STATE)
_TIMES: Final = frozenset(
    column.name for column in SECRET.c if isinstance(column.type, UtcDateTime)
)
_SAME_VALUE: Final = (
    _OTHER.c.secret_id == VERSION.c.secret_id,
    _OTHER.c.value_version == VERSION.c.value_version,
    _OTHER.c.ciphertext.is_not(None),
)
_IS_PRESENT_VALUE: Final = (
    _VALUE.c.secret_id == VERSION.c.secret_id,
    _VALUE.c.value_version == VERSION.c.value_version,
)
_HAS_VALUE: Final = or_(
    VERSION.c.value_version.is_(None),
    exists().where(*_SAME_VALUE).correlate(VERSION),
    exists().where(*_IS_PRESENT_VALUE).correlate(VERSION),
).label("has_value")
_MAC_END: Final = len(VERSIONS.columns)
# Not a parameter: the partial indexes have this very condition.
_ENDED_BY_DELETION: Final = VERSION.c.ended_how == literal_column(f"'{Ending.DELETED}'")
_IS_STATE: Final = VERSION.c.ended_how != Ending.RESTORED
# RESTORED follows DELETED of the same version.
_NEWEST_FIRST: Final = (VERSION.c.version.desc(), VERSION.c.ended_at.desc())
_OLDEST_FIRST: Final = (VERSION.c.version, VERSION.c.ended_at)


def _selection() -> Select[Any]:
    return select(*VERSIONS.columns, _HAS_VALUE)


_OF_SECRET: Final = VERSION.c.secret_id == bindparam("secret")
_NEWEST: Final = Prepared(_selection().where(_OF_SECRET).order_by(*_NEWEST_FIRST).limit(1))
_AT: Final = Prepared(
    _selection().where(
        _OF_SECRET, VERSION.c.version == bindparam("version", type_=BigInteger), _IS_STATE
    )
)
_VALUE_OF: Final = Prepared(
    select(VERSION.c.data_key_id, VERSION.c.ciphertext).where(
        _OF_SECRET,
        VERSION.c.value_version == bindparam("value_version", type_=BigInteger),
        VERSION.c.ciphertext.is_not(None),
    )
)
_DELETED_IN: Final = Prepared(
    _selection().where(
        VERSION.c.ended_in == bindparam("ended_in", type_=BigInteger),
        VERSION.c.project_id == bindparam("project"),
        _ENDED_BY_DELETION,
    )
)
_IS_RESTORED: Final = and_(
    _OTHER.c.secret_id == VERSION.c.secret_id,
    _OTHER.c.version == VERSION.c.version,
    _OTHER.c.ended_how == Ending.RESTORED,
)
_BY_VERSION: Final = Ordering("versions", (VERSION.c.version,), is_descending=True)
_AFTER_ALL: Final = 2**62
_BY_DELETION: Final = Ordering(
    "deleted", (VERSION.c.ended_at, VERSION.c.secret_id), is_descending=True
)


def _read(unit: ReadUnit, row: Row[Any]) -> FormerState:
    unit.macs.ensure_sound(VERSIONS, row[:_MAC_END])
    named = VERSIONS.named(row)
    return FormerState(
        secret_id=named["secret_id"],
        version=named["version"],
        ending=Ending(named["ended_how"]),
        organization_id=named["organization_id"],
        project_id=named["project_id"],
        holder_id=named["holder_id"],
        columns=_read_state(named["state"]),
        value_version=named["value_version"],
        began_at=named["began_at"],
        ended_at=named["ended_at"],
        ended_by=Author(
            kind=ActorKind(named["actor_kind"]),
            id=named["actor_id"],
            face=AuditFace(named["face"]),
        ),
        ended_in=named["ended_in"],
        has_value=bool(row[_MAC_END]),
    )


def _read_state(state: str) -> Mapping[str, Any]:
    plain = orjson.loads(state)
    return {
        name: datetime.fromisoformat(value) if name in _TIMES else value
        for name, value in plain.items()
    }


def secret_from(
    state: FormerState, holder: Holder, target: Secret | None, *, at: datetime
) -> Secret:
    """Return the secret that a state was of, with its present target, as its next version.

    An override has its target's key, whatever it was before.
    """
    columns: dict[str, Any] = {name: state.columns.get(name) for name in _OWN_FIELDS}
    is_override = columns["variable_type"] == SecretType.OVERRIDE
    return Secret(
        **{
            **columns,
            "id": state.secret_id,
            "scope": Scope(columns["scope"]),
            "variable_type": SecretType(columns["variable_type"]),
            "key": target.key if target and is_override else columns["key"],
            "version": state.version + 1,
            "updated_at": at,
        },
        holder=holder,
        service=service_at(holder),
        target=target.facts if target else None,
        target_holder_id=target.holder.id if target else None,
        target_version=target.version if target else None,
    )


async def newest(unit: ReadUnit, secret_id: str) -> FormerState | None:
    """Return what ended last of a secret; errors of all reads as in `between`."""
    row = await unit.first(_NEWEST(secret=secret_id))
    return _read(unit, row) if row else None


async def find(unit: ReadUnit, secret_id: str, version: int) -> FormerState | None:
    """Return a former state of a secret by its version."""
    row = await unit.first(_AT(secret=secret_id, version=version))
    return _read(unit, row) if row else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """The versions of a part of a list: newer than one, and older than one."""

    above: int = 0
    below: int = _AFTER_ALL

    def has(self, version: int) -> bool:
        return self.above < version < self.below


async def between(
    unit: ReadUnit, secret_id: str, bounds: Bounds, *, size: int, is_backward: bool = False
) -> Sequence[FormerState]:
    """Return what ended of a secret in some versions, the newest first.

    If there are more than `size`, these are the newest ones, or backward the oldest ones.

    Raises:
        IntegrityFault: if a row is not what the gateway wrote.

    """
    chosen = (VERSION.c.version > bounds.above, VERSION.c.version < bounds.below)
    wanted = BatchableQuery(
        statement=_selection().where(VERSION.c.secret_id == secret_id, *chosen),
        by=_OLDEST_FIRST if is_backward else _NEWEST_FIRST,
        limit=size,
    )
    rows = await batched_rows(unit, wanted, shape=("versions", is_backward))
    return [_read(unit, row) for row in (reversed(rows) if is_backward else rows)]


def bounds(window: Window) -> Bounds:
    """Return the versions between the cursors of a window.

    Raises:
        InvalidInput: if a cursor does not belong to a list of versions.

    """
    below = _AFTER_ALL if window.after is None else _version_at(window.after)
    return Bounds(above=0 if window.before is None else _version_at(window.before), below=below)


def _version_at(cursor: str) -> int:
    (version,) = _BY_VERSION.sort_keys(cursor)
    assert isinstance(version, int)  # noqa: S101 - the column's type
    return version


def cursor_at(version: int) -> str:
    """Return the cursor of a version in a list of versions."""
    return _BY_VERSION.cursor_at([version])


async def count(unit: ReadUnit, secret_id: str) -> int:
    """Return how many former states of a secret are kept."""
    states = select(func.count().label("states")).select_from(VERSION)
    counted = states.where(VERSION.c.secret_id == secret_id, _IS_STATE)
    wanted = BatchableQuery(statement=counted, by=())
    (row,) = await batched_rows(unit, wanted, shape="count of versions")
    return int(row[0])


async def present_value_version(unit: ReadUnit, secret_id: str) -> int | None:
    """Return the version of the value that a secret has; None without its own value."""
    wanted = BatchableQuery(
        statement=select(SECRET.c.value_version).where(SECRET.c.id == secret_id), by=()
    )
    rows = await batched_rows(unit, wanted, shape="present value")
    return rows[0][0] if rows else None


async def find_value(unit: ReadUnit, secret_id: str, value_version: int) -> SealedValue | None:
    """Return a former value of a secret, if it is kept."""
    row = await unit.first(_VALUE_OF(secret=secret_id, value_version=value_version))
    return SealedValue(row.data_key_id, row.ciphertext) if row else None


async def deleted_with(unit: ReadUnit, state: FormerState) -> Sequence[FormerState]:
    """Return the states of a project that ended in the same transaction, by deletion."""
    rows = await unit.rows(_DELETED_IN(ended_in=state.ended_in, project=state.project_id))
    return [_read(unit, row) for row in rows]


async def deleted_page(unit: ReadUnit, holder_id: str, window: Window) -> Page[FormerState]:
    """Return a page of a holder's deleted secrets as they were last, the last deleted first."""
    statement = _selection().where(*_is_deleted(VERSION.c.holder_id == holder_id))
    return await fetch_page(
        unit, statement, ordering=_BY_DELETION, window=window, build=_Reader(unit)
    )


def _is_deleted(*conditions: ColumnElement[bool]) -> Sequence[ColumnElement[bool]]:
    is_restored = exists().where(_IS_RESTORED).correlate(VERSION)
    # Somebody can have removed the row that says that it was restored.
    is_living = exists().where(SECRET.c.id == VERSION.c.secret_id).correlate(VERSION)
    return (*conditions, _ENDED_BY_DELETION, ~is_restored, ~is_living)


@dataclass(frozen=True, slots=True)
class _Reader:
    """Builds former states from selected rows. Readers of one unit are equal: lists are batched."""

    unit: ReadUnit

    def __call__(self, row: Row[Any]) -> FormerState:
        return _read(self.unit, row)
