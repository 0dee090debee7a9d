"""Secrets as rows: what is selected of them, how it is read, and what is written."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from operator import itemgetter
from typing import Any, Final

from sqlalchemy import (
    Row,
    Select,
    select,
)

from gateway.domain.holders import Holder
from gateway.domain.scopes import Scope, ServiceType
from gateway.domain.secrets import (
    Secret,
    SecretFacts,
    SecretType,
    ServiceReference,
    list_rank,
    service_at,
)
from gateway.storage.audit.row_macs import SECRETS, in_utc, integrity_fault
from gateway.storage.holders import HOLDER_COLUMNS, ensure_live, holder_of
from gateway.storage.live_rows import HOLDER, SECRET
from gateway.storage.memory import size_of
from gateway.storage.tables import SecretRow
from gateway.storage.unit_of_work import ReadUnit

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


def selection() -> Select[Any]:
    return (
        select(*_SELECTED)
        .join(HOLDER, HOLDER.c.id == SECRET.c.holder_id)
        .outerjoin(TARGET, TARGET.c.id == SECRET.c.target_id)
    )


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


def edited(secret: Secret, before: Row[Any], value_version: int | None) -> dict[str, Any]:
    """Return the columns that an edit can change, as they are after it."""
    after = _columns_of(secret, value_version or before.value_version)
    return {**{name: after[name] for name in _EDITABLE}, "updated_at": in_utc(secret.updated_at)}


def row_of(secret: Secret, value_version: int | None) -> SecretRow:
    return SecretRow.of(_columns_of(secret, value_version))


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
