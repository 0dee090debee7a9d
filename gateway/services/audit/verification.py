"""Verify the whole audit log: its chain of hashes, and the index from secrets to events."""

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from hmac import compare_digest

from gateway.domain.audit import FIRST_HASH, AuditAction, AuditEvent, SealedEvent
from gateway.domain.errors import IntegrityFault
from gateway.services.audit.checkpoints import Checkpoint
from gateway.services.audit.keys import AuditKeys
from gateway.storage.audit import event_log, log_rows
from gateway.storage.checked_view import Head
from gateway.storage.database import Database
from gateway.storage.unit_of_work import ReadUnit

PAGE = 1_000


class LogFault(StrEnum):
    """A fault of an event, or of a position without one."""

    ALTERED = "ALTERED"
    UNLINKED = "UNLINKED"
    MISSING = "MISSING"
    CUT_FRONT = "CUT_FRONT"
    CUT_END = "CUT_END"
    OTHER_THAN_CHECKPOINT = "OTHER_THAN_CHECKPOINT"


@dataclass(frozen=True, slots=True)
class LogFinding:
    fault: LogFault
    seq: int


@dataclass(slots=True)
class LogReport:
    events: int = 0
    first: int = 0
    last: int = 0
    checkpoints: int = 0
    findings: list[LogFinding] = field(default_factory=list)
    # Whether the check reached the end of the log.
    is_complete: bool = False

    def add(self, fault: LogFault, seq: int) -> None:
        self.findings.append(LogFinding(fault, seq))


class LogPruned(Exception):
    """The events that were checked last were pruned meanwhile; the check must begin again."""


@dataclass(slots=True)
class LogWalk:
    keys: AuditKeys
    report: LogReport = field(default_factory=LogReport)
    checkpoint_hashes: dict[int, bytes] = field(default_factory=dict, repr=False)
    begins_after: tuple[int, bytes] = field(default=(0, FIRST_HASH), repr=False)
    prunings: set[tuple[int, str]] = field(default_factory=set)
    seq: int = 0
    hash: bytes = field(default=FIRST_HASH, repr=False)

    async def step(self, unit: ReadUnit, size: int) -> bool:
        """Check the next events of a view, or at the log's end its head.

        Return whether there were events.

        Raises:
            LogPruned: if the last event that was checked has since been deleted.

        """
        after = self.seq if self.report.events else -1
        try:
            events = await event_log.chain(unit, after=after, size=size)
        except IntegrityFault:
            # A column cannot be read, so nothing after it can.
            self.report.add(LogFault.ALTERED, self.seq + 1)
            return False
        if self.report.events and await _is_pruned(unit, self.seq, events):
            raise LogPruned
        if events:
            # In a thread, because the hashes of many events would delay requests.
            await asyncio.to_thread(self.follow, events)
        else:
            self._end(await event_log.head(unit))
            self.report.is_complete = True
        return bool(events)

    def follow(self, events: Iterable[SealedEvent]) -> None:
        for sealed in events:
            self._take(sealed)

    def _take(self, sealed: SealedEvent) -> None:
        event = sealed.event
        if self.report.events == 0:
            self.report.first = event.seq
            self.begins_after = (event.seq - 1, event.prev_hash)
        elif event.seq != self.seq + 1:
            self.report.add(LogFault.MISSING, self.seq + 1)
        elif not compare_digest(event.prev_hash, self.hash):
            self.report.add(LogFault.UNLINKED, event.seq)
        if compare_digest(self.keys.event_hash(event), sealed.hash):
            self._read(event)
        else:
            # The content of an altered event is not read, since it is not trustworthy.
            self.report.add(LogFault.ALTERED, event.seq)
        if self.checkpoint_hashes.pop(event.seq, sealed.hash) != sealed.hash:
            self.report.add(LogFault.OTHER_THAN_CHECKPOINT, event.seq)
        self.seq, self.hash = event.seq, sealed.hash
        self.report.events += 1
        self.report.last = event.seq

    def _read(self, event: AuditEvent) -> None:
        if event.action == AuditAction.AUDIT_PRUNED:
            self.prunings.add((event.facts["through"], event.facts["hash"]))

    def _end(self, head: Head | None) -> None:
        if not self._is_known_beginning():
            self.report.add(LogFault.CUT_FRONT, self.begins_after[0])
        if head is None or (head.seq, head.hash) != (self.seq, self.hash):
            self.report.add(LogFault.CUT_END, self.seq)
        for seq in sorted(seq for seq in self.checkpoint_hashes if seq > self.seq):
            self.report.add(LogFault.CUT_END, seq)

    def _is_known_beginning(self) -> bool:
        through, prev_hash = self.begins_after
        if self.begins_after == (0, FIRST_HASH):
            return True
        # Pruning is recorded first; then the events are deleted in steps.
        return any(
            through < pruned or (through, prev_hash.hex()) == (pruned, pruned_hash)
            for pruned, pruned_hash in self.prunings
        )


async def verify_log(
    database: Database, keys: AuditKeys, checkpoints: Iterable[Checkpoint]
) -> LogReport:
    """Check the whole log once, in many views, so that none stays open for long."""
    while True:
        with suppress(LogPruned):
            return await _verify_log(database, keys, {each.seq: each.hash for each in checkpoints})


async def _verify_log(
    database: Database, keys: AuditKeys, checkpoint_hashes: dict[int, bytes]
) -> LogReport:
    walk = LogWalk(keys, LogReport(checkpoints=len(checkpoint_hashes)), checkpoint_hashes)
    has_more = True
    while has_more:
        async with database.read() as unit:
            has_more = await walk.step(unit, PAGE)
    return walk.report


async def _is_pruned(unit: ReadUnit, seq: int, events: Sequence[SealedEvent]) -> bool:
    """Return whether the last checked event and all before it have since been deleted.

    The next check, which starts at the log's beginning, finds whether the gateway deleted them.
    """
    if events and events[0].event.seq == seq + 1:
        return False
    first = await log_rows.first_seq(unit)
    return first is not None and first > seq
