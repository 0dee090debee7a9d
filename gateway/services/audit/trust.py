"""Whether the database can be trusted: faults that were found, and the set of access rows."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from hmac import compare_digest
from typing import Any, Final, Self

from gateway.crypto.envelope import TamperedCiphertext
from gateway.domain.audit import SealedEvent
from gateway.services.audit.checkpoints import Checkpoint, Checkpoints
from gateway.services.audit.keys import MODULUS, AuditKeys
from gateway.storage.audit import event_log, records
from gateway.storage.audit.changes import Key
from gateway.storage.audit.records import ACCESS
from gateway.storage.audit.row_macs import DELETIONS, Covered, integrity_fault
from gateway.storage.checked_view import Head
from gateway.storage.database import Database
from gateway.storage.dialects import catalog
from gateway.storage.unit_of_work import ReadUnit


class TrustFault(StrEnum):
    CATALOG_DIFFERS = "CATALOG_DIFFERS"
    HEAD_DIFFERS = "HEAD_DIFFERS"
    CHECKPOINT_MISSING = "CHECKPOINT_MISSING"
    DATABASE_OLDER = "DATABASE_OLDER"
    DATABASE_OTHER = "DATABASE_OTHER"
    ACCESS_DIFFERS = "ACCESS_DIFFERS"


async def check_trust(
    database: Database, keys: AuditKeys, checkpoints: Checkpoints
) -> tuple[TrustFault | None, SealedEvent | None]:
    """Return the reason not to trust the database, if any, and the newest event of the same view.

    The checkpoint is read before the view opens. Another process can write events and a checkpoint
    at any time, so a checkpoint read after the view could be ahead of it without a fault.
    """
    checkpoint = checkpoints.latest()
    found, newest = await _compare(database, keys, checkpoint)
    if found is TrustFault.CHECKPOINT_MISSING and (checkpoint := checkpoints.latest()) is not None:
        # Another process has just made its first start.
        return await _compare(database, keys, checkpoint)
    return found, newest


async def _compare(
    database: Database, keys: AuditKeys, checkpoint: Checkpoint | None
) -> tuple[TrustFault | None, SealedEvent | None]:
    async with database.read() as unit:
        if found := await catalog.catalog_findings(unit):
            catalog.report(found)
            return TrustFault.CATALOG_DIFFERS, None
        newest = await event_log.newest(unit)
        return await _fault_of(unit, keys, checkpoint, newest), newest


async def _fault_of(
    unit: ReadUnit, keys: AuditKeys, checkpoint: Checkpoint | None, newest: SealedEvent | None
) -> TrustFault | None:
    head = await event_log.head(unit)
    if not _is_whole(keys, head, newest):
        return TrustFault.HEAD_DIFFERS
    seq = newest.event.seq if newest else 0
    if checkpoint is None:
        # A first start that was interrupted before its first checkpoint has recorded one event.
        return TrustFault.CHECKPOINT_MISSING if seq > 1 else None
    return await _against(unit, checkpoint, seq)


async def _against(unit: ReadUnit, checkpoint: Checkpoint, seq: int) -> TrustFault | None:
    if checkpoint.seq > seq:
        return TrustFault.DATABASE_OLDER
    sealed = await event_log.sealed(unit, checkpoint.seq)
    if sealed is not None:
        return None if sealed.hash == checkpoint.hash else TrustFault.DATABASE_OTHER
    # The log was pruned. The check of the whole chain verifies its new beginning.
    (first,) = await event_log.chain(unit, after=0, size=1)
    return None if checkpoint.seq < first.event.seq else TrustFault.DATABASE_OTHER


def _is_whole(keys: AuditKeys, head: Head | None, newest: SealedEvent | None) -> bool:
    if head is None or newest is None:
        return head is None and newest is None
    try:
        total = keys.open_sum(head.sealed_sum, head.seq)
    except TamperedCiphertext:
        return False
    return (
        head.seq == newest.event.seq
        and compare_digest(head.hash, newest.hash)
        and compare_digest(keys.event_hash(newest.event), newest.hash)
        and compare_digest(keys.sum_mac(total), newest.event.set_mac)
    )


# Beyond this many changed rows, loading all rows is as fast.
MAX_CHANGES: Final = 1_000


@dataclass(frozen=True, slots=True)
class AccessSet:
    """The recorded MAC of every access row, the sum over them, and what deletions hide.

    The MACs are exact if the sum is the sealed one.
    """

    macs: Mapping[Key, bytes] = field(repr=False)
    total: int = field(repr=False)
    deleted_ids: frozenset[str] = frozenset()

    @classmethod
    def of(cls, macs: Mapping[Key, bytes], total: int) -> Self:
        deletion = DELETIONS.table.name
        return cls(macs, total, frozenset(row_id for table, row_id in macs if table == deletion))


@dataclass(frozen=True, slots=True)
class SetProof:
    """The proof of which rows of a set can be used in a view."""

    current: AccessSet = field(repr=False)
    # Shared with the creator of the proof: refused rows, which are checked again.
    missed: set[Key] = field(repr=False)
    # Rows changed since the set was proven. Their new MAC cannot be proven.
    excluded: frozenset[Key] = frozenset()

    @property
    def deleted_ids(self) -> frozenset[str]:
        return self.current.deleted_ids

    def ensure_current(self, covered: Covered, row: Sequence[Any]) -> None:
        """Refuse a row that is not current. The caller must have checked its MAC.

        Raises:
            IntegrityFault: after it has been logged.

        """
        key, mac = (covered.table.name, row[0]), row[-1]
        known = None if key in self.excluded else self.current.macs.get(key)
        if known is None or not compare_digest(known, mac):
            self.missed.add(key)
            raise integrity_fault(*key)


async def load(unit: ReadUnit, keys: AuditKeys) -> AccessSet:
    """Return the set that the database records. The caller must compare the sum."""
    macs: dict[Key, bytes] = {}
    for table in ACCESS:
        after: str | None = ""
        while after is not None:
            page = await records.page(unit, table, after=after)
            macs |= {(table, row_id): mac for row_id, mac in page.items()}
            after = max(page) if len(page) == records.PAGE else None
    return AccessSet.of(macs, sum(keys.access_part(*row) for row in macs.items()) % MODULUS)


async def refresh(
    unit: ReadUnit, keys: AuditKeys, base: AccessSet, changed: Collection[Key]
) -> AccessSet:
    """Return a set after some of its rows changed. The caller must compare the sum."""
    now = await records.recorded(unit, changed)
    total = base.total
    for key in changed:
        total += keys.access_part(key, now.get(key)) - keys.access_part(key, base.macs.get(key))
    kept = {key: mac for key, mac in base.macs.items() if key not in changed}
    return AccessSet.of(kept | now, total % MODULUS)
