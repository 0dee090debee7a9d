"""Walking the whole audit log in small steps, while the gateway serves."""

import asyncio
from collections.abc import Sequence
from typing import Final

from gateway.domain.audit import SealedEvent
from gateway.domain.errors import IntegrityFault
from gateway.services.audit_keys import AuditKeys
from gateway.services.log_verification import LogFault, LogFinding, LogWalk
from gateway.storage import audit
from gateway.storage.unit_of_work import Database, ReadUnit

# Together at most 4,000 events a second, in steps of a few milliseconds.
_STEP: Final = 200
_PAUSE_SECONDS: Final = 0.05
# A log with more faults than this is not walked further.
_MAX_FINDINGS: Final = 1_000


class LogWatch:
    """Checks each event against its hash and the event before it, from the beginning to the head.

    Each step has a view of its own, so that a long log holds none for long.
    """

    def __init__(self, database: Database, keys: AuditKeys) -> None:
        self._database = database
        self._keys = keys

    async def walk(self) -> Sequence[LogFinding]:
        """Return what is wrong with the log.

        Raises:
            Unavailable: if the database does not answer.

        """
        walk = LogWalk(self._keys)
        while len(walk.report.findings) < _MAX_FINDINGS:
            try:
                async with self._database.read() as unit:
                    events = await audit.chain(unit, after=walk.seq, size=_STEP)
                    if walk.report.events and await _is_pruned(unit, walk.seq, events):
                        walk = LogWalk(self._keys)
                        continue
                    if not events:
                        walk.end(await audit.head(unit))
                        break
            except IntegrityFault:
                # A column cannot be read at all, and so nothing behind it.
                return [*walk.report.findings, LogFinding(LogFault.ALTERED, walk.seq + 1)]
            walk.follow(events)
            await asyncio.sleep(_PAUSE_SECONDS)
        return walk.report.findings


async def _is_pruned(unit: ReadUnit, seq: int, events: Sequence[SealedEvent]) -> bool:
    """Tell whether the event that was checked last, and all before it, were deleted meanwhile.

    Whether that was the gateway, the next walk finds at the log's beginning.
    """
    if events and events[0].event.seq == seq + 1:
        return False
    first = await audit.chain(unit, after=0, size=1)
    return bool(first) and first[0].event.seq > seq
