"""The operator's work on the audit log: begin, checkpoint, verify, scan, prune."""

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import structlog

from gateway.domain.audit import AuditAction, SealedEvent
from gateway.domain.errors import Unavailable
from gateway.services.audit.checkpoints import Checkpoint, Checkpoints
from gateway.services.audit.integrity_scan import RowFinding, scan_integrity
from gateway.services.audit.keys import AuditKeys
from gateway.services.audit.log import PAGE, AuditLog, instance_draft
from gateway.services.audit.log_watch import LogWatch
from gateway.services.audit.pruning import LogPruning
from gateway.services.audit.trust import TrustFault
from gateway.services.audit.verification import LogFinding, LogReport, verify_log
from gateway.services.context import ServiceContext
from gateway.storage.audit import event_log
from gateway.storage.audit.checkpoints import CheckpointFile
from gateway.storage.dialects.free_pages import give_back_space

_log = structlog.get_logger(__name__)
_MAX_LISTED = 20


class LogNotBegun(Exception):
    """The audit log was used before it was begun."""


class Audit:
    def __init__(self, context: ServiceContext) -> None:
        self._context = context
        self._begun: AuditLog | None = None
        self._watch: LogWatch | None = None
        self._findings: frozenset[RowFinding] = frozenset()
        self._log_findings: frozenset[LogFinding] = frozenset()
        # When the last integrity scan of this process ended.
        self.scanned_at: datetime | None = None

    async def begin(self, checkpoint_file: Path) -> None:
        """Start recording. Every later change has an event.

        Raises:
            OSError: if the checkpoint file cannot be written.

        """
        keys = AuditKeys.derive(self._context.vault.keys.audit_key)
        checkpoints = Checkpoints(CheckpointFile(checkpoint_file), keys.signer, self._context.now)
        self._begun = AuditLog(self._context, keys, checkpoints)
        self._watch = LogWatch(self._context.database, keys)
        await self._begun.begin()

    @property
    def trust_fault(self) -> TrustFault | None:
        return self._audit_log.trust_fault

    @property
    def needs_attention(self) -> bool:
        return bool(
            self._begun and (self._begun.trust_fault or self._findings or self._log_findings)
        )

    @property
    def fault_counts(self) -> Mapping[str, int]:
        """How many faults of each kind this process knows of."""
        return {
            "trust": int(self._begun is not None and self._begun.trust_fault is not None),
            "row": len(self._findings),
            "log": len(self._log_findings),
        }

    @property
    def public_key(self) -> str:
        """The public key that verifies checkpoints, in hexadecimal digits."""
        return self._audit_log.checkpoints.public_key

    async def exported(self, since: datetime | None = None) -> AsyncIterator[Mapping[str, Any]]:
        """Yield every event of every organization, as plain fields.

        With a time, begin at the first event that is not before it.
        """
        after, has_more = -1 if since is None else await self._last_before(since), True
        while has_more:
            async with self._context.database.read() as unit:
                events = await event_log.chain(unit, after=after, size=PAGE)
            for sealed in events:
                yield {**sealed.plain, "is_intact": self._audit_log.is_intact(sealed)}
                after = sealed.event.seq
            has_more = bool(events)

    async def _last_before(self, since: datetime) -> int:
        """Return the number of the last event that certainly is before a time.

        The time of an altered event is not known.
        """
        async with self._context.database.read() as unit:
            before = await event_log.first_since(unit, since)
            while (last := await event_log.newest(unit, before=before)) is not None:
                if self._audit_log.is_intact(last):
                    return last.event.seq
                before = last.event.seq
        return -1

    async def head(self) -> Mapping[str, Any] | None:
        """Return the head, signed like a checkpoint."""
        async with self._context.database.read() as unit:
            newest = await event_log.newest(unit)
        return self._audit_log.checkpoints.sign(Checkpoint.of(newest)) if newest else None

    async def newest_at(self) -> datetime | None:
        """Return the time of the newest event."""
        async with self._context.database.read() as unit:
            newest = await event_log.newest(unit)
        return newest.event.at if newest else None

    async def verify(self) -> LogReport:
        # Read before any view opens: a view lacks later checkpoints of other processes.
        checkpoints = self._audit_log.checkpoints.since_acknowledgement()
        return await verify_log(self._context.database, self._audit_log.keys, checkpoints)

    async def scan_integrity(self) -> list[RowFinding]:
        """Find rows that were changed outside the application, and log the new ones.

        Raises:
            Unavailable: if the database does not answer.

        """
        findings = await scan_integrity(self._context.database, self._audit_log.keys)
        self.scanned_at = self._context.now()
        unknown = frozenset(findings) - self._findings
        self._findings = frozenset(findings)
        for finding in sorted(unknown, key=str)[:_MAX_LISTED]:
            _log.error(
                "integrity_fault", fault=finding.fault, table=finding.table, row_id=finding.row_id
            )
        if unknown:
            _log.error("integrity_scan_found_differences", count=len(findings))
        return findings

    async def watch_log(self) -> None:
        """Check the log in small steps, and report new faults.

        Raises:
            Unavailable: if the database does not answer.

        """
        if self._watch is None:
            raise LogNotBegun
        findings = frozenset(await self._watch.check())
        unknown, self._log_findings = findings - self._log_findings, findings
        self._context.log_times.faulty = self._watch.faulty
        for finding in sorted(unknown, key=lambda item: item.seq)[:_MAX_LISTED]:
            _log.error(
                "integrity_fault", fault=finding.fault, table="audit_event", row_id=finding.seq
            )
        if unknown:
            _log.error("log_has_faults", count=len(findings))

    async def checkpoint(self) -> None:
        """Write a checkpoint if the head has moved; the next attempt repeats a failed one."""
        try:
            await self._audit_log.checkpoint()
        except (OSError, Unavailable) as error:
            _log.error("audit_checkpoint_failed", kind=type(error).__name__)

    async def prune(self, *, before: datetime) -> int:
        """Delete the events before a time, in small steps; return how many.

        The chain then begins later. A sealed event in it records where, before the first step.

        Raises:
            AuditUnavailable: if that event cannot be written.

        """
        pruning = LogPruning(self._context.database, self._audit_log)
        through = await pruning.record(before=before)
        await self.checkpoint()
        pruned = await pruning.delete(through=through)
        await give_back_space(self._context.database)
        return pruned

    async def apply_retention(self, days: int) -> None:
        """Delete the events of days that are longer ago than this, in UTC.

        During an alarm all events stay: they show what happened.

        Raises:
            AuditUnavailable: if that cannot be recorded.
            Unavailable: if the database does not answer.

        """
        if self.needs_attention:
            _log.warning("retention_suspended")
            return
        today = (
            self._context.now().astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        )
        pruned = await self.prune(before=today - timedelta(days=days))
        if pruned:
            _log.info("audit_log_pruned", count=pruned)

    async def acknowledge(self) -> SealedEvent | None:
        """Accept the present database, and record that.

        Returns None if there is nothing to acknowledge.

        """
        audit_log = self._audit_log
        findings = await self.scan_integrity()
        if audit_log.trust_fault is None and not findings:
            return None
        latest = audit_log.checkpoints.latest()
        facts = {
            "alarm": audit_log.trust_fault,
            "anchored": latest.seq if latest else None,
            "rows": sorted(
                f"{finding.table} {finding.row_id} {finding.fault}" for finding in findings
            )[:_MAX_LISTED],
            "row_count": len(findings),
        }
        acknowledged = await audit_log.restart(
            instance_draft(AuditAction.AUDIT_ACKNOWLEDGED, facts)
        )
        self._findings = frozenset()
        return acknowledged

    @property
    def _audit_log(self) -> AuditLog:
        if self._begun is None:
            raise LogNotBegun
        return self._begun
