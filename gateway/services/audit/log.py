"""Write the audit log in the transaction of the change. If that fails, the change fails."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
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
    AuditUnavailable,
    CatalogNotTrusted,
    DatabaseNotTrusted,
    SealedEvent,
    details_text,
)
from gateway.domain.origins import current_origin
from gateway.services.audit.checkpoints import Checkpoint, Checkpoints
from gateway.services.audit.database_guard import DatabaseGuard
from gateway.services.audit.keys import AuditKeys, Sums
from gateway.services.audit.row_changes import drafts
from gateway.services.audit.trust import TrustFault, check_trust
from gateway.services.audit.upgrade import FormerKeys, upgrade_records
from gateway.services.context import ServiceContext
from gateway.storage.audit import event_log, records
from gateway.storage.audit.changes import Key, RowChange
from gateway.storage.audit.places import places
from gateway.storage.audit.records import ACCESS
from gateway.storage.audit.row_macs import AUDITED, Covered
from gateway.storage.checked_view import Head, SeenHead
from gateway.storage.dialects import catalog
from gateway.storage.unit_of_work import ReadUnit, WriteUnit
from gateway.storage.version_recording import keep_former_states

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
        await self._upgrade_records()
        newest = await self._look()
        if newest is None and self.trust_fault is None:
            await self._record_what_is_there()
            newest = await self._look()
        self._keep_checkpoint(newest)
        await self._guard.start(database)
        database.guard = self._guard
        database.before_commit = self.seal

    async def seal(self, unit: WriteUnit) -> None:
        """Write the events of a transaction's changes and drafts before it commits.

        Raises:
            DatabaseNotTrusted: while the database is not trusted.
            AuditUnavailable: if it cannot be written.
            CatalogNotTrusted: while the database's objects differ from those of this version.

        """
        head, data_version = await event_log.head_for_write(unit)
        await self._ensure_catalog(unit, data_version)
        changes = list(unit.changes.by_key.values())
        if not changes and not unit.drafts:
            return
        # This detects an older database that was restored since the request began.
        await unit.accept(head)
        await self._find_records(unit, head, changes)
        places_of = await places(unit, changes)
        event_drafts = [*drafts(changes, places_of), *unit.drafts]
        if not event_drafts:
            return
        await self._ensure_trusted()
        if unit.keeps_versions:
            await keep_former_states(
                unit,
                changes,
                at=self._context.now(),
                seq=head.seq + 1 if head else 1,
                origin=current_origin(),
            )
        sums = self._add_changes(self._sums(head), changes)
        macs = {change.key: change.mac_after for change in changes if change.has_effect}
        await self.extend(unit, head, event_drafts, macs, sums)

    async def _find_records(
        self, unit: WriteUnit, head: Head | None, changes: Sequence[RowChange]
    ) -> None:
        keys = [change.key for change in changes]
        found = await records.recorded(unit, keys, refusal=AuditUnavailable)
        for change in changes:
            change.recorded = found.get(change.key)
        self._guard.correct(head, changes)

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
            sums = self.keys.add_change(
                sums, change.key, before=change.recorded, after=change.mac_after
            )
            if change.is_tampered:
                table, row_id = change.key
                _log.error("integrity_fault", table=table, row_id=row_id)
        return sums

    async def extend(
        self,
        unit: WriteUnit,
        head: Head | None,
        event_drafts: Sequence[AuditDraft],
        macs: Mapping[Key, bytes | None],
        sums: Sums,
    ) -> SealedEvent | None:
        """Append events to the chain and keep the MACs that rows have now."""
        events = self._seal(head, event_drafts, self.keys.sum_mac(sums.rows))
        if not events:
            return None
        last = events[-1]
        unit.head_columns = None
        event_log.append(unit, events)
        event_log.keep_head(unit, self.keys.seal_head(last, sums), macs)
        changed = {key for key in macs if key[0] in ACCESS}
        current = await self._guard.after_changes(unit, head, changed, sums.access)
        seen = SeenHead(last.event.seq, last.hash)
        unit.committed.append(partial(self._guard.wrote, seen, current))
        if (event_lines := self._context.event_lines) is not None:
            unit.committed.append(partial(event_lines.write, events))
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
            _, sums = await self._record_all(unit)
            acknowledged = await self.extend(unit, last, [draft], {}, sums)
        if acknowledged is not None:
            self.checkpoints.write(Checkpoint.of(acknowledged, is_acknowledgement=True))
            self._guard.acknowledged(SeenHead(acknowledged.event.seq, acknowledged.hash))
        await self._look()
        return acknowledged

    async def _ensure_trusted(self) -> None:
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

    async def _upgrade_records(self) -> None:
        former = FormerKeys.derive(self._context.vault.keys.audit_key)
        async with self._context.database.read() as view:
            head = await event_log.head(view)
        if head is None or not former.is_of(head):
            return
        async with self._context.database.write() as unit:
            await catalog.ensure_expected(unit)
            # Another process can have done it meanwhile.
            head = await event_log.head(unit)
            if head is not None and former.is_of(head):
                count, sums = await upgrade_records(unit, head, self.keys, former)
                begun = instance_draft(AuditAction.AUDIT_BEGUN, {"rows": count, "records": "MAC"})
                await self.extend(unit, head, [begun], {}, sums)

    async def _record_what_is_there(self) -> None:
        async with self._context.database.write() as unit:
            if await event_log.head(unit) is None:
                await catalog.ensure_expected(unit)
                count, sums = await self._record_all(unit)
                begun = instance_draft(AuditAction.AUDIT_BEGUN, {"rows": count})
                await self.extend(unit, None, [begun], {}, sums)

    async def _record_all(self, unit: WriteUnit) -> tuple[int, Sums]:
        """Record all rows as they are now; return their number and the sums over them."""
        await records.forget_all(unit)
        count, sums = 0, Sums()
        for table, covered in AUDITED.items():
            async for rows in all_rows(unit, covered):
                found = {row_id: mac for row_id, mac, _ in rows if mac is not None}
                await records.add(unit, table, found)
                count += len(found)
                for row_id, mac in found.items():
                    sums = self.keys.add_change(sums, (table, row_id), before=None, after=mac)
        return count, sums


async def all_rows(
    unit: ReadUnit, covered: Covered
) -> AsyncIterator[Sequence[tuple[str, bytes | None, bytes | None]]]:
    """Yield each row's id, present MAC and recorded MAC, in pages."""
    after: str | None = ""
    while after is not None:
        page = await records.read_page(unit, covered, after=after, size=PAGE)
        rows = await asyncio.to_thread(page.compared, unit.macs)
        yield rows
        after = rows[-1][0] if rows else None


def instance_draft(action: AuditAction, details: Mapping[str, object]) -> AuditDraft:
    """Return an event about the instance itself."""
    return AuditDraft(
        action=action, subject=AuditSubject.INSTANCE, subject_id=INSTANCE, details=details
    )
