"""Verify the audit log, once or while the server runs."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from hmac import compare_digest
from typing import Final

from gateway.domain.audit import FIRST_HASH, AuditAction, SealedEvent
from gateway.domain.errors import IntegrityFault
from gateway.services.audit.checkpoints import Checkpoint
from gateway.services.audit.keys import AuditKeys
from gateway.storage.audit import event_log
from gateway.storage.checked_view import Head
from gateway.storage.unit_of_work import Database, ReadUnit

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

    def add(self, fault: LogFault, seq: int) -> None:
        self.findings.append(LogFinding(fault, seq))


@dataclass(slots=True)
class LogWalk:
    keys: AuditKeys
    report: LogReport = field(default_factory=LogReport)
    checkpoint_hashes: dict[int, bytes] = field(default_factory=dict, repr=False)
    begins_after: tuple[int, bytes] = field(default=(0, FIRST_HASH), repr=False)
    prunings: set[tuple[int, str]] = field(default_factory=set)
    seq: int = 0
    hash: bytes = field(default=FIRST_HASH, repr=False)

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
        # The content of an altered event is not read, since it is not trustworthy.
        if not compare_digest(self.keys.event_hash(event), sealed.hash):
            self.report.add(LogFault.ALTERED, event.seq)
        elif event.action == AuditAction.AUDIT_PRUNED:
            self.prunings.add((event.facts["through"], event.facts["hash"]))
        if self.checkpoint_hashes.pop(event.seq, sealed.hash) != sealed.hash:
            self.report.add(LogFault.OTHER_THAN_CHECKPOINT, event.seq)
        self.seq, self.hash = event.seq, sealed.hash
        self.report.events += 1
        self.report.last = event.seq

    def end(self, head: Head | None) -> None:
        through, prev_hash = self.begins_after
        is_whole = through == 0 and prev_hash == FIRST_HASH
        if not is_whole and (through, prev_hash.hex()) not in self.prunings:
            self.report.add(LogFault.CUT_FRONT, through)
        if head is None or (head.seq, head.hash) != (self.seq, self.hash):
            self.report.add(LogFault.CUT_END, self.seq)
        for seq in sorted(seq for seq in self.checkpoint_hashes if seq > self.seq):
            self.report.add(LogFault.CUT_END, seq)


async def verify_log(
    unit: ReadUnit, keys: AuditKeys, checkpoints: Iterable[Checkpoint]
) -> LogReport:
    checkpoint_hashes = {checkpoint.seq: checkpoint.hash for checkpoint in checkpoints}
    walk = LogWalk(keys, LogReport(checkpoints=len(checkpoint_hashes)), checkpoint_hashes)
    events = await event_log.chain(unit, after=-1, size=PAGE)
    while events:
        walk.follow(events)
        events = await event_log.chain(unit, after=walk.seq, size=PAGE)
    walk.end(await event_log.head(unit))
    return walk.report


# Together at most 4,000 events per second, in steps of a few milliseconds.
_STEP: Final = 200
_PAUSE_SECONDS: Final = 0.05
# The check stops at this many faults.
_MAX_FINDINGS: Final = 1_000


class LogWatch:
    """Checks each event, from first to last, against its hash and the event before it.

    Each step opens its own view, so that no view stays open for the whole log.
    """

    def __init__(self, database: Database, keys: AuditKeys) -> None:
        self._database = database
        self._keys = keys

    async def walk(self) -> Sequence[LogFinding]:
        """Return the faults in the log.

        Raises:
            Unavailable: if the database does not answer.

        """
        walk = LogWalk(self._keys)
        while len(walk.report.findings) < _MAX_FINDINGS:
            try:
                async with self._database.read() as unit:
                    events = await event_log.chain(unit, after=walk.seq, size=_STEP)
                    if walk.report.events and await _is_pruned(unit, walk.seq, events):
                        walk = LogWalk(self._keys)
                        continue
                    if not events:
                        walk.end(await event_log.head(unit))
                        break
            except IntegrityFault:
                # A column cannot be read, so nothing after it can.
                return [*walk.report.findings, LogFinding(LogFault.ALTERED, walk.seq + 1)]
            walk.follow(events)
            await asyncio.sleep(_PAUSE_SECONDS)
        return walk.report.findings


async def _is_pruned(unit: ReadUnit, seq: int, events: Sequence[SealedEvent]) -> bool:
    """Return whether the last checked event and all before it have since been deleted.

    The next check, which starts at the log's beginning, finds whether the gateway deleted them.
    """
    if events and events[0].event.seq == seq + 1:
        return False
    first = await event_log.chain(unit, after=0, size=1)
    return bool(first) and first[0].event.seq > seq
