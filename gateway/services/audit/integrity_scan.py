"""The integrity scan: compare all watched rows with what the application wrote."""

from dataclasses import dataclass
from enum import StrEnum

from gateway.crypto.envelope import TamperedCiphertext
from gateway.services.audit.keys import AuditKeys
from gateway.storage.audit import event_log
from gateway.storage.audit.watching import WATCHED
from gateway.storage.dialects import catalog
from gateway.storage.unit_of_work import ReadUnit

PAGE = 1_000
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
    """Compare every watched row with its record, and the sum of all with the head's.

    The catalog is compared with the one that this version expects.
    """
    findings = [
        RowFinding(RowFault(found.fault), catalog.TABLE, found.name)
        for found in await catalog.catalog_findings(unit)
    ]
    total = 0
    for table in WATCHED:
        after: str | None = ""
        while after is not None:
            rows = await event_log.states(unit, table, after=after, size=PAGE)
            for row_id, text, recorded in rows:
                state = keys.state(table, row_id, text)
                if state != recorded:
                    findings.append(RowFinding(_fault(state, recorded), table, row_id))
                total = keys.add_change(
                    total, table=table, row_id=row_id, before=None, after=recorded
                )
            after = rows[-1][0] if rows else None
    if not await _is_heads(unit, keys, total):
        findings.append(RowFinding(RowFault.ROLLED_BACK, _WHOLE, _WHOLE))
    return findings


def _fault(state: bytes | None, recorded: bytes | None) -> RowFault:
    if state is None:
        return RowFault.MISSING
    return RowFault.ADDED if recorded is None else RowFault.CHANGED


async def _is_heads(unit: ReadUnit, keys: AuditKeys, total: int) -> bool:
    head, newest = await event_log.head(unit), await event_log.newest(unit)
    if head is None or newest is None:
        return False
    try:
        sealed = keys.open_sum(head.set_box, head.seq)
    except TamperedCiphertext:
        return False
    return total == sealed and keys.sum_mac(total) == newest.event.set_mac
