"""Write rows: each gets its MAC, and the unit notes that it is expected to change.

A MAC covers the intended values, never what the database returns after a write: a trigger can have
written that. What the database noted is compared with what was expected before the commit.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Column, Table, bindparam, insert, select, update

from gateway.storage.audit.row_macs import BY_TABLE, Covered, Values, ensure_one, integrity_fault
from gateway.storage.audit.watching import WATCHED
from gateway.storage.columns import Model

if TYPE_CHECKING:
    from gateway.storage.unit_of_work import WriteUnit

# Parameters of an update: the id and the MAC of the row before it. No column has these names.
FOUND_ID: Final = "found_id"
FOUND_MAC: Final = "found_mac"


async def insert_rows(unit: "WriteUnit", rows: Sequence[Model]) -> None:
    """Store new rows of one table, each with the MAC of its values if the table has MACs.

    Raises:
        IntegrityFault: if the database did not store exactly these rows.

    """
    if not rows:
        return
    table = rows[0].__table__
    parameters = [row.values() for row in rows]
    if covered := BY_TABLE.get(table):
        for values in parameters:
            for name in covered.optional:
                values.setdefault(name, None)
            values["mac"] = unit.macs.of(covered, [values[name] for name in covered.names])
    row_id, compared = _first_key(table), _compared_column(table)
    count = await unit.execute(insert(table), parameters)
    expected = {values[row_id.name]: values[compared.name] for values in parameters}
    await ensure_all_written(unit, compared, expected, count)


async def update_rows(
    unit: "WriteUnit", covered: Covered, changes: Sequence[tuple[Sequence[Any], Values]]
) -> None:
    """Change verified rows, all in the same columns; each gets the MAC of its intended values.

    Raises:
        IntegrityFault: if the database did not change exactly these rows.

    """
    if not changes:
        return
    own = covered.table.c
    expected: dict[str, bytes] = {}
    parameters: list[Mapping[str, Any]] = []
    for (*values, mac), change in changes:
        after = dict(zip(covered.names, values, strict=True)) | dict(change)
        expected[values[0]] = unit.macs.of(covered, [after[name] for name in covered.names])
        found = {FOUND_ID: values[0], FOUND_MAC: mac}
        parameters.append({**change, "mac": expected[values[0]], **found})
    statement = update(covered.table).where(
        own.id == bindparam(FOUND_ID), own.mac == bindparam(FOUND_MAC)
    )
    count = await unit.execute(statement, parameters)
    await ensure_all_written(unit, own.mac, expected, count)


async def ensure_all_written(
    unit: "WriteUnit", column: Column[Any], expected: Mapping[str, Any], count: int
) -> None:
    """Refuse a wrong count; note the written rows of a watched table on the unit.

    `expected` has the intended value of one column by row id.

    Raises:
        IntegrityFault: if the statement touched more rows or fewer; the alarm names one of the rows
        with a different value.

    """
    table: Table = column.table
    if count != len(expected):
        raise integrity_fault(table.name, await _first_mismatch(unit, column, expected))
    if table.name in WATCHED:
        for row_id in expected:
            unit.intended.write(table.name, row_id)


async def _first_mismatch(
    unit: "WriteUnit", column: Column[Any], expected: Mapping[str, Any]
) -> str:
    row_id = _first_key(column.table)
    rows = await unit.rows(select(row_id, column).where(row_id.in_(expected)))
    stored = {str(row[0]): row[-1] for row in rows}
    return next(
        (each for each in expected if stored.get(each) != expected[each]), next(iter(expected), "")
    )


def ensure_written(unit: "WriteUnit", table: Table, row_id: str, count: int) -> None:
    """Refuse a statement as `ensure_one` does; note the written row of a watched table."""
    ensure_one(table, row_id, count)
    unit.intended.write(table.name, row_id)


def _first_key(table: Table) -> Column[Any]:
    return table.primary_key.columns.values()[0]


def _compared_column(table: Table) -> Column[Any]:
    """Return the column by which a mismatch is found; a box is the ciphertext of a value."""
    for name in ("mac", "box"):
        if name in table.c:
            return table.c[name]
    return _first_key(table)
