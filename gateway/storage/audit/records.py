"""Queries about the records of rows: the newest MAC of each row in an audited table."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from sqlalchemy import Row, Select, and_, bindparam, delete, func, insert, select
from sqlalchemy.dialects.sqlite import insert as upsert

from gateway.domain.audit import AuditSubject, AuditUnavailable
from gateway.domain.errors import GatewayError, IntegrityFault
from gateway.storage.audit.changes import Key
from gateway.storage.audit.row_macs import (
    CLAIM_RULES,
    DELETIONS,
    GRANTS,
    TOKENS,
    USERS,
    Covered,
    RowMacs,
)
from gateway.storage.audit.tables import AuditEventRow, RowRecordRow
from gateway.storage.prepared import JsonList, Planned, Prepared, each_of
from gateway.storage.unit_of_work import ReadUnit, WriteUnit

State = TypeVar("State")

RECORD: Final = RowRecordRow.__table__
_EVENT: Final = AuditEventRow.__table__
ACCESS: Final[Mapping[str, Covered]] = {
    covered.table.name: covered for covered in (TOKENS, GRANTS, CLAIM_RULES, USERS, DELETIONS)
}
# An event of a deletion is one of its holder; then the set is loaded again.
_ACCESS_TABLES: Final[Mapping[str, str]] = {
    AuditSubject.TOKEN: TOKENS.table.name,
    AuditSubject.GRANT: GRANTS.table.name,
    AuditSubject.CLAIM_RULE: CLAIM_RULES.table.name,
    AuditSubject.USER: USERS.table.name,
}
PAGE: Final = 500
_KEYS_AT_ONCE: Final = 5_000
_GIVEN: Final = func.json_each(bindparam("keys", type_=JsonList)).table_valued("value")
_RECORDED: Final = Prepared(
    select(*RECORD.c)
    .select_from(_GIVEN)
    .join(
        RECORD,
        and_(
            RECORD.c.table_name == func.json_extract(_GIVEN.c.value, "$[0]"),
            RECORD.c.row_id == func.json_extract(_GIVEN.c.value, "$[1]"),
        ),
    )
)
_KEEP: Final = Prepared(
    upsert(RECORD).on_conflict_do_update(
        index_elements=[RECORD.c.table_name, RECORD.c.row_id],
        set_={"mac": upsert(RECORD).excluded.mac},
    ),
    written=RECORD.c.keys(),
)
_FORGET: Final = Prepared(
    delete(RECORD).where(
        RECORD.c.table_name == bindparam("table_name"), RECORD.c.row_id.in_(each_of("ids"))
    )
)
# A row that no column type can read has this MAC: no other row has it.
_UNREADABLE: Final = b""


async def recorded(
    unit: ReadUnit, keys: Iterable[Key], *, refusal: Callable[[], GatewayError] | None = None
) -> dict[Key, bytes]:
    """Return the records of these rows; a row without one is missing."""
    wanted = list(keys)
    return {
        (row.table_name, row.row_id): row.mac
        for start in range(0, len(wanted), _KEYS_AT_ONCE)
        for row in await unit.rows(
            _RECORDED(keys=wanted[start : start + _KEYS_AT_ONCE]), refusal=refusal
        )
    }


def keep(unit: WriteUnit, macs: Mapping[Key, bytes | None]) -> None:
    """Store the newest MACs of rows; None is that of a deleted row.

    The unit raises AuditUnavailable if they cannot be stored.
    """
    kept = [
        {"table_name": table, "row_id": row_id, "mac": mac}
        for (table, row_id), mac in macs.items()
        if mac is not None
    ]
    if kept:
        unit.plan(Planned(_KEEP.many(kept), AuditUnavailable))
    gone: dict[str, list[str]] = {}
    for (table, row_id), mac in macs.items():
        if mac is None:
            gone.setdefault(table, []).append(row_id)
    for table, ids in gone.items():
        for start in range(0, len(ids), _KEYS_AT_ONCE):
            forgotten = _FORGET(table_name=table, ids=ids[start : start + _KEYS_AT_ONCE])
            unit.plan(Planned(forgotten, AuditUnavailable))


async def add(unit: WriteUnit, table: str, macs: Mapping[str, bytes]) -> None:
    """Store the records of rows of one table that have none."""
    await unit.execute(
        insert(RECORD),
        [{"table_name": table, "row_id": row_id, "mac": mac} for row_id, mac in macs.items()],
    )


async def forget_all(unit: WriteUnit) -> None:
    """Delete all records, so that they can be stored again."""
    await unit.execute(delete(RECORD))


async def page(unit: ReadUnit, table: str, *, after: str, size: int = PAGE) -> Mapping[str, bytes]:
    """Return the records of one table's rows by id, in order."""
    wanted = (RECORD.c.table_name == table, RECORD.c.row_id > after)
    rows = await unit.rows(select(RECORD).where(*wanted).order_by(RECORD.c.row_id).limit(size))
    return {row.row_id: row.mac for row in rows}


@dataclass(frozen=True, slots=True)
class RecordPage:
    """Rows of one table and the records of the same range, by the rows' ids."""

    covered: Covered
    size: int
    rows: Sequence[Row[Any]] = field(repr=False)
    # Ids of rows that no column type can read.
    unreadable: Sequence[str]
    recorded: Mapping[str, bytes] = field(repr=False)

    def compared(self, macs: RowMacs) -> Sequence[tuple[str, bytes | None, bytes | None]]:
        """Return id, MAC now and MAC recorded of each row, by id; what is missing is None."""
        now = dict.fromkeys(self.unreadable, _UNREADABLE)
        length = len(self.covered.names)
        now |= {row[0]: macs.of(self.covered, row[:length]) for row in self.rows}
        return merged(now, self.recorded, self.size)


async def read_page(unit: ReadUnit, covered: Covered, *, after: str, size: int) -> RecordPage:
    """Return the rows after an id, and the records after it."""
    recorded = await page(unit, covered.table.name, after=after, size=size)
    statement = covered.selection().order_by(covered.row_id).limit(size)
    try:
        rows = await unit.rows(statement.where(covered.row_id > after))
    except IntegrityFault:
        rows, unreadable = await _readable(unit, covered, after=after, size=size)
        return RecordPage(covered, size, rows, unreadable, recorded)
    return RecordPage(covered, size, rows, (), recorded)


async def _readable(
    unit: ReadUnit, covered: Covered, *, after: str, size: int
) -> tuple[Sequence[Row[Any]], Sequence[str]]:
    ids = select(covered.row_id).where(covered.row_id > after)
    readable: list[Row[Any]] = []
    unreadable: list[str] = []
    for (row_id,) in await unit.rows(ids.order_by(covered.row_id).limit(size)):
        try:
            readable += await unit.rows(covered.selection().where(covered.row_id == row_id))
        except IntegrityFault:
            unreadable.append(row_id)
    return readable, unreadable


def merged(
    now: Mapping[str, State], then: Mapping[str, bytes], size: int
) -> Sequence[tuple[str, State | None, bytes | None]]:
    """Join two pages of one table, each of at most this size, by the rows' ids."""
    # Beyond the end of the shorter of two full lists the other list is not yet known.
    ends = [max(found) for found in (now, then) if len(found) == size]
    ids = sorted(each for each in now.keys() | then.keys() if not ends or each <= min(ends))
    return [(each, now.get(each), then.get(each)) for each in ids]


async def changed_since(unit: ReadUnit, seq: int, *, most: int) -> Collection[Key] | None:
    """Return the access rows that later events than `seq` concern; None if more than `most`."""
    statement: Select[Any] = (
        select(_EVENT.c.subject, _EVENT.c.subject_id)
        .where(_EVENT.c.seq > seq, _EVENT.c.subject.in_(_ACCESS_TABLES))
        .distinct()
        .limit(most + 1)
    )
    rows = await unit.rows(statement)
    if len(rows) > most:
        return None
    return {(_ACCESS_TABLES[row.subject], row.subject_id) for row in rows}


def access_key(subject: str, subject_id: str) -> Key | None:
    """Return the table and id of the access row that an event concerns, if it concerns one."""
    table = _ACCESS_TABLES.get(subject)
    return None if table is None else (table, subject_id)
