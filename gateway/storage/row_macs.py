"""MACs of rows: a row that was inserted or changed outside the gateway is refused at its use.

Each covered row carries a MAC over all its other columns, under a key that is not in the database.
"""

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

import orjson
import structlog
from sqlalchemy import Column, ColumnElement, Row, Select, Table, insert, select, update

from gateway.domain.errors import IntegrityFault
from gateway.domain.sealed import NeverStored
from gateway.storage.grant_tables import RoleGrantRow, UserRow
from gateway.storage.tables import ApiTokenRow, HolderRow, SecretRow

if TYPE_CHECKING:
    from gateway.storage.unit_of_work import ReadUnit, WriteUnit

_log = structlog.get_logger(__name__)

Values = Mapping[str, Any]
_FORMAT: Final = "gw1"


@dataclass(frozen=True, slots=True)
class Covered:
    """A table whose rows carry a MAC, and the columns that it covers, in a fixed order.

    The first column is the row's id. Columns that change with every use, or decide nothing, are not
    covered.
    """

    table: Table
    names: tuple[str, ...]
    # The last of the names, added in later versions. A MAC covers such a column only where it is
    # not null, so that older rows keep their MACs.
    optional: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[Column[Any], ...]:
        """The covered columns, followed by the MAC."""
        return (*(self.table.c[name] for name in self.names), self.table.c.mac)

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


# The first columns in the order in which secrets are selected: see `storage.secrets`.
SECRETS: Final = Covered(
    SecretRow.__table__,
    (
        "id",
        "key",
        "mount_path",
        "scope",
        "variable_type",
        "description",
        "enable_interpolation_in_file",
        "owned_by",
        "version",
        "created_at",
        "updated_at",
        "source_service_id",
        "source_service_name",
        "source_service_type",
        "organization_id",
        "project_id",
        "holder_id",
        "holder_kind",
        "list_rank",
        "target_id",
        "target_type",
        "value_version",
    ),
)
# In the order in which a token is looked up: see `storage.grants`.
TOKENS: Final = Covered(
    ApiTokenRow.__table__,
    (
        "id",
        "organization_id",
        "name",
        "created_at",
        "expires_at",
        "revoked_at",
        "digest",
        "created_by",
    ),
    optional=("created_by",),
    left_out=("last_used_at",),
)
GRANTS: Final = Covered(
    RoleGrantRow.__table__,
    (
        "id",
        "organization_id",
        "token_id",
        "user_id",
        "role",
        "holder_id",
        "created_at",
    ),
)
USERS: Final = Covered(
    UserRow.__table__,
    (
        "id",
        "organization_id",
        "issuer",
        "subject",
        "display_name",
        "created_at",
        "is_invited",
    ),
    optional=("is_invited",),
)
# In the order in which holders are selected: see `storage.holders`. A constraint derives the
# parent from the other columns.
HOLDERS: Final = Covered(
    HolderRow.__table__,
    (
        "id",
        "kind",
        "name",
        "organization_id",
        "project_id",
        "environment_id",
    ),
    left_out=("parent_id", "parent_kind", "created_at"),
)
COVERED: Final = (SECRETS, TOKENS, GRANTS, USERS, HOLDERS)


@dataclass(frozen=True, slots=True)
class RowMacs(NeverStored):
    """Creates and checks row MACs with a key of the instance."""

    key: bytes = field(repr=False)

    def of(self, covered: Covered, values: Sequence[Any]) -> bytes:
        """Return the MAC of a row's covered columns."""
        parts = [_FORMAT, covered.table.name, *covered.parts(values)]
        message = orjson.dumps(parts, default=bytes.hex)
        return hmac.digest(self.key, message, sha256)

    def ensure_sound(self, covered: Covered, row: Sequence[Any]) -> None:
        """Refuse a row whose MAC does not match its columns.

        Raises:
            IntegrityFault: after logging it.

        """
        *values, mac = row
        if not hmac.compare_digest(self.of(covered, values), mac or b""):
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
    """Return the covered columns and the MAC of rows that will be changed.

    Raises:
        IntegrityFault: if a row is not what the gateway wrote.

    """
    found = await unit.rows(covered.selection().where(*conditions))
    for row in found:
        unit.macs.ensure_sound(covered, row)
    return found


async def verified_row(unit: "WriteUnit", covered: Covered, row_id: str) -> Row[Any]:
    """Return the covered columns and the MAC of one existing row that will be changed.

    Raises:
        IntegrityFault: if the row does not exist, or is not what the gateway wrote.

    """
    found = await verified_rows(unit, covered, covered.table.c.id == row_id)
    ensure_one(covered.table, row_id, len(found))
    return found[0]


async def insert_row(unit: "WriteUnit", covered: Covered, values: Values) -> None:
    """Store a new row with the MAC of these values.

    Raises:
        IntegrityFault: if the database did not store exactly this row.

    """
    mac = unit.macs.of(covered, [values[name] for name in covered.names])
    count = await unit.execute(insert(covered.table).values(**values, mac=mac))
    ensure_written(unit, covered.table, values["id"], count)


async def update_row(
    unit: "WriteUnit", covered: Covered, before: Sequence[Any], changes: Values
) -> None:
    """Change a verified row, and give it the MAC of its previous values with these changes.

    The MAC never covers what the database returns after the change: a trigger can have written
    that.

    Raises:
        IntegrityFault: if the database did not change exactly this row.

    """
    *values, mac = before
    after = dict(zip(covered.names, values, strict=True)) | dict(changes)
    own = covered.table.c
    statement = update(covered.table).where(own.id == before[0], own.mac == mac)
    next_mac = unit.macs.of(covered, list(after.values()))
    count = await unit.execute(statement.values(**changes, mac=next_mac))
    ensure_written(unit, covered.table, before[0], count)


async def add_macs(unit: "WriteUnit", covered: Covered, ids: Sequence[str]) -> None:
    """Give older rows without a MAC the MAC of their current values.

    The caller must have compared the rows with their recorded states.
    """
    own = covered.table.c
    for row in await unit.rows(covered.selection().where(own.id.in_(ids))):
        mac = unit.macs.of(covered, row[:-1])
        count = await unit.execute(update(covered.table).where(own.id == row[0]).values(mac=mac))
        ensure_one(covered.table, row[0], count)


def ensure_written(unit: "WriteUnit", table: Table, row_id: str, count: int) -> None:
    """Announce a written watched row; refuse a statement as `ensure_one` does."""
    ensure_one(table, row_id, count)
    unit.intended.write(table.name, row_id)


def ensure_one(table: Table, row_id: str, count: int) -> None:
    """Refuse a statement for one row that touched none or several.

    Raises:
        IntegrityFault: after logging it.

    """
    if count != 1:
        raise integrity_fault(table.name, row_id)
