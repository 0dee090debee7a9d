"""The states by which an older version recorded rows; the first start after an upgrade reads them.

The state of a row was a text of all its columns, and its record a keyed hash of that text.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from sqlalchemy import ColumnClause, literal_column, select, table, update

from gateway.storage.audit import records
from gateway.storage.audit.row_macs import Covered, ensure_one
from gateway.storage.unit_of_work import ReadUnit, WriteUnit

# By table: the columns in order, the row's id first.
_COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "organization": ("id", "name"),
    "holder": (
        *("id", "kind", "name", "organization_id"),
        *("parent_id", "project_id", "environment_id"),
    ),
    "data_key": ("id", "project_id"),
    "secret": (
        *("id", "organization_id", "project_id", "holder_id", "holder_kind"),
        *("scope", "variable_type", "key", "mount_path", "description"),
        *("enable_interpolation_in_file", "target_id", "target_type"),
        *("source_service_id", "source_service_name", "source_service_type"),
        *("owned_by", "version", "created_at", "updated_at"),
    ),
    "sealed_value": ("secret_id", "value_version", "data_key_id", "ciphertext"),
    "value_reference": ("secret_id", "project_id", "value_version", "names"),
    "api_token": (
        *("id", "organization_id", "name"),
        *("digest", "created_at", "expires_at", "revoked_at"),
    ),
    "user_account": ("id", "organization_id", "issuer", "subject", "display_name", "created_at"),
    "role_grant": (
        *("id", "organization_id", "token_id", "user_id"),
        *("role", "holder_id", "created_at"),
    ),
}
# Tables of later versions had no states.
TABLES: Final = tuple(_COLUMNS)
# Columns of later versions: a state had such a column only where it was not null.
_OPTIONAL: Final[Mapping[str, str]] = {"api_token": "created_by", "user_account": "is_invited"}


def text_of(name: str) -> str:
    fixed = " || ',' || ".join(_of_column(column) for column in _COLUMNS[name])
    if (optional := _OPTIONAL.get(name)) is None:
        return fixed
    more = f"',{optional}=' || {_of_column(optional)}"
    return f"{fixed} || CASE WHEN {optional} IS NULL THEN '' ELSE {more} END"


def _of_column(column: str) -> str:
    return f"typeof({column}) || ':' || hex({column})"


async def compared(
    unit: ReadUnit, name: str, *, after: str, size: int
) -> Sequence[tuple[str, str | None, bytes | None]]:
    """Return id, state now and hash recorded of a table's rows, by id; what is missing is None."""
    row_id: ColumnClause[str] = literal_column(_COLUMNS[name][0])
    rows = await unit.rows(
        select(row_id.label("row_id"), literal_column(text_of(name)).label("state"))
        .select_from(table(name))
        .where(row_id > after)
        .order_by(row_id)
        .limit(size)
    )
    now = {row.row_id: row.state for row in rows}
    return records.merged(now, await records.page(unit, name, after=after, size=size), size)


async def add_macs(unit: WriteUnit, covered: Covered, ids: Sequence[str]) -> None:
    """Give rows that carry no MAC the MAC of their current values.

    The caller must have compared the rows with their records, which stay as they are.
    """
    for row in await unit.rows(covered.selection().where(covered.row_id.in_(ids))):
        mac = unit.macs.of(covered, row[:-1])
        statement = update(covered.table).where(covered.row_id == row[0]).values(mac=mac)
        ensure_one(covered.table, row[0], await unit.execute_unrecorded(statement))
