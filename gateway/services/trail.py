"""Writing the audit trail: in the transaction of what it tells of, or that does not happen."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
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
from gateway.services.database_guard import DatabaseGuard
from gateway.services.foundation import Foundation
from gateway.services.touched import RowChange, drafts, row_changes
from gateway.services.trail_keys import State, Sums, TrailKeys
from gateway.storage import audit, catalog
from gateway.storage.access_states import ACCESS
from gateway.storage.proofs import Head, SeenHead
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
        self._guard = DatabaseGuard(keys, anchors)
        self._alarm: Alarm | None = None

    @property
    def alarm(self) -> Alarm | None:
        """Why the database is not trusted, if it is not."""
        return self._alarm or self._guard.alarm

    async def begin(self) -> None:
        """Look whether the database is the one that was anchored; from here on record changes.

        Raises:
            OSError: if the first anchor cannot be written.

        """
        database = self._foundation.database
        await self._look()
        if self.alarm is None:
            await self._record_what_is_there()
            await self.anchor()
        await self._begin_access_sum()
        # What the writing connection noted until now was recorded with the first event, if at all.
        await database.writer.dispose()
        await self._guard.start(database)
        database.guard = self._guard
        database.before_commit = self.seal

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
        head = await audit.head(unit)
        # An older database that was put back since the request began is found here.
        await unit.accept(head)
        changes = row_changes(notes, self.keys)
        self._guard.correct(head, changes)
        told = [*drafts(changes), *unit.told]
        if not told:
            await audit.forget_touched(unit)
            return
        await self._ensure_calm()
        sums = self._moved(self._sums(head), changes)
        states = {(it.noun, it.row_id): it.left for it in changes if it.has_effect}
        await self.extend(unit, head, told, states, sums)

    async def _ensure_catalog(self, unit: WriteUnit, data_version: int) -> None:
        try:
            await catalog.ensure_expected(unit, seen_at=data_version)
        except CatalogAlarm:
            self._alarm = Alarm.CATALOG_DIFFERS
            raise

    def _sums(self, head: Head | None) -> Sums:
        if head is None:
            return Sums()
        try:
            return self.keys.opened_sums(head)
        except TamperedBox:
            raise AuditAlarm from None

    def _moved(self, sums: Sums, changes: Iterable[RowChange]) -> Sums:
        for change in changes:
            sums = self.keys.moved_sums(
                sums,
                noun=change.noun,
                row_id=change.row_id,
                before=change.recorded,
                after=change.left,
            )
            if change.is_tampered:
                _log.error("integrity_alarm", table=change.noun, row_id=change.row_id)
        return sums

    async def extend(
        self,
        unit: WriteUnit,
        head: Head | None,
        told: Sequence[AuditDraft],
        states: Mapping[tuple[str, str], State],
        sums: Sums,
    ) -> Link | None:
        """Append events to the chain and keep the states that rows have now."""
        links = self._linked(head, told, self.keys.sum_mac(sums.rows))
        if not links:
            return None
        seqs = zip(links, told, strict=True)
        mentions = {link.event.seq: set(draft.secret_ids) for link, draft in seqs}
        last = links[-1]
        await audit.append(unit, links, mentions)
        await audit.keep_states(unit, states, self.keys.sealed_head(last, sums))
        changed = {key for key in states if key[0] in ACCESS}
        current = await self._guard.after_changes(unit, head, changed, sums.access)
        seen = SeenHead(last.event.seq, last.hash)
        unit.committed.append(partial(self._guard.wrote, seen, current))
        return last

    def _linked(
        self, head: Head | None, told: Iterable[AuditDraft], set_mac: bytes
    ) -> Sequence[Link]:
        origin, at = current_origin(), self._foundation.now()
        by_whom = {"operator": origin.operator.facts} if origin.operator else {}
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
                details=details_text({**draft.details, **by_whom}),
                set_mac=set_mac,
                prev_hash=prev_hash,
            )
            prev_hash = self.keys.link_hash(event)
            links.append(Link(event, prev_hash))
        return links

    def is_intact(self, link: Link) -> bool:
        """Tell whether an event is what was recorded."""
        return self._guard.is_intact(link)

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
            last = Head(newest.event.seq, newest.hash) if newest else None
            states, sums = await self.all_states(unit)
            await audit.forget_states(unit)
            await audit.forget_stray_mentions(unit)
            acknowledged = await self.extend(unit, last, [draft], states, sums)
        if acknowledged is not None:
            self.anchors.write(Anchor.of(acknowledged, is_acknowledgement=True))
            self._guard.acknowledged(SeenHead(acknowledged.event.seq, acknowledged.hash))
        await self._look()
        return acknowledged

    async def _ensure_calm(self) -> None:
        if self.alarm is not None:
            # The operator may have acknowledged it in a process of their own.
            await self._look()
        if self.alarm is not None:
            raise AuditAlarm

    async def _look(self) -> Link | None:
        database = self._foundation.database
        found, newest = await look(database, self.keys, self.anchors)
        if found and found != self._alarm:
            _log.error("audit_alarm", alarm=found)
        self._alarm = found
        if database.guard is not None:
            await self._guard.check(database)
        return newest

    async def _record_what_is_there(self) -> None:
        async with self._foundation.database.write() as unit:
            if await audit.head(unit) is None:
                await catalog.ensure_expected(unit)
                states, sums = await self.all_states(unit)
                begun = instance_draft(AuditAction.AUDIT_BEGUN, {"rows": len(states)})
                await self.extend(unit, None, [begun], states, sums)

    async def _begin_access_sum(self) -> None:
        """Make the sum over access rows for a head from before there was one.

        The sum over all rows proves what is recorded: if it does not, there is none, and no access
        row is used until the operator has acknowledged the database.
        """
        database = self._foundation.database
        async with database.read() as unit:
            head = await audit.head(unit)
        if head is None or head.access_box is not None:
            return
        async with database.write() as unit:
            head = await audit.head(unit)
            if head is None or head.access_box is not None:
                return
            sums = await self._recorded_sums(unit)
            with suppress(TamperedBox):
                if self.keys.opened_sum(head.set_box, head.seq) == sums.rows:
                    box = self.keys.sealed_access_sum(sums.access, head.seq, head.hash)
                    await audit.keep_access_sum(unit, box)

    async def _recorded_sums(self, unit: ReadUnit) -> Sums:
        sums = Sums()
        async for noun, rows in _all_rows(unit):
            for row_id, _, recorded in rows:
                sums = self.keys.moved_sums(
                    sums, noun=noun, row_id=row_id, before=None, after=recorded
                )
        return sums

    async def all_states(self, unit: ReadUnit) -> tuple[Mapping[tuple[str, str], State], Sums]:
        """Return the states of all watched rows as they are now, and the sums over them."""
        found: dict[tuple[str, str], State] = {}
        sums = Sums()
        async for noun, rows in _all_rows(unit):
            for row_id, text, _ in rows:
                state = self.keys.state(noun, row_id, text)
                sums = self.keys.moved_sums(
                    sums, noun=noun, row_id=row_id, before=None, after=state
                )
                found[noun, row_id] = state
        return found, sums


async def _all_rows(
    unit: ReadUnit,
) -> AsyncIterator[tuple[str, Sequence[tuple[str, str | None, bytes | None]]]]:
    """Give every watched row's id, state now and state recorded, in pages of one table."""
    for noun in WATCHED:
        after: str | None = ""
        while after is not None:
            rows = await audit.states(unit, noun, after=after, size=PAGE)
            yield noun, rows
            after = rows[-1][0] if rows else None


def instance_draft(action: AuditAction, details: Mapping[str, object]) -> AuditDraft:
    """Return an event about the instance itself."""
    return AuditDraft(
        action=action, subject=AuditSubject.INSTANCE, subject_id=INSTANCE, details=details
    )
