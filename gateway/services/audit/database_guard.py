"""Detect an older database or an old row by comparing each view with what this process has seen.

The statement that reads a credential also compares the newest head that was seen. So the next
request, or the next write, detects a database that was restored under a running server.
"""

import asyncio
import time
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from hmac import compare_digest
from typing import Final

import structlog

from gateway.crypto.envelope import TamperedCiphertext
from gateway.domain.audit import FIRST_HASH, DatabaseNotTrusted, SealedEvent
from gateway.services.audit.checkpoints import Checkpoints
from gateway.services.audit.keys import AuditKeys
from gateway.services.audit.trust import (
    MAX_CHANGES,
    AccessSet,
    SetProof,
    TrustFault,
    load,
    refresh,
)
from gateway.storage.audit import event_log, records
from gateway.storage.audit.changes import Key, RowChange
from gateway.storage.audit.records import ACCESS
from gateway.storage.checked_view import Head, SeenHead
from gateway.storage.database import Database
from gateway.storage.unit_of_work import ReadUnit

_log = structlog.get_logger(__name__)

# Views of different ages are open at the same time, each with the access set of its head.
_KEPT_SETS: Final = 8
# Seconds before unproven rows are checked again.
_PATIENCE: Final = 1.0


@dataclass(frozen=True, slots=True)
class _Proven:
    head: SeenHead
    current: AccessSet = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Unproven:
    head: Head
    until: float
    # Without a proof, no access row can be used.
    proof: SetProof | None = field(repr=False)


class DatabaseGuard:
    """Keeps the newest head of the log that this process has seen, and its access rows."""

    def __init__(
        self, keys: AuditKeys, checkpoints: Checkpoints, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.seen = SeenHead(0, FIRST_HASH)
        self.trust_fault: TrustFault | None = None
        self._keys = keys
        self._checkpoints = checkpoints
        self._clock = clock
        self._acknowledged = checkpoints.acknowledgement()
        self._sets: dict[int, AccessSet] = {}
        self._newest: _Proven | None = None
        self._opened: tuple[Head, int] | None = None
        self._unproven: _Unproven | None = None
        self._missed: set[Key] = set()
        self._missed_until = 0.0
        self._rebuilding = asyncio.Lock()

    async def start(self, database: Database) -> None:
        """Record the present head as seen, and load the access rows."""
        async with database.read() as unit:
            head = await event_log.head(unit)
            self._restart(head)
            with suppress(DatabaseNotTrusted):
                await self.prove(unit, head)

    async def check(self, database: Database) -> None:
        """Compare the present database; a difference sets `trust_fault`."""
        async with database.read() as unit:
            with suppress(DatabaseNotTrusted):
                await event_log.prove(unit)

    async def prove(self, unit: ReadUnit, head: Head | None) -> SetProof:
        """Return which access rows are current in a view with this head.

        Raises:
            DatabaseNotTrusted: if the database is older or a different one, or if no row is proven.

        """
        fault = await self._fault(unit, unit.floor or self.seen, head)
        if head is None or (fault and not await self._is_acknowledged(unit, head)):
            self._raise(fault or TrustFault.HEAD_DIFFERS)
            raise DatabaseNotTrusted
        current = await self._find_proven_set(unit, head)
        if current is None:
            self._raise(TrustFault.ACCESS_DIFFERS)
            return self._last_proof(await self._fallback(unit, head))
        if not unit.reads_uncommitted:
            self.trust_fault = None
            self._advance(SeenHead(head.seq, head.hash), current)
        return SetProof(current, self._missed)

    def is_intact(self, sealed: SealedEvent) -> bool:
        return compare_digest(self._keys.event_hash(sealed.event), sealed.hash)

    def correct(self, head: Head | None, changes: Iterable[RowChange]) -> None:
        """Replace the recorded MAC of access rows by the proven one.

        An attacker can restore the record in the database together with the row.
        """
        known = self._set_for(head)
        for change in changes:
            if known is not None and change.key[0] in ACCESS:
                change.recorded = known.macs.get(change.key)

    async def after_changes(
        self, unit: ReadUnit, head: Head | None, changed: Collection[Key], total: int
    ) -> AccessSet | None:
        """Return the access set after a transaction's changes to a view of this head, if known."""
        before = self._set_for(head)
        if before is None or not changed:
            return before
        found = await refresh(unit, self._keys, before, changed)
        # The next unit of the transaction reads it before this process has seen the commit.
        return self._keep(found) if found.total == total else None

    def wrote(self, head: SeenHead, current: AccessSet | None) -> None:
        """Record a head that this process has committed as seen."""
        if current is not None:
            self._keep(current)
            self._advance(head, current)
        elif head.seq > self.seen.seq:
            self.seen = head

    def acknowledged(self, head: SeenHead) -> None:
        """Record a head that the operator has just acknowledged in this process."""
        self._restart(Head(head.seq, head.hash))

    def _set_for(self, head: Head | None) -> AccessSet | None:
        total = self._total(head) if head is not None else None
        return None if total is None else self._sets.get(total)

    def _restart(self, head: Head | None) -> None:
        self.seen = SeenHead(head.seq, head.hash) if head else SeenHead(0, FIRST_HASH)
        self.trust_fault = None
        self._acknowledged = self._checkpoints.acknowledgement()
        self._sets.clear()
        self._newest = self._unproven = None

    async def _fault(self, unit: ReadUnit, floor: SeenHead, head: Head | None) -> TrustFault | None:
        if head is None:
            return TrustFault.HEAD_DIFFERS
        if head.seq < floor.seq:
            return TrustFault.DATABASE_OLDER
        if head.seq == floor.seq:
            return None if compare_digest(head.hash, floor.hash) else TrustFault.DATABASE_OTHER
        if head.floor_hash is not None:
            is_same = compare_digest(head.floor_hash, floor.hash)
        else:
            # Another process has pruned the log. The check of the whole log covers its beginning.
            (first,) = await event_log.chain(unit, after=0, size=1) or (None,)
            is_same = first is not None and first.event.seq > floor.seq
        return None if is_same else TrustFault.DATABASE_OTHER

    async def _is_acknowledged(self, unit: ReadUnit, head: Head) -> bool:
        """Return whether the operator has acknowledged this database since the last comparison."""
        checkpoint = self._checkpoints.acknowledgement()
        if checkpoint is None or checkpoint == self._acknowledged:
            return False
        sealed = await event_log.sealed(unit, checkpoint.seq)
        if sealed is None or not compare_digest(sealed.hash, checkpoint.hash):
            return False
        self._restart(head)
        return True

    def _raise(self, trust_fault: TrustFault) -> None:
        if trust_fault != self.trust_fault:
            _log.error("database_not_trusted", trust_fault=trust_fault)
        self.trust_fault = trust_fault

    def _advance(self, head: SeenHead, current: AccessSet) -> None:
        if head.seq >= self.seen.seq:
            self.seen = head
        if self._newest is None or head.seq >= self._newest.head.seq:
            self._newest = _Proven(head, current)

    def _total(self, head: Head) -> int | None:
        if self._opened and self._opened[0].sealed_access_sum == head.sealed_access_sum:
            known, total = self._opened
            if (known.seq, known.hash) == (head.seq, head.hash):
                return total
        try:
            total = self._keys.open_access_sum(head.sealed_access_sum or b"", head.seq, head.hash)
        except TamperedCiphertext:
            return None
        self._opened = (head, total)
        return total

    def _keep(self, current: AccessSet) -> AccessSet:
        self._sets.pop(current.total, None)
        self._sets[current.total] = current
        while len(self._sets) > _KEPT_SETS:
            del self._sets[next(iter(self._sets))]
        return current

    async def _find_proven_set(self, unit: ReadUnit, head: Head) -> AccessSet | None:
        """Return the access set that the head's sum proves, if the database has it."""
        total = self._total(head)
        if total is None or self._is_known_unproven(head):
            return None
        known = self._sets.get(total)
        if known is None:
            return await self._rebuild(unit, head, total)
        if not self._missed or self._clock() < self._missed_until:
            return known
        missed = set(self._missed)
        self._missed.clear()
        self._missed_until = self._clock() + _PATIENCE
        found = await refresh(unit, self._keys, known, missed)
        return self._keep(found) if found.total == total else None

    async def _rebuild(self, unit: ReadUnit, head: Head, total: int) -> AccessSet | None:
        # One view rebuilds the set; the other views of the head wait for it.
        async with self._rebuilding:
            return self._sets.get(total) or await self._refresh(unit, head, total)

    async def _refresh(self, unit: ReadUnit, head: Head, total: int) -> AccessSet | None:
        base = self._newest
        if base is not None and base.head.seq <= head.seq:
            # The log only says where to look; the sum proves what is found.
            changed = await records.changed_since(unit, base.head.seq, most=MAX_CHANGES)
            if changed is not None:
                found = await refresh(unit, self._keys, base.current, changed)
                if found.total == total:
                    return self._keep(found)
        found = await load(unit, self._keys)
        return self._keep(found) if found.total == total else None

    def _is_known_unproven(self, head: Head) -> bool:
        unproven = self._unproven
        return (
            unproven is not None
            and self._clock() < unproven.until
            and (unproven.head.seq, unproven.head.hash, unproven.head.sealed_access_sum)
            == (head.seq, head.hash, head.sealed_access_sum)
        )

    async def _fallback(self, unit: ReadUnit, head: Head) -> _Unproven:
        """Return what can still be used when the rows do not match the head's sum.

        That is the last set that this process has proven, without the rows that later events
        change.
        """
        if self._unproven is not None and self._is_known_unproven(head):
            return self._unproven
        proof = None
        if (base := self._newest) is not None:
            excluded = await self._access_rows_changed_since(unit, base.head, head)
            if excluded is not None:
                proof = SetProof(base.current, self._missed, excluded)
        self._unproven = _Unproven(head, self._clock() + _PATIENCE, proof)
        return self._unproven

    def _last_proof(self, unproven: _Unproven) -> SetProof:
        if unproven.proof is None:
            raise DatabaseNotTrusted
        return unproven.proof

    async def _access_rows_changed_since(
        self, unit: ReadUnit, since: SeenHead, head: Head
    ) -> frozenset[Key] | None:
        """Return the access rows that later events change; None unless each event is proven."""
        events = await event_log.chain(unit, after=since.seq, size=MAX_CHANGES)
        before, found = since, set()
        for sealed in events:
            event = sealed.event
            is_next = event.seq == before.seq + 1 and compare_digest(event.prev_hash, before.hash)
            if not is_next or not compare_digest(self._keys.event_hash(event), sealed.hash):
                return None
            before = SeenHead(event.seq, sealed.hash)
            if (key := records.access_key(event.subject, event.subject_id)) is not None:
                found.add(key)
        return frozenset(found) if before == SeenHead(head.seq, head.hash) else None
