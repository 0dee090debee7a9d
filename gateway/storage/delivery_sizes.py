"""Queries about how much a service gets: keys and bytes.

They load no values. Of holders they read only the columns that say which chain they are in; code
that shows a holder reads it with its MAC. The sizes that are read before a delivery are not checked
by a MAC: who changes them in the database gets a delivery refused, and none accepted that is too
large.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    LargeBinary,
    Row,
    and_,
    bindparam,
    case,
    cast,
    exists,
    func,
    or_,
    select,
)

from gateway.domain.audit import AuditAction
from gateway.domain.delivery_sizes import HolderLoad, StoredText
from gateway.domain.holders import Holder
from gateway.domain.scopes import Scope
from gateway.domain.secrets import SecretType
from gateway.storage.access_tables import ReferenceReadingRow, ValueReferenceRow
from gateway.storage.audit.event_log import EVENT, HEAD
from gateway.storage.live_rows import HOLDER, SECRET
from gateway.storage.unit_of_work import ReadUnit
from gateway.storage.values import SEALED_VALUE

_TYPES: Final = len(SecretType)
_TARGET: Final = SECRET.alias("load_target")
_BEHIND: Final = SECRET.alias("load_behind")
_TARGET_VALUE: Final = SEALED_VALUE.alias("load_target_value")
# An override is recognized by its list rank, which is in the counted index.
_IS_OVERRIDE: Final = SECRET.c.list_rank % _TYPES == SecretType.OVERRIDE.list_order
_IS_ALIAS: Final = SECRET.c.variable_type == SecretType.ALIAS


@dataclass(frozen=True, slots=True)
class OwnSize:
    """A holder's secrets: the number and total bytes of ciphertexts, and the bytes of paths."""

    holder_id: str
    ciphertexts: int
    sealed_bytes: int
    path_bytes: int


@dataclass(frozen=True, slots=True)
class Referrer:
    """An alias or override: the bytes of its own ciphertext, its target's, and the file's path."""

    holder_id: str
    target_id: str
    is_override: bool
    sealed_bytes: int
    target_sealed_bytes: int
    path_bytes: int


async def count(unit: ReadUnit, holder: Holder) -> list[HolderLoad]:
    """Return the numbers of secrets in a holder's chain and at all holders below it."""
    rows = await unit.rows(
        select(
            HOLDER.c.id,
            HOLDER.c.environment_id,
            func.count(SECRET.c.list_rank).label("rows"),
            func.coalesce(func.sum(case((_IS_OVERRIDE, 1), else_=0)), 0).label("overrides"),
        )
        .outerjoin(SECRET, SECRET.c.holder_id == HOLDER.c.id)
        .where(_is_related(holder))
        .group_by(HOLDER.c.id)
    )
    return [
        HolderLoad(
            holder_id=row.id,
            environment_id=row.environment_id,
            rows=row.rows,
            keys=row.rows - row.overrides,
        )
        for row in rows
    ]


def _is_related(holder: Holder) -> ColumnElement[bool]:
    if holder.kind is Scope.PROJECT:
        return HOLDER.c.project_id == holder.id
    if holder.kind is Scope.ENVIRONMENT:
        return or_(HOLDER.c.environment_id == holder.id, HOLDER.c.id == holder.project_id)
    return HOLDER.c.id.in_(holder.chain_ids)


async def own_sizes(unit: ReadUnit, holder_ids: Collection[str]) -> list[OwnSize]:
    """Return the sizes of the secrets' own values at holders."""
    rows = await unit.rows(
        select(
            SECRET.c.holder_id,
            func.count(SEALED_VALUE.c.ciphertext).label("ciphertexts"),
            func.coalesce(func.sum(func.length(SEALED_VALUE.c.ciphertext)), 0).label(
                "sealed_bytes"
            ),
            func.sum(_bytes_of(SECRET.c.mount_path)).label("path_bytes"),
        )
        .outerjoin(SEALED_VALUE, SEALED_VALUE.c.secret_id == SECRET.c.id)
        .where(SECRET.c.holder_id.in_(holder_ids))
        .group_by(SECRET.c.holder_id)
    )
    return [
        OwnSize(row.holder_id, row.ciphertexts, row.sealed_bytes, row.path_bytes) for row in rows
    ]


async def referrers(unit: ReadUnit, holder_ids: Collection[str]) -> list[Referrer]:
    """Return the sizes of aliases and overrides at holders, and of their targets."""
    path_bytes = _bytes_of(func.coalesce(_TARGET.c.mount_path, _BEHIND.c.mount_path))
    rows = await unit.rows(
        select(
            SECRET.c.holder_id,
            SECRET.c.target_id,
            SECRET.c.variable_type,
            func.coalesce(func.length(SEALED_VALUE.c.ciphertext), 0).label("own"),
            func.coalesce(func.length(_TARGET_VALUE.c.ciphertext), 0).label("target"),
            path_bytes.label("path"),
        )
        .join(_TARGET, _TARGET.c.id == SECRET.c.target_id)
        .outerjoin(_BEHIND, _BEHIND.c.id == _TARGET.c.target_id)
        .outerjoin(SEALED_VALUE, SEALED_VALUE.c.secret_id == SECRET.c.id)
        .outerjoin(_TARGET_VALUE, _TARGET_VALUE.c.secret_id == _TARGET.c.id)
        .where(SECRET.c.holder_id.in_(holder_ids), SECRET.c.list_rank % _TYPES != 0)
    )
    return [
        Referrer(
            holder_id=row.holder_id,
            target_id=row.target_id,
            is_override=row.variable_type == SecretType.OVERRIDE,
            sealed_bytes=row.own,
            target_sealed_bytes=row.target,
            path_bytes=row.path,
        )
        for row in rows
    ]


async def alias_counts(unit: ReadUnit, target_ids: Collection[str]) -> dict[str, dict[str, int]]:
    """Return the numbers of aliases at each holder, by their targets' ids."""
    rows = await unit.rows(
        select(SECRET.c.target_id, SECRET.c.holder_id, func.count().label("aliases"))
        .where(SECRET.c.target_id.in_(target_ids), _IS_ALIAS)
        .group_by(SECRET.c.target_id, SECRET.c.holder_id)
    )
    counted: dict[str, dict[str, int]] = {}
    for row in rows:
        counted.setdefault(row.target_id, {})[row.holder_id] = row.aliases
    return counted


async def changes_since(unit: ReadUnit, project_id: str, seq: int | None) -> tuple[int, int]:
    """Return the newest event's number, and how many changes a project had since `seq`.

    A change of a secret counts once more for each of its aliases.
    """
    if seq is None:
        newest = await unit.first(select(HEAD.c.seq))
        return (newest.seq if newest else 0), 0
    since = (
        EVENT.c.seq > bindparam("since", seq),
        EVENT.c.project_id == project_id,
        # The condition of the index; no change is a delivery.
        EVENT.c.delivered_set.is_(None),
        EVENT.c.action != AuditAction.VALUES_DELIVERED,
    )
    changes = select(func.count()).select_from(EVENT).where(*since).scalar_subquery()
    is_shown = and_(SECRET.c.target_id == EVENT.c.subject_id, _IS_ALIAS)
    aliases = select(func.count()).select_from(EVENT.join(SECRET, is_shown)).where(*since)
    row = await unit.first(
        select(HEAD.c.seq, (changes + aliases.scalar_subquery()).label("changes"))
    )
    return (row.seq, row.changes) if row else (0, 0)


def _bytes_of(text: ColumnElement[Any]) -> ColumnElement[int]:
    return func.coalesce(func.length(cast(text, LargeBinary)), 0)


_SOURCE: Final = SECRET.alias("bound_source")
_SOURCE_TARGET: Final = SECRET.alias("bound_target")
_REFERENCE: Final = ValueReferenceRow.__table__
_READING: Final = ReferenceReadingRow.__table__
_HAS_ALL_REFERENCES: Final = exists().where(_READING.c.position.is_(None))


async def rough_size(unit: ReadUnit, service: Holder) -> int:
    """Return an estimate of a delivery's bytes: at least all texts before they are expanded.

    Each text that has references is taken to be as long as the longest one.
    """
    is_alias = SECRET.c.variable_type == SecretType.ALIAS
    source_id = case((is_alias, SECRET.c.target_id), else_=SECRET.c.id)
    size = func.length(SEALED_VALUE.c.ciphertext)
    row = await unit.first(
        select(func.sum(size).label("all"), func.max(size).label("longest"))
        .add_columns(func.count(_REFERENCE.c.secret_id).label("referring"))
        .select_from(SECRET)
        .join(SEALED_VALUE, SEALED_VALUE.c.secret_id == source_id)
        .outerjoin(_REFERENCE, _REFERENCE.c.secret_id == source_id)
        .where(SECRET.c.holder_id.in_(service.chain_ids))
    )
    return max(row.all, row.referring * row.longest) if row and row.longest else 0


async def stored_texts(
    unit: ReadUnit, service: Holder, *, most: int
) -> tuple[Sequence[StoredText], bool]:
    """Return the texts that a service gets, by key, and whether all their references are known.

    The sizes are those of the ciphertexts.
    """
    nearness = func.row_number().over(
        partition_by=SECRET.c.key, order_by=(SECRET.c.list_rank.desc(), SECRET.c.id)
    )
    ranked = (
        select(SECRET.c.id, SECRET.c.key, SECRET.c.variable_type, SECRET.c.target_id)
        .add_columns(nearness.label("nearness"))
        .where(SECRET.c.holder_id.in_(service.chain_ids))
        .subquery()
    )
    is_alias = ranked.c.variable_type == SecretType.ALIAS
    source_id = case((is_alias, ranked.c.target_id), else_=ranked.c.id)
    is_file = or_(_SOURCE.c.mount_path.is_not(None), _SOURCE_TARGET.c.mount_path.is_not(None))
    own, behind = (each.c.enable_interpolation_in_file for each in (_SOURCE, _SOURCE_TARGET))
    rows = await unit.rows(
        select(
            ranked.c.key,
            func.coalesce(func.length(SEALED_VALUE.c.ciphertext), 0).label("size"),
            is_file.label("is_file"),
            func.coalesce(own, behind, False).label("is_expanded"),
            func.coalesce(_REFERENCE.c.names, b"").label("names"),
            _HAS_ALL_REFERENCES.label("has_all_references"),
        )
        .join(_SOURCE, and_(_SOURCE.c.id == source_id, ranked.c.nearness == 1))
        .outerjoin(_SOURCE_TARGET, _SOURCE_TARGET.c.id == _SOURCE.c.target_id)
        .outerjoin(SEALED_VALUE, SEALED_VALUE.c.secret_id == _SOURCE.c.id)
        .outerjoin(_REFERENCE, _REFERENCE.c.secret_id == _SOURCE.c.id)
        .where(_SOURCE.c.holder_id.in_(service.chain_ids))
        .order_by(ranked.c.key)
        .limit(most)
    )
    return list(map(_text, rows)), all(row.has_all_references for row in rows)


def _text(row: Row[Any]) -> StoredText:
    is_followed = row.is_expanded or not row.is_file
    return StoredText(
        key=row.key,
        size=row.size,
        is_file=bool(row.is_file),
        name_hashes=row.names if is_followed else b"",
    )
