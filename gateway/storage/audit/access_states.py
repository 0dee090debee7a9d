"""Queries about access rows (tokens, grants, users) and their recorded states."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import ColumnClause, Row, Select, and_, literal_column, select

from gateway.domain.audit import AuditSubject
from gateway.domain.errors import IntegrityFault
from gateway.storage.audit.event_log import EVENT, STATE
from gateway.storage.audit.row_macs import GRANTS, TOKENS, USERS, Covered
from gateway.storage.audit.watching import WATCHED
from gateway.storage.unit_of_work import ReadUnit

# The log uses the table's name, too.
ACCESS: Final[Mapping[str, Covered]] = {
    covered.table.name: covered for covered in (TOKENS, GRANTS, USERS)
}
_TABLES: Final[Mapping[str, str]] = {WATCHED[table].subject: table for table in ACCESS}
PAGE: Final = 500


@dataclass(frozen=True, slots=True)
class AccessRow:
    """A row and its recorded state; None if the row is missing or unreadable.

    `state` is the text whose keyed hash is the recorded state.
    """

    row_id: str
    recorded: bytes = field(repr=False)
    state: str | None = field(default=None, repr=False)
    columns: Sequence[Any] = field(default=(), repr=False)


async def page(unit: ReadUnit, table: str, *, after: str) -> Sequence[AccessRow]:
    wanted = select(STATE.c.row_id).where(STATE.c.noun == table, STATE.c.row_id > after)
    ids = await unit.rows(wanted.order_by(STATE.c.row_id).limit(PAGE))
    return await with_ids(unit, table, [row.row_id for row in ids])


async def with_ids(unit: ReadUnit, table: str, ids: Sequence[str]) -> Sequence[AccessRow]:
    """Return the rows with these ids and their recorded states, in order."""
    found: list[AccessRow] = []
    for start in range(0, len(ids), PAGE):
        found += await _readable(unit, table, ids[start : start + PAGE])
    return found


async def _readable(unit: ReadUnit, table: str, ids: Sequence[str]) -> Sequence[AccessRow]:
    try:
        return [_access_row(row) for row in await unit.rows(_selection(table, ids))]
    except IntegrityFault:
        if len(ids) > 1:
            return [row for each in ids for row in await _readable(unit, table, [each])]
        # No column type can read it: it counts as a row, and nothing proves it.
        statement = select(STATE.c.row_id, STATE.c.state)
        wanted = (STATE.c.noun == table, STATE.c.row_id == ids[0])
        found = await unit.rows(statement.where(*wanted))
        return [AccessRow(row.row_id, row.state) for row in found]


def _selection(table: str, ids: Sequence[str]) -> Select[Any]:
    covered = ACCESS[table]
    state: ColumnClause[str] = literal_column(WATCHED[table].state(table))
    same = covered.table.c.id == STATE.c.row_id
    return (
        select(STATE.c.row_id, STATE.c.state, state, *covered.columns)
        .select_from(STATE.outerjoin(covered.table, same))
        .where(and_(STATE.c.noun == table, STATE.c.row_id.in_(ids)))
        .order_by(STATE.c.row_id)
    )


def _access_row(row: Row[Any]) -> AccessRow:
    row_id, recorded, state, *columns = tuple(row)
    return AccessRow(row_id, recorded, state, columns)


async def changed_since(
    unit: ReadUnit, seq: int, *, most: int
) -> Collection[tuple[str, str]] | None:
    """Return the tables and ids of the access rows that later events than `seq` concern.

    None if there are more than `most`.
    """
    subjects = (AuditSubject.TOKEN, AuditSubject.GRANT, AuditSubject.USER)
    rows = await unit.rows(
        select(EVENT.c.subject, EVENT.c.subject_id)
        .where(EVENT.c.seq > seq, EVENT.c.subject.in_(subjects))
        .distinct()
        .limit(most + 1)
    )
    return None if len(rows) > most else {(_TABLES[row.subject], row.subject_id) for row in rows}


def access_key(subject: str, subject_id: str) -> tuple[str, str] | None:
    """Return the table and id of the access row that an event concerns, if it concerns one."""
    table = _TABLES.get(subject)
    return None if table is None else (table, subject_id)
