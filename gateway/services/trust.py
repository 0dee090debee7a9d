"""Compare the database with the last checkpoint."""

from enum import StrEnum
from hmac import compare_digest

from gateway.crypto.envelope import TamperedCiphertext
from gateway.domain.audit import SealedEvent
from gateway.services.audit_keys import AuditKeys
from gateway.services.checkpoints import Checkpoint, Checkpoints
from gateway.storage import audit, catalog
from gateway.storage.proofs import Head
from gateway.storage.unit_of_work import Database, ReadUnit


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
        newest = await audit.newest(unit)
        return await _fault_of(unit, keys, checkpoint, newest), newest


async def _fault_of(
    unit: ReadUnit, keys: AuditKeys, checkpoint: Checkpoint | None, newest: SealedEvent | None
) -> TrustFault | None:
    head = await audit.head(unit)
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
    sealed = await audit.sealed(unit, checkpoint.seq)
    if sealed is not None:
        return None if sealed.hash == checkpoint.hash else TrustFault.DATABASE_OTHER
    # The log was pruned. The check of the whole chain verifies its new beginning.
    (first,) = await audit.chain(unit, after=0, size=1)
    return None if checkpoint.seq < first.event.seq else TrustFault.DATABASE_OTHER


def _is_whole(keys: AuditKeys, head: Head | None, newest: SealedEvent | None) -> bool:
    if head is None or newest is None:
        return head is None and newest is None
    try:
        total = keys.open_sum(head.set_box, head.seq)
    except TamperedCiphertext:
        return False
    return (
        head.seq == newest.event.seq
        and compare_digest(head.hash, newest.hash)
        and compare_digest(keys.event_hash(newest.event), newest.hash)
        and compare_digest(keys.sum_mac(total), newest.event.set_mac)
    )
