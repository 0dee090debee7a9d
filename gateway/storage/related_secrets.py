"""Queries about keys and files near a holder, and about what depends on a secret."""

from collections.abc import Collection, Iterable
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    func,
    or_,
    select,
)

from gateway.domain.file_paths import folders_of
from gateway.domain.holders import Holder
from gateway.domain.pages import (
    BY_SCOPE,
    Page,
    Window,
)
from gateway.domain.permissions import Visibility
from gateway.domain.secrets import (
    Secret,
    SecretType,
    later_than,
)
from gateway.storage.audit.row_macs import SECRETS, in_utc, verified_rows
from gateway.storage.keyset import fetch_page, holders_covered
from gateway.storage.live_rows import HOLDER, SECRET
from gateway.storage.prepared import values_of
from gateway.storage.rows import update_rows
from gateway.storage.secret_rows import TARGET, reader, selection
from gateway.storage.secrets import in_chain_or_below, ordering
from gateway.storage.unit_of_work import ReadUnit, WriteUnit

_KEYS_AT_ONCE: Final = 500
# The character after the slash: every text that begins with `path/` sorts before `path0`.
_AFTER_SLASH: Final = chr(ord("/") + 1)


async def files_with_keys(
    unit: ReadUnit, organization_id: str, keys: Iterable[str]
) -> list[Secret]:
    """Return the files of an organization with these keys, and the secrets that refer to files."""
    statement = selection().where(
        HOLDER.c.organization_id == organization_id,
        SECRET.c.key.in_(set(keys)),
        or_(SECRET.c.mount_path.is_not(None), TARGET.c.mount_path.is_not(None)),
    )
    return [reader(unit)(row) for row in await unit.rows(statement)]


async def files_colliding_with(unit: ReadUnit, project_id: str, path: str) -> list[Secret]:
    """Return a project's files that cannot exist together with a file at that path, by scope."""
    below = and_(SECRET.c.mount_path > f"{path}/", SECRET.c.mount_path < f"{path}{_AFTER_SLASH}")
    above = SECRET.c.mount_path.in_([path, *folders_of(path)])
    return await _files(unit, project_id, or_(above, below))


async def files_of_project(unit: ReadUnit, project_id: str) -> list[Secret]:
    return await _files(unit, project_id)


async def _files(unit: ReadUnit, project_id: str, *conditions: ColumnElement[bool]) -> list[Secret]:
    # The second condition is the index's own.
    wanted = (SECRET.c.project_id == project_id, SECRET.c.mount_path.is_not(None), *conditions)
    statement = selection().where(*wanted).order_by(SECRET.c.list_rank, SECRET.c.id)
    return list(map(reader(unit), await unit.rows(statement)))


async def referring_to_files(unit: ReadUnit, file_ids: Collection[str]) -> list[Secret]:
    """Return aliases and overrides of files, and aliases of these overrides."""
    direct = select(SECRET.c.id).where(SECRET.c.target_id.in_(file_ids))
    wanted = or_(SECRET.c.target_id.in_(file_ids), SECRET.c.target_id.in_(direct))
    return list(map(reader(unit), await unit.rows(selection().where(wanted))))


async def with_keys(unit: ReadUnit, holder: Holder, keys: Iterable[str]) -> list[Secret]:
    wanted, found = sorted(keys), list[Secret]()
    for start in range(0, len(wanted), _KEYS_AT_ONCE):
        some = SECRET.c.key.in_(wanted[start : start + _KEYS_AT_ONCE])
        rows = await unit.rows(
            selection().where(
                SECRET.c.project_id == holder.project_id, some, in_chain_or_below(holder)
            )
        )
        found += map(reader(unit), rows)
    return found


async def keys_at(unit: ReadUnit, holder_ids: Iterable[str], *, visibility: Visibility) -> set[str]:
    wanted = SECRET.c.holder_id.in_(tuple(holder_ids))
    return await _keys(unit, wanted, visibility)


async def keys_of_project(
    unit: ReadUnit, project_id: str, *, visibility: Visibility, most: int
) -> set[str]:
    """Return at most `most` visible keys of a project of the visible organization."""
    if not visibility.is_everywhere:
        return await _keys(unit, SECRET.c.project_id == project_id, visibility, most)
    # Each step finds the next key, whatever the number of secrets that have the same one.
    found = select(func.min(SECRET.c.key).label("key")).where(SECRET.c.project_id == project_id)
    keys = found.cte(recursive=True)
    following = found.where(SECRET.c.key > keys.c.key).correlate(keys).scalar_subquery()
    keys = keys.union_all(select(following).where(keys.c.key.is_not(None)))
    rows = await unit.rows(select(keys.c.key).where(keys.c.key.is_not(None)).limit(most))
    return {row.key for row in rows}


async def _keys(
    unit: ReadUnit, wanted: ColumnElement[bool], visibility: Visibility, most: int | None = None
) -> set[str]:
    rows = await unit.rows(
        select(SECRET.c.key)
        .join(HOLDER, HOLDER.c.id == SECRET.c.holder_id)
        .where(wanted, holders_covered(visibility))
        .distinct()
        .limit(most)
    )
    return {row.key for row in rows}


async def known_keys(unit: ReadUnit, holder: Holder, keys: Iterable[str]) -> set[str]:
    """Return those of the keys that exist in the holder's chain or below it."""
    rows = await unit.rows(
        select(SECRET.c.key)
        .join(HOLDER, HOLDER.c.id == SECRET.c.holder_id)
        .where(SECRET.c.project_id == holder.project_id, SECRET.c.key.in_(values_of(set(keys))))
        .where(in_chain_or_below(holder))
        .distinct()
    )
    return {row.key for row in rows}


def dependents(secret_id: str) -> Select[Any]:
    """Select the ids of all secrets that refer to the secret, aliases of its overrides included."""
    direct = select(SECRET.c.id).where(SECRET.c.target_id == secret_id).cte(recursive=True)
    further = select(SECRET.c.id).where(SECRET.c.target_id == direct.c.id)
    return select(direct.union(further).c.id)


async def dependent_keys(unit: ReadUnit, secret_id: str) -> dict[str, str]:
    """Return the keys of all secrets that are deleted with the secret, by id."""
    statement = select(SECRET.c.id, SECRET.c.key).where(SECRET.c.id.in_(dependents(secret_id)))
    return {row.id: row.key for row in await unit.rows(statement)}


async def override_ids(unit: ReadUnit, secret_id: str) -> list[str]:
    return [row.id for row in await unit.rows(_overrides_of(secret_id))]


def _overrides_of(secret_id: str) -> Select[Any]:
    return select(SECRET.c.id).where(
        SECRET.c.target_id == secret_id, SECRET.c.variable_type == SecretType.OVERRIDE
    )


async def alias_keys_of(unit: ReadUnit, target_ids: Collection[str]) -> set[str]:
    are_aliases = (
        SECRET.c.target_id.in_(values_of(target_ids)),
        SECRET.c.variable_type == SecretType.ALIAS,
    )
    return {row.key for row in await unit.rows(select(SECRET.c.key).where(*are_aliases))}


async def alias_keys(
    unit: ReadUnit, target_id: str, *, holder_ids: Collection[str], most: int
) -> list[str]:
    """Return the keys of the aliases of a secret at these holders, in order."""
    rows = await unit.rows(
        select(SECRET.c.key)
        .where(
            SECRET.c.target_id == target_id,
            SECRET.c.variable_type == SecretType.ALIAS,
            SECRET.c.holder_id.in_(holder_ids),
        )
        .order_by(SECRET.c.key)
        .limit(most)
    )
    return [row.key for row in rows]


async def dependents_page(
    unit: ReadUnit,
    secret_id: str,
    window: Window,
    *,
    visibility: Visibility,
    referring: Collection[str] = (),
) -> Page[Secret]:
    """Return a page of the visible secrets that refer to the secret or are deleted with it."""
    among = [dependents(secret_id), values_of(referring)] if referring else [dependents(secret_id)]
    is_dependent = or_(*(SECRET.c.id.in_(each) for each in among))
    statement = selection().where(is_dependent, holders_covered(visibility))
    return await fetch_page(
        unit, statement, ordering=ordering(BY_SCOPE), window=window, build=reader(unit)
    )


async def rename_overrides(unit: WriteUnit, target: Secret) -> None:
    """Give the target's overrides its key.

    Raises:
        IntegrityFault: if one of them is not what the gateway wrote.

    """
    at = in_utc(target.updated_at)
    found = await verified_rows(unit, SECRETS, SECRETS.row_id.in_(_overrides_of(target.id)))
    changes = [
        (
            row,
            {
                "key": target.key,
                "updated_at": later_than(row.updated_at, at),
                "version": row.version + 1,
            },
        )
        for row in found
    ]
    await update_rows(unit, SECRETS, changes)
