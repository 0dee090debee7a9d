"""Check the whole audit log in small steps while the gateway serves."""

import asyncio
from collections.abc import Sequence
from typing import Final

from gateway.domain.audit import SealedEvent
from gateway.domain.errors import IntegrityFault
from gateway.services.audit_keys import AuditKeys
from gateway.services.log_verification import LogFault, LogFinding, LogWalk
from gateway.storage import audit
from gateway.storage.unit_of_work import Database, ReadUnit

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
                    events = await audit.chain(unit, after=walk.seq, size=_STEP)
                    if walk.report.events and await _is_pruned(unit, walk.seq, events):
                        walk = LogWalk(self._keys)
                        continue
                    if not events:
                        walk.end(await audit.head(unit))
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
    first = await audit.chain(unit, after=0, size=1)
    return bool(first) and first[0].event.seq > seq
