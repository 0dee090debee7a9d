"""The integrity scan: compare all audited rows with what the application wrote."""

from dataclasses import dataclass
from enum import StrEnum

from gateway.crypto.envelope import TamperedCiphertext
from gateway.services.audit.keys import AuditKeys, Sums
from gateway.services.audit.log import all_rows
from gateway.storage.audit import event_log
from gateway.storage.audit.row_macs import AUDITED
from gateway.storage.dialects import catalog
from gateway.storage.unit_of_work import ReadUnit

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


async def scan_integrity(unit: ReadUnit, keys: AuditKeys) -> list[RowFinding]:
    """Compare every audited row with its record, and the sum of all with the head's.

    The catalog is compared with the one that this version expects.
    """
    findings = [
        RowFinding(RowFault(found.fault), catalog.TABLE, found.name)
        for found in await catalog.catalog_findings(unit)
    ]
    sums = Sums()
    for table, covered in AUDITED.items():
        async for rows in all_rows(unit, covered):
            for row_id, mac, recorded in rows:
                if mac != recorded:
                    findings.append(RowFinding(_fault(mac, recorded), table, row_id))
                sums = keys.add_change(sums, (table, row_id), before=None, after=recorded)
    if not await _is_heads(unit, keys, sums.rows):
        findings.append(RowFinding(RowFault.ROLLED_BACK, _WHOLE, _WHOLE))
    return findings


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
