"""Write rows: each gets its MAC and is announced, and is what the database then has.

A MAC covers the intended values, never what the database returns after a write: a trigger can have
written that.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Column, Table, bindparam, insert, select, update

from gateway.storage.audit.row_macs import BY_TABLE, Covered, Values, ensure_one, integrity_fault
from gateway.storage.audit.watching import WATCHED
from gateway.storage.columns import Model

if TYPE_CHECKING:
    from gateway.storage.unit_of_work import WriteUnit

# The id of the row that an update changes; no column has this name.
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
    given = [row.values() for row in rows]
    if covered := BY_TABLE.get(table):
        for values in given:
            values["mac"] = unit.macs.of(covered, [values.get(name) for name in covered.names])
    row_id, proof = _first_key(table), _proof_of(table)
    count = await unit.execute(insert(table), given)
    meant = {values[row_id.name]: values[proof.name] for values in given}
    await ensure_all_written(unit, proof, meant, count)


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
    count = await unit.execute(statement, given)
    await ensure_all_written(unit, own.mac, meant, count)


async def ensure_all_written(
    unit: "WriteUnit", column: Column[Any], meant: Mapping[str, Any], count: int
) -> None:
    """Announce written rows, given the intended value of one column by row id.

    Raises:
        IntegrityFault: if the statement touched more rows or fewer; the alarm names one of the rows
        with a different value.

    """
    table: Table = column.table
    if count != len(meant):
        raise integrity_fault(table.name, await _first_other(unit, column, meant))
    if table.name in WATCHED:
        for row_id in meant:
            unit.intended.write(table.name, row_id)


async def _first_other(unit: "WriteUnit", column: Column[Any], meant: Mapping[str, Any]) -> str:
    row_id = _first_key(column.table)
    rows = await unit.rows(select(row_id, column).where(row_id.in_(meant)))
    stored = {str(row[0]): row[-1] for row in rows}
    return next((each for each in meant if stored.get(each) != meant[each]), next(iter(meant), ""))


def ensure_written(unit: "WriteUnit", table: Table, row_id: str, count: int) -> None:
    """Announce a written watched row; refuse a statement as `ensure_one` does."""
    ensure_one(table, row_id, count)
    unit.intended.write(table.name, row_id)


def _first_key(table: Table) -> Column[Any]:
    return table.primary_key.columns.values()[0]


def _proof_of(table: Table) -> Column[Any]:
    """Return the column that shows best whether a row is what was meant."""
    for name in ("mac", "box"):
        if name in table.c:
            return table.c[name]
    return _first_key(table)
