"""Writing the audit trail: in the transaction of what it tells of, or that does not happen."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import structlog

from gateway.crypto.envelope import TamperedBox
from gateway.domain.audit import (
    FIRST_HASH,
    AuditAction,
    AuditAlarm,
    AuditDraft,
    AuditEvent,
    AuditSubject,
    CatalogAlarm,
    Link,
    details_text,
)
from gateway.domain.origins import current_origin
from gateway.services.alarms import Alarm, look
from gateway.services.anchors import Anchor, Anchors
from gateway.services.foundation import Foundation
from gateway.services.touched import RowChange, drafts, row_changes
from gateway.services.trail_keys import State, TrailKeys
from gateway.storage import audit, catalog
from gateway.storage.row_macs import alarm
from gateway.storage.unit_of_work import ReadUnit, WriteUnit
from gateway.storage.watching import WATCHED

_log = structlog.get_logger(__name__)

PAGE: Final = 1_000
INSTANCE: Final = "instance"


class Trail:
    """The chain of one instance, and whether it may be written on."""

    def __init__(self, foundation: Foundation, keys: TrailKeys, anchors: Anchors) -> None:
        """Take what it stands on; `begin` looks whether all is well."""
        self._foundation = foundation
        self.keys = keys
        self.anchors = anchors
        self.alarm: Alarm | None = None

    async def begin(self) -> None:
        """Look whether the database is the one that was anchored; from here on record changes.

        Raises:
            OSError: if the first anchor cannot be written.

        """
        await self._look()
        if self.alarm is None:
            await self._record_what_is_there()
            await self.anchor()
        # What the writing connection noted until now was recorded with the first event, if at all.
        await self._foundation.database.writer.dispose()
        self._foundation.database.before_commit = self.seal

    async def seal(self, unit: WriteUnit) -> None:
        """Write what a transaction touched and was told, before it commits.

        Raises:
            AuditAlarm: while the database is not trusted.
            AuditUnavailable: if it cannot be written.
            CatalogAlarm: while the database has objects of somebody else.
            IntegrityFault: if something else was written than was meant.

        """
        notes, data_version = await audit.touched(unit)
        await self._ensure_catalog(unit, data_version)
        if difference := unit.intended.difference(notes):
            raise alarm(*difference)
        if not notes and not unit.told:
            return
        changes = row_changes(notes, self.keys)
        told = [*drafts(changes), *unit.told]
        if not told:
            await audit.forget_touched(unit)
            return
        await self._ensure_calm()
        head = await audit.head(unit)
        total = self._moved(self._total(head), changes)
        states = {(it.noun, it.row_id): it.left for it in changes if it.has_effect}
        await self.extend(unit, head, told, states, total)

    async def _ensure_catalog(self, unit: WriteUnit, data_version: int) -> None:
        try:
            await catalog.ensure_expected(unit, seen_at=data_version)
        except CatalogAlarm:
            self.alarm = Alarm.CATALOG_DIFFERS
            raise

    def _total(self, head: audit.Head | None) -> int:
        try:
            return self.keys.opened_sum(head.set_box, head.seq) if head else 0
        except TamperedBox:
            raise AuditAlarm from None

    def _moved(self, total: int, changes: Iterable[RowChange]) -> int:
        for change in changes:
            total = self.keys.moved(
                total,
                noun=change.noun,
                row_id=change.row_id,
                before=change.recorded,
                after=change.left,
            )
            if change.is_tampered:
                _log.error("integrity_alarm", table=change.noun, row_id=change.row_id)
        return total

    async def extend(
        self,
        unit: WriteUnit,
        head: audit.Head | None,
        told: Sequence[AuditDraft],
        states: Mapping[tuple[str, str], State],
        total: int,
    ) -> Link | None:
        """Append events to the chain and keep the states that rows have now."""
        links = self._linked(head, told, self.keys.sum_mac(total))
        if not links:
            return None
        seqs = zip(links, told, strict=True)
        mentions = {link.event.seq: set(draft.secret_ids) for link, draft in seqs}
        last = links[-1]
        await audit.append(unit, links, mentions)
        box = self.keys.sealed_sum(total, last.event.seq)
        await audit.keep_states(unit, states, audit.Head(last.event.seq, last.hash, box))
        return last

    def _linked(
        self, head: audit.Head | None, told: Iterable[AuditDraft], set_mac: bytes
    ) -> Sequence[Link]:
        origin, at = current_origin(), self._foundation.now()
        seq, prev_hash = (head.seq, head.hash) if head else (0, FIRST_HASH)
        links: list[Link] = []
        for draft in told:
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
                details=details_text(draft.details),
                set_mac=set_mac,
                prev_hash=prev_hash,
            )
            prev_hash = self.keys.link_hash(event)
            links.append(Link(event, prev_hash))
        return links

    async def anchor(self) -> bool:
        """Look again, and anchor the head if it is trusted and has moved; tell whether it was.

        Raises:
            OSError: if it cannot be written.
            Unavailable: if the database does not answer.

        """
        # The event that is anchored is of the view that was looked at, and of no later one.
        newest = await self._look()
        if self.alarm is not None:
            return False
        latest = self.anchors.latest()
        if newest is None or (latest and latest.seq >= newest.event.seq):
            return False
        self.anchors.write(Anchor.of(newest))
        return True

    async def begin_anew(self, draft: AuditDraft) -> Link | None:
        """Take all rows as they are, go on from the chain's last link, and end the alarm.

        Raises:
            AuditUnavailable: if it cannot be written.
            OSError: if it cannot be anchored.

        """
        async with self._foundation.database.write() as unit:
            newest = await audit.newest(unit)
            last = audit.Head(newest.event.seq, newest.hash, b"") if newest else None
            states, total = await self.all_states(unit)
            await audit.forget_states(unit)
            await audit.forget_stray_mentions(unit)
            acknowledged = await self.extend(unit, last, [draft], states, total)
        if acknowledged is not None:
            self.anchors.write(Anchor.of(acknowledged, is_acknowledgement=True))
        await self._look()
        return acknowledged

    async def _ensure_calm(self) -> None:
        if self.alarm is not None:
            # The operator may have acknowledged it in a process of their own.
            await self._look()
        if self.alarm is not None:
            raise AuditAlarm

    async def _look(self) -> Link | None:
        found, newest = await look(self._foundation.database, self.keys, self.anchors)
        if found and found != self.alarm:
            _log.error("audit_alarm", alarm=found)
        self.alarm = found
        return newest

    async def _record_what_is_there(self) -> None:
        async with self._foundation.database.write() as unit:
            if await audit.head(unit) is None:
                await catalog.ensure_expected(unit)
                states, total = await self.all_states(unit)
                begun = instance_draft(AuditAction.AUDIT_BEGUN, {"rows": len(states)})
                await self.extend(unit, None, [begun], states, total)

    async def all_states(self, unit: ReadUnit) -> tuple[Mapping[tuple[str, str], State], int]:
        """Return the states of all watched rows as they are now, and the sum over them."""
        found: dict[tuple[str, str], State] = {}
        total = 0
        for noun in WATCHED:
            after: str | None = ""
            while after is not None:
                rows = await audit.states(unit, noun, after=after, size=PAGE)
                for row_id, text, _ in rows:
                    state = self.keys.state(noun, row_id, text)
                    total = self.keys.moved(
                        total, noun=noun, row_id=row_id, before=None, after=state
                    )
                    found[noun, row_id] = state
                after = rows[-1][0] if rows else None
        return found, total


def instance_draft(action: AuditAction, details: Mapping[str, object]) -> AuditDraft:
    """Return an event about the instance itself."""
    return AuditDraft(
        action=action, subject=AuditSubject.INSTANCE, subject_id=INSTANCE, details=details
    )
