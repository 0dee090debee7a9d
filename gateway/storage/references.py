"""Queries about references between values: the names that each value refers to, as keyed hashes."""

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, func, or_, select, true, union_all
from sqlalchemy.dialects.sqlite import insert as upsert

from gateway.domain.holders import Holder
from gateway.domain.reference_graph import MAX_FOLLOWED, TooManyReferences
from gateway.domain.scopes import Scope
from gateway.domain.secrets import SecretType
from gateway.storage.access_tables import ValueReferenceRow
from gateway.storage.audit.row_macs import READING, REFERENCES, ensure_one, integrity_fault
from gateway.storage.live_rows import HOLDER, SECRET
from gateway.storage.query_batching import BatchableQuery, batched_rows
from gateway.storage.rows import delete_rows, in_parts
from gateway.storage.unit_of_work import ReadUnit, WriteUnit

NAME_HASH_BYTES: Final = 16
VALUE_REFERENCE: Final = ValueReferenceRow.__table__
_ALIAS: Final = SECRET.alias("referring_alias")
# Rows that are read at once: those of a large project are never all in memory.
_ROWS_AT_ONCE: Final = 200
_BEGINNING: Final = ""
_ONLY: Final = 1

NameHashes = frozenset[bytes]


@dataclass(frozen=True, slots=True)
class Referrer:
    secret_id: str
    key: str
    names: NameHashes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Reading:
    """Progress in reading the values that are older than stored references."""

    position: str = _BEGINNING
    is_complete: bool = False


@dataclass(frozen=True, slots=True)
class ValueReferences:
    secret_id: str
    project_id: str
    value_version: int
    names: NameHashes = field(repr=False)


async def add(unit: WriteUnit, added: Iterable[ValueReferences]) -> None:
    """Store the names that values refer to.

    Raises:
        IntegrityFault: if the database did not store exactly these rows.

    """
    await unit.insert(
        *(
            ValueReferenceRow(
                secret_id=each.secret_id,
                project_id=each.project_id,
                value_version=each.value_version,
                names=b"".join(sorted(each.names)),
            )
            for each in added
        )
    )


async def remove(unit: WriteUnit, secret_ids: Iterable[str]) -> None:
    for part in in_parts(tuple(secret_ids)):
        await delete_rows(unit, REFERENCES, VALUE_REFERENCE.c.secret_id.in_(part))


async def names_of(unit: ReadUnit, secret_id: str) -> NameHashes:
    """Return the names that one secret's value refers to.

    Raises:
        IntegrityFault: if the row is not what the gateway wrote, or belongs to another value.

    """
    found = await _referrers(unit, VALUE_REFERENCE.c.secret_id == secret_id)
    return found[0].names if found else frozenset()


async def mentioning(unit: ReadUnit, holder: Holder, name: bytes) -> Sequence[Referrer]:
    """Return the secrets in a holder's chain or below it whose values refer to a name.

    Raises:
        IntegrityFault: as for one secret.
        TooManyReferences: as in `around`.

    """
    mentions = func.instr(VALUE_REFERENCE.c.names, name) > 0
    found = await around(unit, holder, {name}, mentions)
    # Bytes that begin inside another hash are not a mention.
    return [item for item in found if item.names]


async def has_any(unit: ReadUnit, project_id: str) -> bool:
    """Return whether any value of a project refers to names; entries of a list are batched."""
    statement = select(VALUE_REFERENCE.c.secret_id).where(
        VALUE_REFERENCE.c.project_id == project_id
    )
    wanted = BatchableQuery(statement=statement, by=(VALUE_REFERENCE.c.project_id,), limit=1)
    return bool(await batched_rows(unit, wanted, shape="references of a project"))


async def referring_keys(unit: ReadUnit, holder: Holder) -> Sequence[tuple[str, str]]:
    """Return the values around a holder that refer to names, as secret id and key.

    A value appears once under its secret's key, and once for each alias.
    """
    own = select(SECRET.c.id, SECRET.c.key).join(
        VALUE_REFERENCE, VALUE_REFERENCE.c.secret_id == SECRET.c.id
    )
    aliases = select(_ALIAS.c.target_id, _ALIAS.c.key).join(
        VALUE_REFERENCE, VALUE_REFERENCE.c.secret_id == _ALIAS.c.target_id
    )
    of_project = VALUE_REFERENCE.c.project_id == holder.project_id
    rows = await unit.rows(
        union_all(
            own.where(of_project, _is_around(holder, SECRET.c.holder_id)),
            aliases.where(
                of_project,
                _ALIAS.c.variable_type == SecretType.ALIAS,
                _is_around(holder, _ALIAS.c.holder_id),
            ),
        )
    )
    return [(row.id, row.key) for row in rows]


async def reading(unit: ReadUnit) -> Reading:
    """Return the progress in reading older values; a row that the gateway did not write is void."""
    row = await unit.first(READING.selection())
    if row is None or row.mac != unit.macs.of(READING, row[:-1]):
        return Reading()
    return Reading(row.position or _BEGINNING, is_complete=row.position is None)


async def keep_reading(unit: WriteUnit, position: str | None) -> None:
    """Store the progress in reading older values; None after the last one.

    Raises:
        IntegrityFault: if the database did not store exactly this row.

    """
    mac = unit.macs.of(READING, [_ONLY, position])
    kept = {"position": position, "mac": mac}
    statement = upsert(READING.table).values(id=_ONLY, **kept)
    count = await unit.execute(
        statement.on_conflict_do_update(index_elements=[READING.table.c.id], set_=kept)
    )
    ensure_one(READING.table, str(_ONLY), count)


async def around(
    unit: ReadUnit, holder: Holder, known: AbstractSet[bytes], *conditions: ColumnElement[bool]
) -> Sequence[Referrer]:
    """Return which of the known names each secret in a holder's chain or below it refers to.

    Raises:
        IntegrityFault: as for one secret.
        TooManyReferences: if there are too many to follow.

    """
    of_project = VALUE_REFERENCE.c.project_id == holder.project_id
    found: list[Referrer] = []
    count, after = 0, _BEGINNING
    while True:
        page = await _referrers(
            unit,
            of_project,
            _is_around(holder, SECRET.c.holder_id),
            VALUE_REFERENCE.c.secret_id > after,
            *conditions,
        )
        for referrer in page:
            names = referrer.names & known
            found.append(replace(referrer, names=names))
            count += len(names)
        if count > MAX_FOLLOWED:
            raise TooManyReferences
        if len(page) < _ROWS_AT_ONCE:
            return found
        after = page[-1].secret_id


def _is_around(holder: Holder, holder_id: ColumnElement[str]) -> ColumnElement[bool]:
    if holder.kind is Scope.PROJECT:
        return true()
    below = select(HOLDER.c.id).where(HOLDER.c.environment_id == holder.id)
    return or_(holder_id.in_(holder.chain_ids), holder_id.in_(below))


async def _referrers(unit: ReadUnit, *conditions: ColumnElement[bool]) -> Sequence[Referrer]:
    rows = await unit.rows(
        select(*REFERENCES.columns, SECRET.c.key, SECRET.c.value_version.label("expected"))
        .join(SECRET, SECRET.c.id == VALUE_REFERENCE.c.secret_id)
        .where(*conditions)
        .order_by(VALUE_REFERENCE.c.secret_id)
        .limit(_ROWS_AT_ONCE)
    )
    return [_referrer(unit, row) for row in rows]


def _referrer(unit: ReadUnit, row: Row[Any]) -> Referrer:
    unit.macs.ensure_sound(REFERENCES, row[: len(REFERENCES.columns)])
    if row.value_version != row.expected:
        raise integrity_fault(VALUE_REFERENCE.name, row.secret_id)
    starts = range(0, len(row.names), NAME_HASH_BYTES)
    names = frozenset(row.names[start : start + NAME_HASH_BYTES] for start in starts)
    return Referrer(row.secret_id, row.key, names)
