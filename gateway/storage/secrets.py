"""Queries about secrets, without their values."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import orjson
from sqlalchemy import (
    ColumnElement,
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
from gateway.domain.scopes import Scope
from gateway.domain.secrets import (
    Secret,
    list_rank,
)
from gateway.storage.audit.row_macs import SECRETS, verified_row
from gateway.storage.keyset import (
    AnyVisibility,
    Build,
    Parts,
    Template,
    fetch_page,
    holders_covered,
)
from gateway.storage.live_rows import HOLDER, SECRET
from gateway.storage.ordering import Ordering
from gateway.storage.prepared import Bound, Parameter, Parameters, Prepared, each_of
from gateway.storage.rows import update_rows
from gateway.storage.secret_rows import edited, reader, row_of, selection
from gateway.storage.unit_of_work import ReadUnit, WriteUnit

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
        list_template(defined, holder_ids, visibility, only),
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


def list_template(
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
    """Select the secrets of a `list_template`."""
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


async def ids_at(unit: ReadUnit, holder_ids: Iterable[str]) -> list[str]:
    (row,) = await unit.rows(_IDS_AT(holders=list(holder_ids)))
    return sorted(orjson.loads(row.ids))


async def add(unit: WriteUnit, secret: Secret, *, value_version: int | None = None) -> None:
    """Store a new secret; its own value, if it has one, is stored separately."""
    await unit.insert(row_of(secret, value_version))
