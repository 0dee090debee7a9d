"""MACs of rows: a row that was inserted or changed outside the gateway is refused at its use.

A MAC covers a row's columns, under a key that is not in the database. Most rows carry their own.
The newest MAC of every row in an audited table is also kept apart, in `row_record`: so a row that
was deleted or put back is found.
"""

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final, Self

import orjson
import structlog
from sqlalchemy import Column, ColumnElement, Row, Select, Table, select

from gateway.domain.content import NeverStored
from gateway.domain.errors import IntegrityFault
from gateway.storage.access_tables import (
    ApiTokenRow,
    ClaimRuleRow,
    DeletionRow,
    ReferenceReadingRow,
    RoleGrantRow,
    UserRow,
    ValueReferenceRow,
)
from gateway.storage.columns import Audited, InMac, Model, columns_in_mac
from gateway.storage.memory import ROW_BYTES, Memory
from gateway.storage.tables import (
    DataKeyRow,
    HolderRow,
    IdempotencyRow,
    OrganizationRow,
    SealedValueRow,
    SecretRow,
)
from gateway.storage.version_tables import SecretVersionRow

if TYPE_CHECKING:
    from gateway.storage.unit_of_work import ReadUnit, WriteUnit


_log = structlog.get_logger(__name__)

Values = Mapping[str, Any]
_FORMAT: Final = "gw1"


@dataclass(frozen=True, slots=True)
class Covered:
    """A table whose rows have a MAC, and the columns that it covers, in a fixed order.

    The first column is the row's id. A MAC covers an optional column only where it is not null.
    """

    table: Table
    names: tuple[str, ...]
    # The last of the names.
    optional: tuple[str, ...] = ()
    # None for a table whose changes the audit log does not record.
    audited: Audited | None = None

    @classmethod
    def of(cls, model: type[Model]) -> Self:
        table = model.__table__
        optional = columns_in_mac(table, InMac.IF_SET)
        names = (*columns_in_mac(table, InMac.ALWAYS), *optional)
        return cls(table, names, optional, model.audited)

    @property
    def row_id(self) -> Column[Any]:
        return self.table.c[self.names[0]]

    @property
    def has_mac(self) -> bool:
        """Whether the rows carry their MACs; sealed values and wrapped keys prove themselves."""
        return "mac" in self.table.c

    @property
    def columns(self) -> tuple[Column[Any], ...]:
        """The covered columns, and the MAC if the rows carry it."""
        names = (*self.names, "mac") if self.has_mac else self.names
        return tuple(self.table.c[name] for name in names)

    def named(self, row: Sequence[Any]) -> dict[str, Any]:
        """Return the covered columns of a selected row by name."""
        return dict(zip(self.names, row[: len(self.names)], strict=True))

    def parts(self, values: Sequence[Any]) -> list[Any]:
        """Return the parts of the MAC's message, without the table's name."""
        end = len(self.names) - len(self.optional)
        more = {
            name: value
            for name, value in zip(self.optional, values[end:], strict=True)
            if value is not None
        }
        return [*values[:end], *([more] if more else [])]

    def selection(self) -> Select[Any]:
        """Select what `RowMacs.ensure_sound` needs."""
        return select(*self.columns)


SECRETS: Final = Covered.of(SecretRow)
TOKENS: Final = Covered.of(ApiTokenRow)
GRANTS: Final = Covered.of(RoleGrantRow)
CLAIM_RULES: Final = Covered.of(ClaimRuleRow)
USERS: Final = Covered.of(UserRow)
DELETIONS: Final = Covered.of(DeletionRow)
HOLDERS: Final = Covered.of(HolderRow)
ANSWERS: Final = Covered.of(IdempotencyRow)
REFERENCES: Final = Covered.of(ValueReferenceRow)
READING: Final = Covered.of(ReferenceReadingRow)
VALUES: Final = Covered.of(SealedValueRow)
ORGANIZATIONS: Final = Covered.of(OrganizationRow)
DATA_KEYS: Final = Covered.of(DataKeyRow)
VERSIONS: Final = Covered.of(SecretVersionRow)
AUDITED: Final[Mapping[str, Covered]] = {
    covered.table.name: covered
    for covered in (
        *(ORGANIZATIONS, HOLDERS, DATA_KEYS, SECRETS, VALUES, REFERENCES),
        *(TOKENS, USERS, GRANTS, CLAIM_RULES, DELETIONS),
    )
}
BY_TABLE: Final[Mapping[Table, Covered]] = {
    covered.table: covered for covered in (*AUDITED.values(), ANSWERS, READING, VERSIONS)
}


@dataclass(frozen=True, slots=True)
class RowMacs(NeverStored):
    """Creates and checks row MACs with a key of the instance."""

    key: bytes = field(repr=False)
    # What was built from rows with a right MAC under this key.
    memory: Memory = field(default_factory=partial(Memory, ROW_BYTES), compare=False, repr=False)

    def of(self, covered: Covered, values: Sequence[Any]) -> bytes:
        parts = [_FORMAT, covered.table.name, *covered.parts(values)]
        message = orjson.dumps(parts, default=bytes.hex)
        return hmac.digest(self.key, message, sha256)

    def ensure_sound(self, covered: Covered, row: Sequence[Any]) -> None:
        """Refuse a row whose MAC does not match its columns.

        Raises:
            IntegrityFault: after logging it.

        """
        *values, mac = row
        found = mac if isinstance(mac, bytes) else b""
        if not hmac.compare_digest(self.of(covered, values), found):
            raise integrity_fault(covered.table.name, str(values[0]))


def integrity_fault(table: str, row_id: str) -> IntegrityFault:
    """Log that a row is not what the gateway wrote; return the error to raise."""
    _log.critical("integrity_fault", table=table, row_id=row_id)
    return IntegrityFault()


def in_utc(moment: datetime) -> datetime:
    """Return a time in the form in which the database returns it."""
    return moment.astimezone(UTC)


async def verified_rows(
    unit: "ReadUnit", covered: Covered, *conditions: ColumnElement[bool]
) -> Sequence[Row[Any]]:
    """Return the covered columns of rows that will be changed, and their MACs if they carry them.

    Raises:
        IntegrityFault: if a row is not what the gateway wrote.

    """
    found = await unit.rows(covered.selection().where(*conditions))
    if covered.has_mac:
        for row in found:
            unit.macs.ensure_sound(covered, row)
    return found


async def verified_row(unit: "WriteUnit", covered: Covered, row_id: str) -> Row[Any]:
    """Return one existing row that will be changed, as `verified_rows` does.

    Raises:
        IntegrityFault: if the row does not exist, or is not what the gateway wrote.

    """
    found = await verified_rows(unit, covered, covered.row_id == row_id)
    ensure_one(covered.table, row_id, len(found))
    return found[0]


def ensure_one(table: Table, row_id: str, count: int) -> None:
    """Refuse a statement for one row that touched none or several.

    Raises:
        IntegrityFault: after logging it.

    """
    if count != 1:
        raise integrity_fault(table.name, row_id)
