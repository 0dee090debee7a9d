"""Write rows: each gets its MAC, and the unit notes the change for the audit log.

A MAC covers the intended values, never what the database returns after a write: somebody else's
trigger can have written that.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cache, partial
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Column, ColumnElement, Row, Table, bindparam, delete, insert, select, update

from gateway.storage.audit.row_macs import BY_TABLE, Covered, Values, integrity_fault
from gateway.storage.columns import Model
from gateway.storage.prepared import Planned, Prepared

if TYPE_CHECKING:
    from gateway.storage.unit_of_work import WriteUnit

# Parameters of a statement: the id and the MAC of the row before it. No column has these names.
FOUND_ID: Final = "found_id"
FOUND_MAC: Final = "found_mac"
# Values of that many secrets are in memory at once.
_IDS_AT_ONCE: Final = 500


async def insert_rows(unit: "WriteUnit", rows: Sequence[Model]) -> None:
    """Store new rows of one table, each with the MAC of its values if the table has MACs.

    Raises:
        IntegrityFault: if the database did not store exactly these rows.

    """
    if not rows:
        return
    table = rows[0].__table__
    covered = BY_TABLE.get(table)
    parameters = [row.values() for row in rows]
    if covered is not None:
        for values in parameters:
            _note_new(unit, covered, values)
    row_id = table.primary_key.columns.values()[0]
    expected = {values[row_id.name]: values for values in parameters}
    _plan(unit, _insertion(table, tuple(parameters[0])), parameters, row_id, expected)


def _plan(
    unit: "WriteUnit",
    statement: Prepared,
    parameters: Sequence[Values],
    row_id: Column[Any],
    expected: Mapping[str, Values],
) -> None:
    bound = statement(**parameters[0]) if len(parameters) == 1 else statement.many(parameters)
    explain = partial(ensure_all_written, unit, row_id, expected)
    unit.plan(Planned(bound, expected=len(expected), explain=explain))


@cache
def _insertion(table: Table, columns: tuple[str, ...]) -> Prepared:
    return Prepared(insert(table), written=columns)


@cache
def _replacement(covered: Covered, columns: tuple[str, ...]) -> Prepared:
    statement = update(covered.table).where(covered.row_id == bindparam(FOUND_ID))
    if covered.has_mac:
        statement = statement.where(covered.table.c.mac == bindparam(FOUND_MAC))
    return Prepared(statement, written=columns)


def _note_new(unit: "WriteUnit", covered: Covered, values: dict[str, Any]) -> None:
    for name in covered.optional:
        values.setdefault(name, None)
    mac = unit.macs.of(covered, [values[name] for name in covered.names])
    unit.changes.note(covered, None, ({name: values[name] for name in covered.names}, mac))
    if covered.has_mac:
        values["mac"] = mac


async def update_rows(
    unit: "WriteUnit", covered: Covered, changes: Sequence[tuple[Sequence[Any], Values]]
) -> None:
    """Change verified rows, all in the same columns; each gets the MAC of its intended values.

    Raises:
        IntegrityFault: if the database did not change exactly these rows.

    """
    if not changes:
        return
    expected: dict[str, Values] = {}
    parameters: list[Mapping[str, Any]] = []
    for row, change in changes:
        before = covered.named(row)
        after = before | dict(change)
        mac_before = row[-1] if covered.has_mac else _mac_of(unit, covered, before)
        mac = _mac_of(unit, covered, after)
        unit.changes.note(covered, (before, mac_before), (after, mac))
        macs = {"mac": mac, FOUND_MAC: mac_before} if covered.has_mac else {}
        expected[row[0]] = {**change, **macs}
        parameters.append({**change, **macs, FOUND_ID: row[0]})
    written = tuple(name for name in parameters[0] if name not in (FOUND_ID, FOUND_MAC))
    _plan(unit, _replacement(covered, written), parameters, covered.row_id, expected)


async def delete_rows(
    unit: "WriteUnit", covered: Covered, *conditions: ColumnElement[bool]
) -> Sequence[Row[Any]]:
    """Delete rows, and return them as they were.

    A row that is not what the gateway wrote is deleted too; the audit log then has an alarm.

    Raises:
        ConcurrentChange: if another row still refers to one of them.
        IntegrityFault: if the database did not delete exactly these rows.

    """
    found = await unit.rows(covered.selection().where(*conditions))
    for row in found:
        before = covered.named(row)
        unit.changes.note(covered, (before, _mac_of(unit, covered, before)), None)
    for ids in in_parts([row[0] for row in found]):
        count = await unit.execute_unrecorded(delete(covered.table).where(covered.row_id.in_(ids)))
        if count != len(ids):
            raise integrity_fault(covered.table.name, str(ids[0]))
    return found


def in_parts(ids: Collection[str]) -> Iterable[Sequence[str]]:
    """Return ids in parts that one statement can take."""
    ordered = list(ids)
    return (ordered[start : start + _IDS_AT_ONCE] for start in range(0, len(ordered), _IDS_AT_ONCE))


def _mac_of(unit: "WriteUnit", covered: Covered, values: Values) -> bytes:
    return unit.macs.of(covered, [values[name] for name in covered.names])


async def ensure_all_written(
    unit: "WriteUnit", row_id: Column[Any], expected: Mapping[str, Values], count: int
) -> None:
    """Refuse a wrong count of rows. `expected` has the written columns by row id.

    Raises:
        IntegrityFault: naming a row that the database does not have as expected.

    """
    if count == len(expected):
        return
    table: Table = row_id.table
    rows = await unit.rows(select(table).where(row_id.in_(expected)))
    stored = {str(row._mapping[row_id.name]): row._mapping for row in rows}  # noqa: SLF001 - public
    for each, values in expected.items():
        row = stored.get(each)
        if row is None or any(row[name] != values[name] for name in values if name in table.c):
            raise integrity_fault(table.name, each)
    raise integrity_fault(table.name, next(iter(expected)))
