"""Queries about many secrets and values at once, for imports."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import func, select

from gateway.domain.holders import Holder
from gateway.domain.scopes import Scope
from gateway.domain.secrets import Secret
from gateway.storage.audit.row_macs import (
    REFERENCES,
    SECRETS,
    VALUES,
    integrity_fault,
    verified_rows,
)
from gateway.storage.live_rows import HOLDER, SECRET
from gateway.storage.prepared import Prepared, each_of
from gateway.storage.rows import delete_rows, in_parts, update_rows
from gateway.storage.secret_rows import edited, reader, row_of, selection
from gateway.storage.unit_of_work import ReadUnit, WriteUnit
from gateway.storage.values import SEALED_VALUE, StoredValue, columns_of, row_of_value

# What refers to a secret goes with it, even where its own holder is already deleted.
_ALL: Final = SECRETS.table
_COUNTS_AT: Final = Prepared(
    select(SECRET.c.holder_id, func.count().label("secrets"))
    .where(SECRET.c.holder_id.in_(each_of("holders")))
    .group_by(SECRET.c.holder_id)
)


@dataclass(frozen=True, slots=True)
class VersionedSecret:
    """A secret to store, and the version of its value if that is new."""

    secret: Secret
    value_version: int | None


async def with_keys(
    unit: ReadUnit, chain_ids: Collection[str], keys: Collection[str]
) -> list[Secret]:
    wanted = (SECRET.c.holder_id.in_(chain_ids), SECRET.c.key.in_(keys))
    return list(map(reader(unit), await unit.rows(selection().where(*wanted))))


async def widest_below(unit: ReadUnit, holder: Holder, keys: Collection[str]) -> list[Secret]:
    """Return, for each of the keys that holders below this one have, the widest secret."""
    is_below = HOLDER.c.id != holder.id
    if holder.kind is not Scope.PROJECT:
        is_below &= HOLDER.c.environment_id == holder.id
    nearness = func.row_number().over(
        partition_by=SECRET.c.key, order_by=(SECRET.c.list_rank, SECRET.c.id)
    )
    ranked = (
        select(SECRET.c.id, nearness.label("nearness"))
        .join(HOLDER, HOLDER.c.id == SECRET.c.holder_id)
        .where(SECRET.c.project_id == holder.project_id, SECRET.c.key.in_(keys), is_below)
        .subquery()
    )
    widest = select(ranked.c.id).where(ranked.c.nearness == 1)
    return list(map(reader(unit), await unit.rows(selection().where(SECRET.c.id.in_(widest)))))


async def add_secrets(unit: WriteUnit, added: Iterable[VersionedSecret]) -> None:
    """Store new secrets; their values are stored separately.

    Raises:
        IntegrityFault: if the database did not store exactly these rows.

    """
    await unit.insert(*(row_of(each.secret, each.value_version) for each in added))


async def update_secrets(unit: WriteUnit, edits: Sequence[VersionedSecret]) -> None:
    """Store what an edit can change of secrets, and the versions of their values.

    Raises:
        IntegrityFault: if one of the rows is not what the gateway wrote.

    """
    ids = [each.secret.id for each in edits]
    found = {row.id: row for row in await verified_rows(unit, SECRETS, SECRETS.row_id.in_(ids))}
    changes = []
    for each in edits:
        if each.secret.id not in found:
            raise integrity_fault(SECRET.name, each.secret.id)
        before = found[each.secret.id]
        changes.append((before, edited(each.secret, before, each.value_version)))
    await update_rows(unit, SECRETS, changes)


async def add_values(unit: WriteUnit, added: Sequence[StoredValue]) -> None:
    """Store the first values of secrets.

    Raises:
        IntegrityFault: if the database did not store exactly these rows.

    """
    await unit.insert(*(row_of_value(each) for each in added))


async def replace_values(unit: WriteUnit, replaced: Sequence[StoredValue]) -> None:
    """Replace the values of secrets by their next ones.

    Raises:
        IntegrityFault: if the database did not change exactly these rows.

    """
    if not replaced:
        return
    ids = [each.identity.secret_id for each in replaced]
    found = {
        row.secret_id: row
        for row in await verified_rows(unit, VALUES, SEALED_VALUE.c.secret_id.in_(ids))
    }
    changes = []
    for each in replaced:
        if each.identity.secret_id not in found:
            raise integrity_fault(SEALED_VALUE.name, each.identity.secret_id)
        after = columns_of(each.sealed, each.identity.value_version)
        changes.append((found[each.identity.secret_id], after))
    await update_rows(unit, VALUES, changes)


async def remove(unit: WriteUnit, ids: Collection[str]) -> None:
    """Delete secrets with all that belongs to them: values, references, aliases and overrides.

    Raises:
        ConcurrentChange: if a constraint refuses it.
        IntegrityFault: if the database did not delete exactly these rows.

    """
    # A secret that refers to another one is deleted before it.
    for level in reversed(await _levels(unit, ids)):
        for part in in_parts(level):
            await delete_rows(unit, REFERENCES, REFERENCES.row_id.in_(part))
            await delete_rows(unit, VALUES, VALUES.row_id.in_(part))
            await delete_rows(unit, SECRETS, SECRETS.row_id.in_(part))


async def _levels(unit: ReadUnit, ids: Collection[str]) -> Sequence[Sequence[str]]:
    """Return secrets and all that refer to them; each in a later level than its target."""
    level_of = dict.fromkeys(ids, 0)
    found, level = list(ids), 0
    while found:
        level += 1
        referring = [
            row.id
            for part in in_parts(found)
            for row in await unit.rows(select(_ALL.c.id).where(_ALL.c.target_id.in_(part)))
        ]
        level_of |= dict.fromkeys(referring, level)
        found = referring
    return [[each for each in level_of if level_of[each] == number] for number in range(level)]


async def counts_at(unit: ReadUnit, holder_ids: Collection[str]) -> dict[str, int]:
    rows = await unit.rows(_COUNTS_AT(holders=list(holder_ids)))
    return dict.fromkeys(holder_ids, 0) | {row.holder_id: row.secrets for row in rows}


def read_counts_ahead(unit: ReadUnit, holder_ids: Collection[str]) -> None:
    """Count with the next statement, for a later `counts_at`."""
    unit.read_ahead(_COUNTS_AT(holders=list(holder_ids)))
