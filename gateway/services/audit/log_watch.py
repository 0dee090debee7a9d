"""Check the audit log again and again while the server runs."""

import asyncio
from collections import deque
from collections.abc import Iterable, Sequence
from contextlib import suppress
from hashlib import blake2b
from hmac import compare_digest
from typing import Final

from gateway.domain.delivered_sets import DeliveredSet
from gateway.domain.errors import IntegrityFault
from gateway.services.audit.keys import AuditKeys
from gateway.services.audit.verification import LogFinding, LogPruned, LogWalk
from gateway.storage.audit import event_log, log_rows
from gateway.storage.audit.log_times import FaultyEvents
from gateway.storage.database import Database
from gateway.storage.unit_of_work import ReadUnit

# New events are checked in steps of a few milliseconds, at most 4,000 per second.
_STEP: Final = 200
_PAUSE_SECONDS: Final = 0.05
# Known events are read again, at most 50,000 per second.
_SEGMENT: Final = 1_000
_SEGMENT_BYTES: Final = 1024 * 1024
_SHORT_PAUSE_SECONDS: Final = 0.02
# The check stops at this many faults.
_MAX_FINDINGS: Final = 1_000


class _Segment:
    """Successive events that this process has verified, and the digest of their rows."""

    def __init__(self, begins_after: tuple[int, bytes]) -> None:
        # The number and hash of the event before them, and of the last one.
        self.begins_after = self.last = begins_after
        self._digest = blake2b()
        self._size = 0

    @property
    def is_full(self) -> bool:
        events = self.last[0] - self.begins_after[0]
        return events >= _SEGMENT or self._size >= _SEGMENT_BYTES

    async def add(self, unit: ReadUnit, last: tuple[int, bytes]) -> None:
        """Add the events up to this one, which were verified in this view."""
        rows = await log_rows.row_bytes(unit, first=self.last[0] + 1, last=last[0])
        await asyncio.to_thread(self._digest.update, rows)
        self.last, self._size = last, self._size + len(rows)

    async def is_unchanged(self, unit: ReadUnit) -> bool:
        same = _Segment(self.begins_after)
        await same.add(unit, self.last)
        if not compare_digest(same._digest.digest(), self._digest.digest()):
            return False
        # A set has its name from its content, and the events name it.
        first = self.begins_after[0] + 1
        sets = await log_rows.named_sets(unit, first=first, last=self.last[0])
        return await asyncio.to_thread(_are_unchanged, sets)


def _are_unchanged(sets: Iterable[tuple[bytes, DeliveredSet | None]]) -> bool:
    return all(found and found.fingerprint == name for name, found in sets)


class LogWatch:
    """Verifies each event once by its hash, and later compares its row with what it was then.

    What is known of verified events stays in memory. If a row differs, the next check verifies all
    events again. Each step opens its own view, so that no view stays open for the whole log.
    """

    def __init__(self, database: Database, keys: AuditKeys) -> None:
        self._database = database
        self._keys = keys
        self._forget()

    async def check(self) -> Sequence[LogFinding]:
        """Return the faults in the log.

        Raises:
            Unavailable: if the database does not answer.

        """
        if self._walk.report.findings or not await self._is_unchanged():
            self._forget()
        while True:
            try:
                await self._follow()
            except LogPruned:
                self._forget()
            except BaseException:
                # The walk can be ahead of the segments.
                self._forget()
                raise
            else:
                return self._walk.report.findings

    @property
    def faulty(self) -> FaultyEvents:
        """What the last check found."""
        report = self._walk.report
        return FaultyEvents(
            frozenset(found.seq for found in report.findings),
            None if report.is_complete else report.last,
        )

    def _forget(self) -> None:
        self._walk = LogWalk(self._keys)
        self._segments: deque[_Segment] = deque()

    async def _is_unchanged(self) -> bool:
        """Return whether all verified events are as they were, except for those that are pruned."""
        for segment in tuple(self._segments):
            async with self._database.read() as unit:
                first = await log_rows.first_seq(unit) or 0
                if segment is self._segments[0] and first != segment.begins_after[0] + 1:
                    if not await self._shorten(unit, first):
                        return False
                elif not await segment.is_unchanged(unit):
                    return False
            await asyncio.sleep(_SHORT_PAUSE_SECONDS)
        return True

    async def _shorten(self, unit: ReadUnit, first: int) -> bool:
        """Remove pruned events from the first segment; return whether the others are sound."""
        segment = self._segments.popleft()
        if first > segment.last[0]:
            return bool(self._segments)
        left = LogWalk(self._keys)
        with suppress(IntegrityFault):
            size = segment.last[0] - first + 1
            left.follow(await event_log.chain(unit, after=first - 1, size=size))
        shorter = _Segment(left.begins_after)
        await shorter.add(unit, segment.last)
        self._segments.appendleft(shorter)
        return not left.report.findings and (left.seq, left.hash) == segment.last

    async def _follow(self) -> None:
        """Verify the events after the known ones."""
        walk = self._walk
        if self._segments:
            walk.begins_after = self._segments[0].begins_after
        while len(walk.report.findings) < _MAX_FINDINGS:
            async with self._database.read() as unit:
                if not await walk.step(unit, _STEP):
                    break
                if not self._segments or self._segments[-1].is_full:
                    before = self._segments[-1].last if self._segments else walk.begins_after
                    self._segments.append(_Segment(before))
                await self._segments[-1].add(unit, (walk.seq, walk.hash))
            await asyncio.sleep(_PAUSE_SECONDS)
