"""How much one service gets: files, keys and bytes.

They load no values. Of holders they read only the columns that say which chain they are in; code
that shows a holder reads it with its MAC.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    LargeBinary,
    and_,
    bindparam,
    case,
    cast,
    func,
    or_,
    select,
)

from gateway.domain.audit import AuditAction
from gateway.domain.delivery_loads import HolderLoad
from gateway.domain.holders import Holder
from gateway.domain.quotas import folders_of
from gateway.domain.scopes import Scope
from gateway.domain.secrets import Secret, SecretType
from gateway.storage.audit.event_log import EVENT, HEAD
from gateway.storage.live_rows import HOLDER, SECRET
from gateway.storage.secrets import reader, selection
from gateway.storage.unit_of_work import ReadUnit
from gateway.storage.values import SEALED_VALUE

# The character after the slash: every text that begins with `path/` sorts before `path0`.
_AFTER_SLASH = chr(ord("/") + 1)


async def colliding(unit: ReadUnit, project_id: str, path: str) -> list[Secret]:
    """Return a project's files that cannot exist together with a file at that path, by scope."""
    below = and_(SECRET.c.mount_path > f"{path}/", SECRET.c.mount_path < f"{path}{_AFTER_SLASH}")
    above = SECRET.c.mount_path.in_([path, *folders_of(path)])
    return await _files(unit, project_id, or_(above, below))


async def of_project(unit: ReadUnit, project_id: str) -> list[Secret]:
    return await _files(unit, project_id)


async def _files(unit: ReadUnit, project_id: str, *conditions: ColumnElement[bool]) -> list[Secret]:
    # The second condition is the index's own.
    wanted = (SECRET.c.project_id == project_id, SECRET.c.mount_path.is_not(None), *conditions)
    statement = selection().where(*wanted).order_by(SECRET.c.list_rank, SECRET.c.id)
    return list(map(reader(unit), await unit.rows(statement)))


async def referring_to(unit: ReadUnit, file_ids: Collection[str]) -> list[Secret]:
    """Return aliases and overrides of files, and aliases of these overrides."""
    direct = select(SECRET.c.id).where(SECRET.c.target_id.in_(file_ids))
    wanted = or_(SECRET.c.target_id.in_(file_ids), SECRET.c.target_id.in_(direct))
    return list(map(reader(unit), await unit.rows(selection().where(wanted))))


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
    boxes: int
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
            func.count(SEALED_VALUE.c.ciphertext).label("boxes"),
            func.coalesce(func.sum(func.length(SEALED_VALUE.c.ciphertext)), 0).label(
                "sealed_bytes"
            ),
            func.sum(_bytes_of(SECRET.c.mount_path)).label("path_bytes"),
        )
        .outerjoin(SEALED_VALUE, SEALED_VALUE.c.secret_id == SECRET.c.id)
        .where(SECRET.c.holder_id.in_(holder_ids))
        .group_by(SECRET.c.holder_id)
    )
    return [OwnSize(row.holder_id, row.boxes, row.sealed_bytes, row.path_bytes) for row in rows]


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
