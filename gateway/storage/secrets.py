"""Queries about secrets, without their values."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Row,
    Select,
    delete,
    func,
    or_,
    select,
    true,
)

from gateway.domain.holders import Holder
from gateway.domain.pages import (
    ANY_SECRET,
    BY_SCOPE,
    Page,
    SecretFilter,
    SecretOrder,
    Window,
)
from gateway.domain.pages import SecretOrderField as Field
from gateway.domain.scopes import Scope, ServiceType
from gateway.domain.secrets import (
    Secret,
    SecretFacts,
    SecretType,
    ServiceReference,
    list_rank,
    service_at,
)
from gateway.domain.visibility import Visibility
from gateway.storage.holders import HOLDER, HOLDER_COLUMNS, holder_of
from gateway.storage.keyset import Ordering, fetch_page, listed
from gateway.storage.row_macs import (
    SECRETS,
    in_utc,
    insert_row,
    integrity_fault,
    update_row,
    verified_row,
    verified_rows,
)
from gateway.storage.tables import SecretRow
from gateway.storage.unit_of_work import ReadUnit, WriteUnit
from gateway.storage.visibility import holders_covered

SECRET: Final = SecretRow.__table__
_TARGET: Final = SECRET.alias("target")
_KEYS_AT_ONCE: Final = 500
_FACTS: Final = (
    "id",
    "key",
    "mount_path",
    "scope",
    "variable_type",
    "description",
    "enable_interpolation_in_file",
)
_OWN: Final = (
    "owned_by",
    "version",
    "created_at",
    "updated_at",
    "source_service_id",
    "source_service_name",
    "source_service_type",
)
# The further columns that a row's MAC covers, and the MAC.
_COVERED_TOO: Final = SECRETS.columns[len(_FACTS) + len(_OWN) :]
_SELECTED: Final = (
    *(SECRET.c[name] for name in _FACTS),
    *(_TARGET.c[name].label(f"target_{name}") for name in _FACTS),
    *(SECRET.c[name] for name in _OWN),
    *(column.label(f"holder_{column.name}") for column in HOLDER_COLUMNS),
    _TARGET.c.holder_id.label("target_holder_id"),
    _TARGET.c.version.label("target_version"),
    *(column.label(f"covered_{column.name}") for column in _COVERED_TOO),
)
_TARGET_AT: Final = len(_FACTS)
_OWN_AT: Final = 2 * len(_FACTS)
_HOLDER_AT: Final = _OWN_AT + len(_OWN)
_HOLDER_END: Final = _HOLDER_AT + len(HOLDER_COLUMNS)
_COVERED_AT: Final = _HOLDER_END + 2
_COVERED_END: Final = _COVERED_AT + len(_COVERED_TOO)
_TARGET_ID_AT: Final = _COVERED_AT + _COVERED_TOO.index(SECRET.c.target_id)

_ORDER_COLUMNS: Final = MappingProxyType(
    {
        Field.KEY: (SECRET.c.key, SECRET.c.id),
        Field.CREATED_AT: (SECRET.c.created_at, SECRET.c.id),
        Field.UPDATED_AT: (SECRET.c.updated_at, SECRET.c.id),
        Field.SCOPE: (SECRET.c.list_rank, SECRET.c.key, SECRET.c.id),
    },
)


def selection() -> Select[Any]:
    """Select all columns that `reader` needs."""
    return (
        select(*_SELECTED)
        .join(HOLDER, HOLDER.c.id == SECRET.c.holder_id)
        .outerjoin(_TARGET, _TARGET.c.id == SECRET.c.target_id)
    )


def ordering(order: SecretOrder) -> Ordering:
    """Return the columns that an order sorts by."""
    return Ordering(order.field, _ORDER_COLUMNS[order.field], order.is_descending)


@dataclass(frozen=True, slots=True)
class _Reader:
    """Builds secrets from selected rows. Readers of one unit are equal: their lists are batched."""

    unit: ReadUnit

    def __call__(self, row: Row[Any]) -> Secret:
        self.unit.macs.ensure_sound(
            SECRETS, row[:_TARGET_AT] + row[_OWN_AT:_HOLDER_AT] + row[_COVERED_AT:_COVERED_END]
        )
        if row[_TARGET_ID_AT] and not row[_TARGET_AT]:
            # The foreign key deletes aliases with their target; otherwise they would be empty.
            raise integrity_fault(SECRET.name, row[_TARGET_ID_AT])
        return _from_row(self.unit, row)


def reader(unit: ReadUnit) -> Callable[[Row[Any]], Secret]:
    """Return a function that builds secrets from selected rows, and refuses foreign rows."""
    return _Reader(unit)


def _from_row(unit: ReadUnit, row: Row[Any]) -> Secret:
    owned_by, version, created_at, updated_at, *source = row[_OWN_AT:_HOLDER_AT]
    holder = holder_of(unit, row[_HOLDER_AT:_HOLDER_END])
    return Secret(
        **_facts(row[:_TARGET_AT]),
        target=SecretFacts(**_facts(row[_TARGET_AT:_OWN_AT])) if row[_TARGET_AT] else None,
        holder=holder,
        service=_service(holder, source),
        owned_by=owned_by,
        version=version,
        created_at=created_at,
        updated_at=updated_at,
        target_holder_id=row[_HOLDER_END],
        target_version=row[_HOLDER_END + 1],
    )


def _facts(columns: Iterable[Any]) -> Mapping[str, Any]:
    facts = dict(zip(_FACTS, columns, strict=True))
    facts["scope"] = Scope(facts["scope"])
    facts["variable_type"] = SecretType(facts["variable_type"])
    return facts


def _service(holder: Holder, source: list[Any]) -> ServiceReference | None:
    service_id, name, service_type = source
    if service_id:
        return ServiceReference(id=service_id, name=name, type=ServiceType(service_type))
    return service_at(holder)


def cursor_of(secret: Secret, order: SecretOrder) -> str:
    """Return the secret's cursor in lists of that order."""
    rank = list_rank(secret.scope, secret.variable_type)
    sort_keys = [
        rank if column.name == "list_rank" else getattr(secret, column.name)
        for column in _ORDER_COLUMNS[order.field]
    ]
    return ordering(order).cursor_at(sort_keys)


async def by_ids(unit: ReadUnit, ids: Iterable[str]) -> dict[str, Secret]:
    """Return the secrets with these ids, by id; missing ones are left out."""
    rows = await unit.rows(selection().where(SECRET.c.id.in_(set(ids))))
    read = reader(unit)
    return {row.id: read(row) for row in rows}


async def find(unit: ReadUnit, secret_id: str) -> Secret | None:
    """Return the secret with this id, if it exists."""
    return (await by_ids(unit, [secret_id])).get(secret_id)


async def page(
    unit: ReadUnit,
    holder_ids: Iterable[str],
    window: Window,
    *,
    visibility: Visibility,
    order: SecretOrder = BY_SCOPE,
    only: SecretFilter = ANY_SECRET,
) -> Page[Secret]:
    """Return a page of the visible secrets at any of these holders."""
    wanted = (SECRET.c.holder_id.in_(tuple(holder_ids)), *conditions(only))
    statement = selection().where(*wanted, holders_covered(visibility))
    return await fetch_page(
        unit, statement, ordering=ordering(order), window=window, build=reader(unit)
    )


def conditions(only: SecretFilter) -> Iterable[ColumnElement[bool]]:
    """Return a filter's conditions."""
    if only.key_prefix is not None:
        # LIKE would ignore case on SQLite, but keys are case-sensitive.
        yield func.substr(SECRET.c.key, 1, len(only.key_prefix)) == only.key_prefix
    wanted = ((SECRET.c.key, only.keys), (SECRET.c.scope, only.scopes))
    for column, allowed in (*wanted, (SECRET.c.variable_type, only.variable_types)):
        if allowed is not None:
            yield column.in_(allowed)


async def find_with_key(unit: ReadUnit, holder: Holder, key: str) -> Secret | None:
    """Return the secret with the key in the holder's chain or below it, the widest first."""
    statement = (
        selection()
        .where(
            SECRET.c.project_id == holder.project_id, SECRET.c.key == key, _related_columns(holder)
        )
        .order_by(SECRET.c.list_rank, SECRET.c.id)
        .limit(1)
    )
    row = await unit.first(statement)
    return reader(unit)(row) if row else None


async def find_at(unit: ReadUnit, holder: Holder, key: str) -> Secret | None:
    """Return the secret with the key at the holder itself."""
    row = await unit.first(selection().where(SECRET.c.holder_id == holder.id, SECRET.c.key == key))
    return reader(unit)(row) if row else None


async def files_with_keys(
    unit: ReadUnit, organization_id: str, keys: Iterable[str]
) -> list[Secret]:
    """Return the files of an organization with these keys, and the secrets that refer to files."""
    statement = selection().where(
        HOLDER.c.organization_id == organization_id,
        SECRET.c.key.in_(set(keys)),
        or_(SECRET.c.mount_path.is_not(None), _TARGET.c.mount_path.is_not(None)),
    )
    return [reader(unit)(row) for row in await unit.rows(statement)]


def _related_columns(holder: Holder) -> ColumnElement[bool]:
    # Every holder of a project is in its chain or below it; a service has nothing below it.
    if holder.kind is Scope.PROJECT:
        return true()
    below = HOLDER.c.environment_id == holder.id
    return or_(SECRET.c.holder_id.in_(holder.chain_ids), below)


def dependents(secret_id: str) -> Select[Any]:
    """Select the ids of all secrets that refer to the secret, aliases of its overrides included."""
    direct = select(SECRET.c.id).where(SECRET.c.target_id == secret_id).cte(recursive=True)
    further = select(SECRET.c.id).where(SECRET.c.target_id == direct.c.id)
    return select(direct.union(further).c.id)


async def dependent_keys(unit: ReadUnit, secret_id: str) -> dict[str, str]:
    """Return the keys of all secrets that are deleted with the secret, by id."""
    statement = select(SECRET.c.id, SECRET.c.key).where(SECRET.c.id.in_(dependents(secret_id)))
    return {row.id: row.key for row in await unit.rows(statement)}


async def with_keys(unit: ReadUnit, holder: Holder, keys: Iterable[str]) -> list[Secret]:
    """Return all secrets with one of these keys in the holder's chain or below it."""
    wanted, found = sorted(keys), list[Secret]()
    for start in range(0, len(wanted), _KEYS_AT_ONCE):
        some = SECRET.c.key.in_(wanted[start : start + _KEYS_AT_ONCE])
        rows = await unit.rows(
            selection().where(
                SECRET.c.project_id == holder.project_id, some, _related_columns(holder)
            )
        )
        found += map(reader(unit), rows)
    return found


async def keys_at(unit: ReadUnit, holder_ids: Iterable[str], *, visibility: Visibility) -> set[str]:
    """Return the visible keys at these holders."""
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
        .where(_related_columns(holder))
        .distinct()
    )
    return {row.key for row in rows}


async def override_ids(unit: ReadUnit, secret_id: str) -> list[str]:
    """Return the ids of a secret's overrides."""
    are_overrides = (
        SECRET.c.target_id == secret_id,
        SECRET.c.variable_type == SecretType.OVERRIDE,
    )
    return [row.id for row in await unit.rows(select(SECRET.c.id).where(*are_overrides))]


async def alias_keys_of(unit: ReadUnit, target_ids: Collection[str]) -> set[str]:
    """Return the keys of all aliases of these secrets."""
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


async def update_facts(
    unit: WriteUnit, secret: Secret, *, value_version: int | None = None
) -> None:
    """Store what an edit can change of a secret, and the version of its value if that is new.

    Raises:
        IntegrityFault: if the row is not what the gateway wrote.

    """
    changes = {
        "key": secret.key,
        "description": secret.description,
        "enable_interpolation_in_file": secret.enable_interpolation_in_file,
        "version": secret.version,
        "updated_at": in_utc(secret.updated_at),
    }
    if value_version is not None:
        changes["value_version"] = value_version
    await update_row(unit, SECRETS, await verified_row(unit, SECRETS, secret.id), changes)


async def rename_overrides(unit: WriteUnit, target: Secret) -> None:
    """Give the target's overrides its key.

    Raises:
        IntegrityFault: if one of them is not what the gateway wrote.

    """
    are_overrides = (
        SECRET.c.target_id == target.id,
        SECRET.c.variable_type == SecretType.OVERRIDE,
    )
    updated_at = in_utc(target.updated_at)
    for row in await verified_rows(unit, SECRETS, *are_overrides):
        changes = {"key": target.key, "version": row.version + 1, "updated_at": updated_at}
        await update_row(unit, SECRETS, row, changes)


async def remove(unit: WriteUnit, secret_id: str) -> None:
    """Delete a secret; the foreign key deletes all that refer to it."""
    await unit.execute(delete(SECRET).where(SECRET.c.id == secret_id))


async def ids_at(unit: ReadUnit, holder_ids: Iterable[str]) -> list[str]:
    """Return the ids of all secrets at these holders."""
    rows = await unit.rows(
        select(SECRET.c.id).where(SECRET.c.holder_id.in_(tuple(holder_ids))).order_by(SECRET.c.id)
    )
    return [row.id for row in rows]


async def remove_at(unit: WriteUnit, holder_ids: Iterable[str]) -> None:
    """Delete all secrets at these holders."""
    await unit.execute(delete(SECRET).where(SECRET.c.holder_id.in_(tuple(holder_ids))))


async def add(unit: WriteUnit, secret: Secret, *, value_version: int | None = None) -> None:
    """Store a new secret; its own value, if it has one, is stored separately."""
    await insert_row(unit, SECRETS, columns_of(secret, value_version))


def columns_of(secret: Secret, value_version: int | None) -> dict[str, Any]:
    """Return the columns of a new secret's row, without the MAC."""
    source = secret.service if secret.is_built_in else None
    return {
        **{name: getattr(secret, name) for name in _FACTS},
        "organization_id": secret.holder.organization_id,
        "project_id": secret.holder.project_id,
        "holder_id": secret.holder.id,
        "holder_kind": secret.holder.kind,
        "list_rank": list_rank(secret.scope, secret.variable_type),
        "target_id": secret.target.id if secret.target else None,
        "target_type": secret.target.variable_type if secret.target else None,
        "source_service_id": source.id if source else None,
        "source_service_name": source.name if source else None,
        "source_service_type": source.type if source else None,
        "owned_by": secret.owned_by,
        "version": secret.version,
        "created_at": in_utc(secret.created_at),
        "updated_at": in_utc(secret.updated_at),
        "value_version": value_version,
    }
