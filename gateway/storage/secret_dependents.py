"""Queries about what depends on a secret: its aliases and overrides, and theirs."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import (
    Select,
    or_,
    select,
)

from gateway.domain.pages import (
    BY_SCOPE,
    Page,
    Window,
)
from gateway.domain.secrets import (
    Secret,
    SecretType,
)
from gateway.domain.visibility import Visibility
from gateway.storage.keyset import fetch_page, listed
from gateway.storage.row_macs import (
    SECRETS,
    in_utc,
    verified_rows,
)
from gateway.storage.rows import update_rows
from gateway.storage.secrets import (
    SECRET,
    ordering,
    reader,
    selection,
)
from gateway.storage.unit_of_work import ReadUnit, WriteUnit
from gateway.storage.visibility import holders_covered


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
    are_overrides = (
        SECRET.c.target_id == secret_id,
        SECRET.c.variable_type == SecretType.OVERRIDE,
    )
    return [row.id for row in await unit.rows(select(SECRET.c.id).where(*are_overrides))]


async def alias_keys_of(unit: ReadUnit, target_ids: Collection[str]) -> set[str]:
    are_aliases = (
        SECRET.c.target_id.in_(listed(target_ids)),
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
    among = [dependents(secret_id), listed(referring)] if referring else [dependents(secret_id)]
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
    are_overrides = (
        SECRET.c.target_id == target.id,
        SECRET.c.variable_type == SecretType.OVERRIDE,
    )
    same = {"key": target.key, "updated_at": in_utc(target.updated_at)}
    found = await verified_rows(unit, SECRETS, *are_overrides)
    await update_rows(unit, SECRETS, [(row, {**same, "version": row.version + 1}) for row in found])
