"""The audit log as the instance's operator keeps it: begun, anchored, verified, scanned, pruned."""

from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import structlog

from gateway.domain.audit import AuditAction, Link
from gateway.domain.errors import Unavailable
from gateway.services.alarms import Alarm
from gateway.services.anchors import Anchor, Anchors
from gateway.services.chain_check import ChainFinding, ChainReport, check_chain
from gateway.services.foundation import Foundation
from gateway.services.log_watch import LogWatch
from gateway.services.scrub import RowFinding, scrub
from gateway.services.trail import PAGE, Trail, instance_draft
from gateway.services.trail_keys import TrailKeys
from gateway.storage import audit
from gateway.storage.anchors import AnchorFile

_log = structlog.get_logger(__name__)
_MOST_TOLD = 20


class ClosedTrail(Exception):
    """The trail was asked for before it was begun."""


class Audit:
    """The operator's use cases around the audit log."""

    def __init__(self, foundation: Foundation) -> None:
        """Take what every use case stands on."""
        self._foundation = foundation
        self._begun: Trail | None = None
        self._findings: frozenset[RowFinding] = frozenset()
        self._log_findings: frozenset[ChainFinding] = frozenset()

    async def begin(self, anchor_file: Path) -> None:
        """Begin to record: from here on nothing is changed without a trace.

        Raises:
            OSError: if the anchor file cannot be written.

        """
        keys = TrailKeys.derived(self._foundation.vault.audit_key)
        anchors = Anchors(AnchorFile(anchor_file), keys.signer, self._foundation.now)
        self._begun = Trail(self._foundation, keys, anchors)
        await self._begun.begin()

    @property
    def alarm(self) -> Alarm | None:
        """Why the database is not trusted, if it is not."""
        return self._trail.alarm

    @property
    def is_in_alarm(self) -> bool:
        """Whether the operator has to look at something."""
        return bool(self._begun and (self._begun.alarm or self._findings or self._log_findings))

    @property
    def public_key(self) -> str:
        """The key that checks anchors, in hexadecimal digits."""
        return self._trail.anchors.public_key

    async def exported(self) -> AsyncIterator[Mapping[str, Any]]:
        """Give every event of every organization as plain facts."""
        after, has_more = -1, True
        while has_more:
            async with self._foundation.database.read() as unit:
                links = await audit.chain(unit, after=after, size=PAGE)
            for link in links:
                yield {**link.plain, "is_intact": self._trail.is_intact(link)}
                after = link.event.seq
            has_more = bool(links)

    async def head(self) -> Mapping[str, Any] | None:
        """Return the head, signed as an anchor is."""
        async with self._foundation.database.read() as unit:
            newest = await audit.newest(unit)
        return self._trail.anchors.signed(Anchor.of(newest)) if newest else None

    async def verify(self) -> ChainReport:
        """Check the whole chain against itself, its head and the anchors."""
        # Before the view opens: what another process anchors meanwhile is not in the view.
        anchors = self._trail.anchors.standing()
        async with self._foundation.database.read() as unit:
            return await check_chain(unit, self._trail.keys, anchors)

    async def scrub(self) -> list[RowFinding]:
        """Look for rows that were changed past the application, and tell of new ones.

        Raises:
            Unavailable: if the database does not answer.

        """
        async with self._foundation.database.read() as unit:
            findings = await scrub(unit, self._trail.keys)
        unknown = frozenset(findings) - self._findings
        self._findings = frozenset(findings)
        for finding in sorted(unknown, key=str)[:_MOST_TOLD]:
            _log.error(
                "integrity_alarm", fault=finding.fault, table=finding.table, row_id=finding.row_id
            )
        if unknown:
            _log.error("scrub_found_differences", count=len(findings))
        return findings

    async def watch_log(self) -> None:
        """Walk the whole log in small steps, and report what is found for the first time.

        Raises:
            Unavailable: if the database does not answer.

        """
        findings = frozenset(await LogWatch(self._foundation.database, self._trail.keys).walk())
        unknown, self._log_findings = findings - self._log_findings, findings
        for finding in sorted(unknown, key=lambda it: it.seq)[:_MOST_TOLD]:
            _log.error(
                "integrity_alarm", fault=finding.fault, table="audit_event", row_id=finding.seq
            )
        if unknown:
            _log.error("log_has_faults", count=len(findings))

    async def anchor(self) -> None:
        """Anchor the head, if it has moved; the next time will do if it cannot be done now."""
        try:
            await self._trail.anchor()
        except (OSError, Unavailable) as error:
            _log.error("audit_anchor_failed", kind=type(error).__name__)

    async def prune(self, *, before: datetime) -> int:
        """Delete events from before a moment; tell how many.

        The chain then begins later, and one event in it says where, sealed like all.

        Raises:
            AuditUnavailable: if that event cannot be written.

        """
        async with self._foundation.database.write() as unit:
            last = await audit.last_before(unit, before)
            if last is None:
                return 0
            gone = await audit.forget(unit, through=last.event.seq)
            facts = {"through": last.event.seq, "hash": last.hash.hex(), "count": gone}
            unit.told.append(instance_draft(AuditAction.AUDIT_PRUNED, facts))
        await self.anchor()
        return gone

    async def acknowledge(self) -> Link | None:
        """Take the database as it is from here on, and record that.

        Returns None if there is nothing to acknowledge.

        """
        trail = self._trail
        findings = await self.scrub()
        if trail.alarm is None and not findings:
            return None
        anchored = trail.anchors.latest()
        facts = {
            "alarm": trail.alarm,
            "anchored": anchored.seq if anchored else None,
            "rows": sorted(f"{it.table} {it.row_id} {it.fault}" for it in findings)[:_MOST_TOLD],
            "row_count": len(findings),
        }
        acknowledged = await trail.begin_anew(instance_draft(AuditAction.AUDIT_ACKNOWLEDGED, facts))
        self._findings = frozenset()
        return acknowledged

    @property
    def _trail(self) -> Trail:
        if self._begun is None:
            raise ClosedTrail
        return self._begun
