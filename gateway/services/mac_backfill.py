"""Add MACs once to rows from before MACs existed, if they match the audit log."""

from collections.abc import AsyncIterator, Iterable
from typing import Final

from gateway.services.audit_keys import AuditKeys
from gateway.storage import audit
from gateway.storage.row_macs import Covered, add_macs
from gateway.storage.unit_of_work import WriteUnit

_BATCH: Final = 500


async def backfill_macs(unit: WriteUnit, tables: Iterable[Covered], keys: AuditKeys) -> None:
    """Add the MACs to the rows of these tables.

    If there is an audit log, a row that differs from it gets no MAC and is refused when used. So
    an earlier edit or an older database does not become trusted.
    """
    has_log = await audit.head(unit) is not None
    for covered in tables:
        async for ids in _ids(unit, covered.table.name, keys if has_log else None):
            await add_macs(unit, covered, ids)


async def _ids(unit: WriteUnit, table: str, keys: AuditKeys | None) -> AsyncIterator[list[str]]:
    after: str | None = ""
    while after is not None:
        rows = await audit.states(unit, table, after=after, size=_BATCH)
        yield [
            row_id
            for row_id, text, recorded in rows
            if keys is None or keys.state(table, row_id, text) == recorded
        ]
        after = rows[-1][0] if rows else None
