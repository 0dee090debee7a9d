"""Queries about secrets, without their values."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from operator import itemgetter
from typing import Any, Final

import orjson
from sqlalchemy import (
    ColumnElement,
    Row,
    Select,
    bindparam,
    func,
    or_,
    select,
    true,
)
from sqlalchemy.sql.elements import KeyedColumnElement

from gateway.domain.holders import Holder, is_canonical_id
from gateway.domain.pages import ANY_SECRET, BY_SCOPE, Page, SecretFilter, SecretOrder, Window
from gateway.domain.pages import SecretOrderField as Field
from gateway.domain.permissions import Visibility
from gateway.domain.scopes import Scope, ServiceType
from gateway.domain.secrets import (
    Secret,
    SecretFacts,
    SecretType,
    ServiceReference,
    list_rank,
    service_at,
)
from gateway.storage.audit.row_macs import SECRETS, in_utc, integrity_fault, verified_row
from gateway.storage.holders import HOLDER_COLUMNS, ensure_live, holder_of
from gateway.storage.keyset import (
    AnyVisibility,
    Build,
    Parts,
    Template,
    fetch_page,
    holders_covered,
)
from gateway.storage.live_rows import HOLDER, SECRET
from gateway.storage.memory import size_of
from gateway.storage.ordering import Ordering
from gateway.storage.prepared import Bound, Parameter, Parameters, Prepared, each_of
from gateway.storage.rows import update_rows
from gateway.storage.tables import SecretRow
from gateway.storage.unit_of_work import ReadUnit, WriteUnit

TARGET: Final = SECRET.alias("target")
# The fields of the domain's secret that the table has: those that a reference to it shows, too, and
# the others.
_FACTS: Final = tuple(field.name for field in fields(SecretFacts))
_OWN: Final = tuple(
    field.name for field in fields(Secret) if field.name in SECRET.c and field.name not in _FACTS
)
_SOURCE: Final = ("source_service_id", "source_service_name", "source_service_type")
# What stays as it was created; an edit writes all other fields, and which value the secret has.
_FIXED: Final = {"id", "mount_path", "scope", "variable_type", "owned_by", "created_at"}
_EDITABLE: Final = (*(name for name in (*_FACTS, *_OWN) if name not in _FIXED), "value_version")
_READ: Final = {*_FACTS, *_OWN, *_SOURCE}
_SELECTED: Final = (
    *(SECRET.c[name] for name in _FACTS),
    *(TARGET.c[name].label(f"target_{name}") for name in _FACTS),
    *(SECRET.c[name] for name in _OWN),
    *(SECRET.c[name] for name in _SOURCE),
    *(column.label(f"holder_{column.name}") for column in HOLDER_COLUMNS),
    TARGET.c.holder_id.label("target_holder_id"),
    TARGET.c.version.label("target_version"),
    # What the row's MAC covers besides, and the MAC.
    *(
        SECRET.c[column.name].label(f"covered_{column.name}")
        for column in SECRETS.columns
        if column.name not in _READ
    ),
)
_SCOPES: Final = {scope.value: scope for scope in Scope}
_TYPES: Final = {kind.value: kind for kind in SecretType}
_TARGET_AT: Final = len(_FACTS)
_OWN_AT: Final = 2 * len(_FACTS)
_SOURCE_AT: Final = _OWN_AT + len(_OWN)
_HOLDER_AT: Final = _SOURCE_AT + len(_SOURCE)
_HOLDER_END: Final = _HOLDER_AT + len(HOLDER_COLUMNS)
_END: Final = len(_SELECTED)
_NAMES: Final = [column.name for column in _SELECTED]
_in_mac: Final = itemgetter(
    *(
        _NAMES.index(column.name if column.name in _READ else f"covered_{column.name}")
        for column in SECRETS.columns
    )
)
_TARGET_ID_AT: Final = _NAMES.index("covered_target_id")

# In one row: a large project has many.
_IDS_AT: Final = Prepared(
    select(func.json_group_array(SECRET.c.id).label("ids")).where(
        SECRET.c.holder_id.in_(each_of("holders"))
    )
)

_ORDER_COLUMNS: Final[Mapping[Field, tuple[KeyedColumnElement[Any], ...]]] = {
    Field.KEY: (SECRET.c.key, SECRET.c.id),
    Field.CREATED_AT: (SECRET.c.created_at, SECRET.c.id),
    Field.UPDATED_AT: (SECRET.c.updated_at, SECRET.c.id),
    Field.SCOPE: (SECRET.c.list_rank, SECRET.c.key, SECRET.c.id),
}


def selection() -> Select[Any]:
    return (
        select(*_SELECTED)
        .join(HOLDER, HOLDER.c.id == SECRET.c.holder_id)
        .outerjoin(TARGET, TARGET.c.id == SECRET.c.target_id)
    )


def _has_prefix(given: Parameters) -> ColumnElement[bool]:
    # LIKE would ignore case on SQLite, but keys are case-sensitive.
    prefix = given.one("key_prefix")
    return func.substr(SECRET.c.key, 1, func.length(prefix)) == prefix


# The condition of each field of a filter; its parameter has the field's name.
_CHOSEN: Final[Mapping[str, Callable[[Parameters], ColumnElement[bool]]]] = {
    "key_prefix": _has_prefix,
    "keys": lambda given: SECRET.c.key.in_(given.each("keys")),
    "scopes": lambda given: SECRET.c.scope.in_(given.each("scopes")),
    "variable_types": lambda given: SECRET.c.variable_type.in_(given.each("variable_types")),
}
_BY_ID: Final = Prepared(selection().where(SECRET.c.id == bindparam("id")))
_BY_IDS: Final = Prepared(selection().where(SECRET.c.id.in_(each_of("ids"))))
_AT: Final = Prepared(
    selection().where(SECRET.c.holder_id == bindparam("holder"), SECRET.c.key == bindparam("key"))
)


def _with_key(*conditions: ColumnElement[bool]) -> Prepared:
    """Select the widest secret with a key in a project."""
    return Prepared(
        selection()
        .where(
            SECRET.c.project_id == bindparam("project"),
            SECRET.c.key == bindparam("key"),
            *conditions,
        )
        .order_by(SECRET.c.list_rank, SECRET.c.id)
        .limit(1)
    )


_IS_IN_CHAIN: Final = SECRET.c.holder_id.in_(each_of("chain"))
_IS_BELOW: Final = HOLDER.c.environment_id == bindparam("holder")
# Every holder of a project is in its chain or below it.
_IN_PROJECT: Final = _with_key()
_IN_CHAIN_OR_BELOW: Final = _with_key(or_(_IS_IN_CHAIN, _IS_BELOW))


def ordering(order: SecretOrder) -> Ordering:
    return Ordering(order.field, _ORDER_COLUMNS[order.field], order.is_descending)


@dataclass(frozen=True, slots=True)
class _Reader:
    """Builds secrets from selected rows. Readers of one unit are equal: their lists are batched."""

    unit: ReadUnit

    def __call__(self, row: Row[Any]) -> Secret:
        # Lists select their sort keys, too.
        columns, memory = row[:_END], self.unit.macs.memory
        known: Secret | None = memory.get(columns)
        if known is not None:
            ensure_live(self.unit, known.holder)
            return known
        self.unit.macs.ensure_sound(SECRETS, _in_mac(row))
        if row[_TARGET_ID_AT] and not row[_TARGET_AT]:
            # Aliases are deleted with their target; otherwise they would be empty.
            raise integrity_fault(SECRET.name, row[_TARGET_ID_AT])
        secret = _from_row(self.unit, columns)
        memory.keep(columns, secret, size_of([columns]))
        return secret


def reader(unit: ReadUnit) -> Callable[[Row[Any]], Secret]:
    """Return a function that builds secrets from selected rows, and refuses foreign rows."""
    return _Reader(unit)


def _from_row(unit: ReadUnit, row: Sequence[Any]) -> Secret:
    holder = holder_of(unit, row[_HOLDER_AT:_HOLDER_END])
    made = _facts(row[:_TARGET_AT])
    made.update(zip(_OWN, row[_OWN_AT:_SOURCE_AT], strict=True))
    return Secret(
        **made,
        target=SecretFacts(**_facts(row[_TARGET_AT:_OWN_AT])) if row[_TARGET_AT] else None,
        holder=holder,
        service=_service(holder, row[_SOURCE_AT:_HOLDER_AT]),
        target_holder_id=row[_HOLDER_END],
        target_version=row[_HOLDER_END + 1],
    )


def _facts(columns: Iterable[Any]) -> dict[str, Any]:
    facts = dict(zip(_FACTS, columns, strict=True))
    facts["scope"] = _SCOPES[facts["scope"]]
    facts["variable_type"] = _TYPES[facts["variable_type"]]
    return facts


def _service(holder: Holder, source: Sequence[Any]) -> ServiceReference | None:
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
    rows = await unit.rows(_BY_IDS(ids=list(set(ids))))
    read = reader(unit)
    return {row.id: read(row) for row in rows}


async def find(unit: ReadUnit, secret_id: str) -> Secret | None:
    return await _first(unit, _BY_ID(id=secret_id))


def read_ahead(unit: ReadUnit, secret_id: str) -> None:
    """Read a secret with the next statement, for a later `find`."""
    if is_canonical_id(secret_id):
        unit.read_ahead(_BY_ID(id=secret_id))


async def page(
    unit: ReadUnit,
    holder_ids: Collection[str],
    window: Window,
    *,
    visibility: Visibility,
    order: SecretOrder = BY_SCOPE,
    only: SecretFilter = ANY_SECRET,
) -> Page[Secret]:
    return await fetch_page(
        unit,
        listed_at(defined, holder_ids, visibility, only),
        ordering=ordering(order),
        window=window,
        build=reader(unit),
    )


@dataclass(frozen=True, slots=True)
class ListShape:
    """What decides a list's statement: how many holders, and the fields of the filter."""

    holders: int
    chosen: tuple[str, ...]
    is_everywhere: bool


def listed_at(
    build: Build[ListShape],
    holder_ids: Collection[str],
    visibility: Visibility,
    only: SecretFilter,
) -> Template[ListShape]:
    """Return a list of secrets at some holders."""
    at = {f"holder_{number}": holder_id for number, holder_id in enumerate(holder_ids)}
    chosen = {name: value for name, value in asdict(only).items() if value is not None}
    shape = ListShape(len(at), tuple(chosen), is_everywhere=visibility.is_everywhere)
    return Template(build, shape, {**at, **chosen, **AnyVisibility.values(visibility)})


def defined(given: Parameters, shape: ListShape) -> tuple[Select[Any], Parts]:
    """Select the secrets of a `listed_at`."""
    is_at = [SECRET.c.holder_id == each for each in holders_given(given, shape)]
    wanted = (or_(*is_at), *(_CHOSEN[name](given) for name in shape.chosen))
    covered = holders_covered(AnyVisibility(shape.is_everywhere, given))
    return selection().where(*wanted, covered), Parts(selection(), SECRET.c.id, is_at)


def holders_given(given: Parameters, shape: ListShape) -> Sequence[Parameter]:
    """Return the parameters of the holders of a list."""
    return [given.one(f"holder_{number}") for number in range(shape.holders)]


async def find_with_key(unit: ReadUnit, holder: Holder, key: str) -> Secret | None:
    """Return the secret with the key in the holder's chain or below it, the widest first."""
    return await _first(unit, with_key(holder, key))


def with_key(holder: Holder, key: str) -> Bound:
    """Return the statement of `find_with_key`."""
    if holder.kind is Scope.PROJECT:
        return _IN_PROJECT(project=holder.project_id, key=key)
    return _IN_CHAIN_OR_BELOW(
        project=holder.project_id, key=key, chain=holder.chain_ids, holder=holder.id
    )


async def find_at(unit: ReadUnit, holder: Holder, key: str) -> Secret | None:
    return await _first(unit, _AT(holder=holder.id, key=key))


async def _first(unit: ReadUnit, wanted: Bound) -> Secret | None:
    row = await unit.first(wanted)
    return reader(unit)(row) if row else None


def in_chain_or_below(holder: Holder) -> ColumnElement[bool]:
    """Return the condition that a secret is in the holder's chain or below the holder."""
    # Every holder of a project is in its chain or below it; a service has nothing below it.
    if holder.kind is Scope.PROJECT:
        return true()
    below = HOLDER.c.environment_id == holder.id
    return or_(SECRET.c.holder_id.in_(holder.chain_ids), below)


async def update_facts(
    unit: WriteUnit, secret: Secret, *, value_version: int | None = None
) -> None:
    """Store what an edit can change of a secret, and the version of its value if that is new.

    Raises:
        IntegrityFault: if the row is not what the gateway wrote.

    """
    before = await verified_row(unit, SECRETS, secret.id)
    await update_rows(unit, SECRETS, [(before, edited(secret, before, value_version))])


def edited(secret: Secret, before: Row[Any], value_version: int | None) -> dict[str, Any]:
    """Return the columns that an edit can change, as they are after it."""
    after = _columns_of(secret, value_version or before.value_version)
    return {**{name: after[name] for name in _EDITABLE}, "updated_at": in_utc(secret.updated_at)}


async def ids_at(unit: ReadUnit, holder_ids: Iterable[str]) -> list[str]:
    (row,) = await unit.rows(_IDS_AT(holders=list(holder_ids)))
    return sorted(orjson.loads(row.ids))


async def add(unit: WriteUnit, secret: Secret, *, value_version: int | None = None) -> None:
    """Store a new secret; its own value, if it has one, is stored separately."""
    await unit.insert(row_of(secret, value_version))


def row_of(secret: Secret, value_version: int | None) -> SecretRow:
    return SecretRow(**_columns_of(secret, value_version))


def _columns_of(secret: Secret, value_version: int | None) -> dict[str, Any]:
    source = secret.service if secret.is_built_in else None
    return {
        **{name: getattr(secret, name) for name in (*_FACTS, *_OWN)},
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
        "value_version": value_version,
    }
