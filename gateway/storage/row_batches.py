"""Writing many rows of a table with one statement, with the same guards as for one row.

A MAC covers the intended values, every row is announced, and the alarm names a row that the
database did not store as intended.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Column, Table, bindparam, insert, select, update

from gateway.storage.row_macs import Covered, Values, integrity_fault
from gateway.storage.unit_of_work import WriteUnit

# The id of the row that an update changes; no column has this name.
FOUND_ID = "found_id"
FOUND_MAC = "found_mac"


async def insert_rows(unit: WriteUnit, covered: Covered, rows: Sequence[Values]) -> None:
    """Store new rows, each with the MAC of its values.

    Raises:
        IntegrityFault: if the database did not store exactly these rows.

    """
    macs = [unit.macs.of(covered, [row[name] for name in covered.names]) for row in rows]
    given = [{**row, "mac": mac} for row, mac in zip(rows, macs, strict=True)]
    count = await unit.execute_many(insert(covered.table), given)
    meant = {row[covered.names[0]]: mac for row, mac in zip(rows, macs, strict=True)}
    await ensure_all_written(unit, covered.table.c.mac, meant, count)


async def update_rows(
    unit: WriteUnit, covered: Covered, changes: Sequence[tuple[Sequence[Any], Values]]
) -> None:
    """Change verified rows, all in the same columns; each gets the MAC of its intended values.

    Raises:
        IntegrityFault: if the database did not change exactly these rows.

    """
    own = covered.table.c
    meant: dict[str, bytes] = {}
    given: list[Mapping[str, Any]] = []
    for (*values, mac), change in changes:
        after = dict(zip(covered.names, values, strict=True)) | dict(change)
        meant[values[0]] = unit.macs.of(covered, list(after.values()))
        found = {FOUND_ID: values[0], FOUND_MAC: mac}
        given.append({**change, "mac": meant[values[0]], **found})
    statement = update(covered.table).where(
        own.id == bindparam(FOUND_ID), own.mac == bindparam(FOUND_MAC)
    )
    count = await unit.execute_many(statement, given)
    await ensure_all_written(unit, own.mac, meant, count)


async def ensure_all_written(
    unit: WriteUnit, column: Column[Any], meant: Mapping[str, Any], count: int
) -> None:
    """Announce written rows, given the intended value of one column by row id.

    Raises:
        IntegrityFault: if the statement touched more rows or fewer; the alarm names one of the rows
        with a different value.

    """
    table: Table = column.table
    if count != len(meant):
        raise integrity_fault(table.name, await _first_other(unit, table, column, meant))
    for row_id in meant:
        unit.intended.write(table.name, row_id)


async def _first_other(
    unit: WriteUnit, table: Table, column: Column[Any], meant: Mapping[str, Any]
) -> str:
    row_id = table.primary_key.columns.values()[0]
    rows = await unit.rows(select(row_id, column).where(row_id.in_(meant)))
    stored = {str(row[0]): row[-1] for row in rows}
    return next((item for item in meant if stored.get(item) != meant[item]), next(iter(meant), ""))
