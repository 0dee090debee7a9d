"""Write the audit log in the transaction of the change. If that fails, the change fails."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Final

import structlog

from gateway.crypto.envelope import TamperedCiphertext
from gateway.domain.audit import (
    FIRST_HASH,
    AuditAction,
    AuditDraft,
    AuditEvent,
    AuditSubject,
    CatalogNotTrusted,
    DatabaseNotTrusted,
    SealedEvent,
    details_text,
)
from gateway.domain.origins import current_origin
from gateway.services.audit.checkpoints import Checkpoint, Checkpoints
from gateway.services.audit.database_guard import DatabaseGuard
from gateway.services.audit.keys import AuditKeys, State, Sums
from gateway.services.audit.row_changes import RowChange, drafts, row_changes
from gateway.services.audit.trust import TrustFault, check_trust
from gateway.services.context import ServiceContext
from gateway.storage.audit import event_log
from gateway.storage.audit.access_states import ACCESS
from gateway.storage.audit.row_macs import integrity_fault
from gateway.storage.audit.watching import WATCHED
from gateway.storage.checked_view import Head, SeenHead
from gateway.storage.dialects import catalog
from gateway.storage.unit_of_work import ReadUnit, WriteUnit

_log = structlog.get_logger(__name__)

PAGE: Final = 1_000
INSTANCE: Final = "instance"


class AuditLog:
    def __init__(self, context: ServiceContext, keys: AuditKeys, checkpoints: Checkpoints) -> None:
        self._context = context
        self.keys = keys
        self.checkpoints = checkpoints
        self._guard = DatabaseGuard(keys, checkpoints)
        self._trust_fault: TrustFault | None = None

    @property
    def trust_fault(self) -> TrustFault | None:
        return self._trust_fault or self._guard.trust_fault

    async def begin(self) -> None:
        """Compare the database with the last checkpoint, and record changes from now on.

        Raises:
            OSError: if the first checkpoint cannot be written.

        """
        database = self._context.database
        newest = await self._look()
        if newest is None and self.trust_fault is None:
            await self._record_what_is_there()
            newest = await self._look()
        self._keep_checkpoint(newest)
        await self._begin_access_sum()
        # What the writing connection noted until now was recorded with the first event, if at all.
        await database.writer.dispose()
        await self._guard.start(database)
        database.guard = self._guard
        database.before_commit = self.seal

    async def seal(self, unit: WriteUnit) -> None:
        """Write the events of a transaction's changes and drafts before it commits.

        Raises:
            DatabaseNotTrusted: while the database is not trusted.
            AuditUnavailable: if it cannot be written.
            CatalogNotTrusted: while the database's objects differ from those of this version.
            IntegrityFault: if a written row differs from the intended one.

        """
        notes, data_version = await event_log.touched(unit)
        await self._ensure_catalog(unit, data_version)
        if difference := unit.intended.difference(notes):
            raise integrity_fault(*difference)
        if not notes and not unit.drafts:
            return
        head = await event_log.head(unit)
        # This detects an older database that was restored since the request began.
        await unit.accept(head)
        changes = row_changes(notes, self.keys)
        self._guard.correct(head, changes)
        event_drafts = [*drafts(changes), *unit.drafts]
        if not event_drafts:
            await event_log.forget_changed_rows(unit)
            return
        await self._ensure_calm()
        sums = self._add_changes(self._sums(head), changes)
        states = {
            (change.table, change.row_id): change.after for change in changes if change.has_effect
        }
        await self.extend(unit, head, event_drafts, states, sums)

    async def _ensure_catalog(self, unit: WriteUnit, data_version: int) -> None:
        try:
            await catalog.ensure_expected(unit, seen_at=data_version)
        except CatalogNotTrusted:
            self._trust_fault = TrustFault.CATALOG_DIFFERS
            raise

    def _sums(self, head: Head | None) -> Sums:
        if head is None:
            return Sums()
        try:
            return self.keys.open_sums(head)
        except TamperedCiphertext:
            raise DatabaseNotTrusted from None

    def _add_changes(self, sums: Sums, changes: Iterable[RowChange]) -> Sums:
        for change in changes:
            sums = self.keys.add_change_to_sums(
                sums,
                table=change.table,
                row_id=change.row_id,
                before=change.expected,
                after=change.after,
            )
            if change.is_tampered:
                _log.error("integrity_fault", table=change.table, row_id=change.row_id)
        return sums

    async def extend(
        self,
        unit: WriteUnit,
        head: Head | None,
        event_drafts: Sequence[AuditDraft],
        states: Mapping[tuple[str, str], State],
        sums: Sums,
    ) -> SealedEvent | None:
        """Append events to the chain and keep the states that rows have now."""
        events = self._seal(head, event_drafts, self.keys.sum_mac(sums.rows))
        if not events:
            return None
        seqs = zip(events, event_drafts, strict=True)
        mentions = {sealed.event.seq: set(draft.secret_ids) for sealed, draft in seqs}
        last = events[-1]
        await event_log.append(unit, events, mentions)
        await event_log.keep_states(unit, states, self.keys.seal_head(last, sums))
        changed = {key for key in states if key[0] in ACCESS}
        current = await self._guard.after_changes(unit, head, changed, sums.access)
        seen = SeenHead(last.event.seq, last.hash)
        unit.committed.append(partial(self._guard.wrote, seen, current))
        return last

    def _seal(
        self, head: Head | None, event_drafts: Iterable[AuditDraft], set_mac: bytes
    ) -> Sequence[SealedEvent]:
        origin, at = current_origin(), self._context.now()
        by_whom = {"operator": origin.operator.facts} if origin.operator else {}
        seq, prev_hash = (head.seq, head.hash) if head else (0, FIRST_HASH)
        events: list[SealedEvent] = []
        for draft in event_drafts:
            seq += 1
            event = AuditEvent(
                seq=seq,
                at=at,
                actor_kind=origin.actor_kind,
                actor_id=origin.actor_id,
                action=draft.action,
                subject=draft.subject,
                subject_id=draft.subject_id,
                organization_id=draft.organization_id,
                project_id=draft.project_id,
                holder_id=draft.holder_id,
                key=draft.key,
                face=origin.face,
                request_id=origin.request_id,
                details=details_text({**draft.details, **by_whom}),
                set_mac=set_mac,
                prev_hash=prev_hash,
            )
            prev_hash = self.keys.event_hash(event)
            events.append(SealedEvent(event, prev_hash))
        return events

    def is_intact(self, sealed: SealedEvent) -> bool:
        return self._guard.is_intact(sealed)

    async def checkpoint(self) -> bool:
        """Check trust again. Write a checkpoint if the database is trusted and has new events.

        Returns whether a checkpoint was written.

        Raises:
            OSError: if it cannot be written.
            Unavailable: if the database does not answer.

        """
        # The checkpoint is for the newest event of the checked view, not of a later one.
        return self._keep_checkpoint(await self._look())

    def _keep_checkpoint(self, newest: SealedEvent | None) -> bool:
        latest = self.checkpoints.latest()
        if newest is None or self.trust_fault is not None:
            return False
        if latest and latest.seq >= newest.event.seq:
            return False
        self.checkpoints.write(Checkpoint.of(newest))
        return True

    async def restart(self, draft: AuditDraft) -> SealedEvent | None:
        """Accept all rows as they are, continue from the chain's last event, and clear the fault.

        Raises:
            AuditUnavailable: if it cannot be written.
            OSError: if the checkpoint cannot be written.

        """
        async with self._context.database.write() as unit:
            newest = await event_log.newest(unit)
            last = Head(newest.event.seq, newest.hash) if newest else None
            states, sums = await self.all_states(unit)
            await event_log.forget_states(unit)
            await event_log.forget_stray_mentions(unit)
            acknowledged = await self.extend(unit, last, [draft], states, sums)
        if acknowledged is not None:
            self.checkpoints.write(Checkpoint.of(acknowledged, is_acknowledgement=True))
            self._guard.acknowledged(SeenHead(acknowledged.event.seq, acknowledged.hash))
        await self._look()
        return acknowledged

    async def _ensure_calm(self) -> None:
        if self.trust_fault is not None:
            # The operator may have acknowledged it in another process.
            await self._look()
        if self.trust_fault is not None:
            raise DatabaseNotTrusted

    async def _look(self) -> SealedEvent | None:
        database = self._context.database
        found, newest = await check_trust(database, self.keys, self.checkpoints)
        if found and found != self._trust_fault:
            _log.error("database_not_trusted", trust_fault=found)
        self._trust_fault = found
        if database.guard is not None:
            await self._guard.check(database)
        return newest

    async def _record_what_is_there(self) -> None:
        async with self._context.database.write() as unit:
            if await event_log.head(unit) is None:
                await catalog.ensure_expected(unit)
                states, sums = await self.all_states(unit)
                begun = instance_draft(AuditAction.AUDIT_BEGUN, {"rows": len(states)})
                await self.extend(unit, None, [begun], states, sums)

    async def _begin_access_sum(self) -> None:
        """Compute the sum over access rows for a head that does not have one yet.

        The sum over all rows must prove the recorded rows. Otherwise there is no access sum, and no
        access row is used until the operator has acknowledged the database.
        """
        database = self._context.database
        async with database.read() as unit:
            head = await event_log.head(unit)
        if head is None or head.access_box is not None:
            return
        async with database.write() as unit:
            head = await event_log.head(unit)
            if head is None or head.access_box is not None:
                return
            sums = await self._sums_of_recorded_rows(unit)
            with suppress(TamperedCiphertext):
                if self.keys.open_sum(head.set_box, head.seq) == sums.rows:
                    box = self.keys.seal_access_sum(sums.access, head.seq, head.hash)
                    await event_log.keep_access_sum(unit, box)

    async def _sums_of_recorded_rows(self, unit: ReadUnit) -> Sums:
        sums = Sums()
        async for table, rows in _all_rows(unit):
            for row_id, _, recorded in rows:
                sums = self.keys.add_change_to_sums(
                    sums, table=table, row_id=row_id, before=None, after=recorded
                )
        return sums

    async def all_states(self, unit: ReadUnit) -> tuple[Mapping[tuple[str, str], State], Sums]:
        """Return the states of all watched rows as they are now, and the sums over them."""
        found: dict[tuple[str, str], State] = {}
        sums = Sums()
        async for table, rows in _all_rows(unit):
            for row_id, text, _ in rows:
                state = self.keys.state(table, row_id, text)
                sums = self.keys.add_change_to_sums(
                    sums, table=table, row_id=row_id, before=None, after=state
                )
                found[table, row_id] = state
        return found, sums


async def _all_rows(
    unit: ReadUnit,
) -> AsyncIterator[tuple[str, Sequence[tuple[str, str | None, bytes | None]]]]:
    """Yield each watched row's id, present state and recorded state, in pages of one table."""
    for table in WATCHED:
        after: str | None = ""
        while after is not None:
            rows = await event_log.states(unit, table, after=after, size=PAGE)
            yield table, rows
            after = rows[-1][0] if rows else None


def instance_draft(action: AuditAction, details: Mapping[str, object]) -> AuditDraft:
    """Return an event about the instance itself."""
    return AuditDraft(
        action=action, subject=AuditSubject.INSTANCE, subject_id=INSTANCE, details=details
    )
