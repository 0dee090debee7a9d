"""The integrity scan: compare all audited rows with what the application wrote."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from gateway.crypto.envelope import TamperedCiphertext
from gateway.services.audit.keys import MODULUS, AuditKeys
from gateway.storage.audit import event_log, records
from gateway.storage.audit.records import RecordPage
from gateway.storage.audit.row_macs import AUDITED, RowMacs
from gateway.storage.database import Database
from gateway.storage.dialects import catalog
from gateway.storage.unit_of_work import ReadUnit

PAGE = 1_000
_PAUSE_SECONDS: Final = 0.01
_WHOLE = "*"


class RowFault(StrEnum):
    CHANGED = "CHANGED"
    MISSING = "MISSING"
    ADDED = "ADDED"
    # The rows match their records, but their sum differs from the one in the chain's head.
    ROLLED_BACK = "ROLLED_BACK"


@dataclass(frozen=True, slots=True)
class RowFinding:
    """A row or database object that was changed outside the application.

    `*` means a row that cannot be identified.
    """

    fault: RowFault
    table: str
    row_id: str


async def scan_integrity(database: Database, keys: AuditKeys) -> list[RowFinding]:
    """Compare every audited row with its record, and the sum of all records with the head's.

    The catalog is compared with the one that this version expects. Rows and records of a page are
    of one view, and each page has its own. Only the sum needs one view of all records.
    """
    async with database.read() as unit:
        findings = [
            RowFinding(RowFault(found.fault), catalog.TABLE, found.name)
            for found in await catalog.catalog_findings(unit)
        ]
    for covered in AUDITED.values():
        after: str | None = ""
        while after is not None:
            async with database.read() as unit:
                page = await records.read_page(unit, covered, after=after, size=PAGE)
            # In a thread, because the hashes of many rows would delay requests.
            found, after = await asyncio.to_thread(_compare, unit.macs, page)
            findings += found
            await asyncio.sleep(_PAUSE_SECONDS)
    async with database.read() as unit:
        if not await _is_heads(unit, keys, await _sum_records(unit, keys)):
            findings.append(RowFinding(RowFault.ROLLED_BACK, _WHOLE, _WHOLE))
    return findings


def _compare(macs: RowMacs, page: RecordPage) -> tuple[Sequence[RowFinding], str | None]:
    """Return what a page shows, and its last row's id."""
    rows = page.compared(macs)
    table = page.covered.table.name
    findings = [
        RowFinding(_fault(mac, recorded), table, row_id)
        for row_id, mac, recorded in rows
        if mac != recorded
    ]
    return findings, rows[-1][0] if rows else None


async def _sum_records(unit: ReadUnit, keys: AuditKeys) -> int:
    total = 0
    for table in AUDITED:
        after: str | None = ""
        while after is not None:
            page = await records.page(unit, table, after=after, size=PAGE)
            total += await asyncio.to_thread(_sum, keys, table, page)
            after = max(page) if len(page) == PAGE else None
    return total % MODULUS


def _sum(keys: AuditKeys, table: str, page: Mapping[str, bytes]) -> int:
    return sum(keys.part((table, row_id), mac) for row_id, mac in page.items())


def _fault(mac: bytes | None, recorded: bytes | None) -> RowFault:
    if mac is None:
        return RowFault.MISSING
    return RowFault.ADDED if recorded is None else RowFault.CHANGED


async def _is_heads(unit: ReadUnit, keys: AuditKeys, total: int) -> bool:
    head, newest = await event_log.head(unit), await event_log.newest(unit)
    if head is None or newest is None:
        return False
    try:
        sealed = keys.open_sum(head.sealed_sum, head.seq)
    except TamperedCiphertext:
        return False
    return total == sealed and keys.sum_mac(total) == newest.event.set_mac
