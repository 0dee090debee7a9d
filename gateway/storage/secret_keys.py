"""Queries about keys: which exist at, above and below a holder."""

from collections.abc import Iterable
from typing import Final

from sqlalchemy import (
    ColumnElement,
    or_,
    select,
)

from gateway.domain.holders import Holder
from gateway.domain.secrets import (
    Secret,
)
from gateway.domain.visibility import Visibility
from gateway.storage.holders import HOLDER
from gateway.storage.keyset import listed
from gateway.storage.secrets import SECRET, TARGET, in_chain_or_below, reader, selection
from gateway.storage.unit_of_work import ReadUnit
from gateway.storage.visibility import holders_covered

_KEYS_AT_ONCE: Final = 500


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
    """Return at most `most` visible keys of a project."""
    return await _keys(unit, SECRET.c.project_id == project_id, visibility, most)


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
        .where(SECRET.c.project_id == holder.project_id, SECRET.c.key.in_(listed(set(keys))))
        .where(in_chain_or_below(holder))
        .distinct()
    )
    return {row.key for row in rows}
