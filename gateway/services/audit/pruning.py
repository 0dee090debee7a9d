"""Delete the beginning of the audit log in short transactions, so that writers hardly wait."""

import asyncio
from datetime import datetime
from typing import Final

from gateway.domain.audit import AuditAction, DatabaseNotTrusted, SealedEvent
from gateway.services.audit.log import AuditLog, instance_draft
from gateway.storage.audit import event_log, log_rows
from gateway.storage.audit.row_macs import integrity_fault
from gateway.storage.database import Database

# What one transaction deletes at most.
_MAX_EVENTS: Final = 200
_PAUSE_SECONDS: Final = 0.05


class LogPruning:
    """Records where the log will begin, and then deletes what is before.

    If the deletion is interrupted, the log stays verifiable: the record covers any later beginning
    up to the recorded one. The next pruning continues.
    """

    def __init__(self, database: Database, audit_log: AuditLog) -> None:
        self._database = database
        self._audit_log = audit_log

    async def record(self, *, before: datetime) -> int:
        """Record that the events before a time are pruned; return the number of the last one.

        It is 0 if there is none. What is already recorded is not recorded again.

        Raises:
            AuditUnavailable: if the event cannot be written.
            IntegrityFault: if the last one is not what was recorded. Somebody can have made events
                look older, so that the gateway deletes what they did.

        """
        async with self._database.read() as unit:
            first = await log_rows.first_seq(unit)
            last = await log_rows.last_before(unit, before)
        if first is None or last is None:
            return 0
        if not self._audit_log.is_intact(last):
            raise integrity_fault(event_log.EVENT.name, str(last.event.seq))
        through = last.event.seq
        async with self._database.write() as unit:
            pruning = await log_rows.newest_of_instance(unit, AuditAction.AUDIT_PRUNED)
            if not self._covers(pruning, through):
                facts = {"through": through, "hash": last.hash.hex(), "count": through - first + 1}
                unit.drafts.append(instance_draft(AuditAction.AUDIT_PRUNED, facts))
        return through

    def _covers(self, pruning: SealedEvent | None, through: int) -> bool:
        if pruning is None or not self._audit_log.is_intact(pruning):
            return False
        return bool(pruning.event.facts["through"] >= through)

    async def delete(self, *, through: int) -> int:
        """Delete the events up to a number; return how many.

        Raises:
            DatabaseNotTrusted: if the database is not trusted.
            Unavailable: if the database does not answer.

        """
        deleted = 0
        while (step := await self._delete_some(through)) is not None:
            deleted += step
            await asyncio.sleep(_PAUSE_SECONDS)
        return deleted

    async def _delete_some(self, through: int) -> int | None:
        async with self._database.read() as unit:
            first = await log_rows.first_seq(unit)
        if first is None or first > through:
            return None
        async with self._database.write() as unit:
            if self._audit_log.trust_fault is not None:
                raise DatabaseNotTrusted
            await event_log.prove(unit)
            return await log_rows.forget(unit, through=min(first + _MAX_EVENTS - 1, through))
