"""Wake subscribers when something changes, and end what outlives its credential.

A notification carries no data. Each subscriber reads the changes from the database, limited to what
its principal can see. So extra notifications are harmless, and several can merge into one. While
there are subscribers, one task checks whether the audit log has grown: at once after this process
writes, and at an interval for writes of other processes.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import structlog

from gateway.domain.audit import AuditSubject
from gateway.domain.errors import Unauthenticated, Unavailable
from gateway.services.context import ServiceContext
from gateway.services.execution import RequestPrincipal
from gateway.services.shared_work import SharedWork
from gateway.storage import change_feed
from gateway.storage.audit import event_log
from gateway.storage.database import Database

_log = structlog.get_logger(__name__)

# Seconds. The delay for changes and revocations that another process has written.
POLL_SECONDS: Final = 0.25

# Changes to these can alter what a subscriber is allowed to see.
_ACCESS: Final = frozenset(
    {AuditSubject.TOKEN, AuditSubject.USER, AuditSubject.GRANT, AuditSubject.CLAIM_RULE}
)
# Changes to these can delete or hide the subscribed holder.
_NEEDS_ACCESS_CHECK: Final = _ACCESS | {AuditSubject.HOLDER}


@dataclass(slots=True, eq=False)
class ChangeSubscription:
    """A subscription. A notification stays set until `reset`, so none is missed."""

    # None subscribes only to changes of access.
    project_id: str | None
    # Whether the holder may be deleted or no longer visible; the subscriber clears it by a check.
    needs_access_check: bool = True
    _notified: asyncio.Event = field(default_factory=asyncio.Event)

    def notify(self, *, needs_access_check: bool) -> None:
        self.needs_access_check |= needs_access_check
        self._notified.set()

    def reset(self) -> None:
        """Clear the notification. Call it before reading, so that none is missed."""
        self._notified.clear()

    async def wait(self) -> None:
        await self._notified.wait()


class ChangeNotifier:
    def __init__(self, context: ServiceContext) -> None:
        self._context = context
        self._subscriptions: set[ChangeSubscription] = set()
        self._wake_up = asyncio.Event()
        # The newest event that was notified; None while there are no subscribers.
        self._seen: int | None = None
        self._access_changes = 0
        # What subscribers have worked out since the newest event that was notified.
        self.shared = SharedWork()

    @property
    def access_changes(self) -> int:
        return self._access_changes

    def has_heard_of(self, seq: int) -> bool:
        """Return whether all events up to this one were notified."""
        return self._seen is not None and self._seen >= seq

    @contextmanager
    def subscribe(self, project_id: str | None = None) -> Iterator[ChangeSubscription]:
        """Subscribe to changes of a project and of access inside the block."""
        subscription = ChangeSubscription(project_id)
        self._subscriptions.add(subscription)
        self.wake()
        try:
            yield subscription
        finally:
            self._subscriptions.discard(subscription)

    def wake(self) -> None:
        """Check at once: this process has written, or there is a new subscriber."""
        self._wake_up.set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Poll for changes inside the block."""
        self._context.database.after_commit = self.wake
        task = asyncio.create_task(self._poll_forever())
        try:
            yield
        finally:
            self._context.database.after_commit = None
            task.cancel()
            # Not awaited itself: where an awaited task is cancelled, Python 3.11 resumes the frames
            # above without telling tracers, and coverage loses count of them.
            await asyncio.wait([task])
            if not task.cancelled():
                task.result()

    async def _poll_forever(self) -> None:
        while True:
            await self._wait_for_wake_up()
            if not self._subscriptions:
                self._seen = None
                continue
            try:
                await self._look()
            except Unavailable:
                # Subscribers see the failure when they read. The next poll tries again.
                _log.warning("change_feed_unavailable")
                self._seen = None

    async def _wait_for_wake_up(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(POLL_SECONDS if self._subscriptions else None):
                await self._wake_up.wait()
        self._wake_up.clear()

    async def _look(self) -> None:
        async with self._context.database.read() as unit:
            head, seen = await event_log.head(unit), self._seen
            # A restored older database is refused here, so it causes no notification.
            await unit.accept(head)
            newest = head.seq if head else 0
            if newest == seen:
                return
            # After a restore, numbers continue from a lower one.
            is_continued = seen is not None and newest > seen
            subjects = await change_feed.subjects_since(unit, seen or 0) if is_continued else ()
        is_for_all = not is_continued or any(subject in _ACCESS for subject, _ in subjects)
        self._access_changes += is_for_all
        self._seen = newest
        self.shared.forget()
        urgent = {project_id for subject, project_id in subjects if subject in _NEEDS_ACCESS_CHECK}
        projects = {project_id for _, project_id in subjects}
        for subscription in self._subscriptions:
            if is_for_all or subscription.project_id in projects:
                subscription.notify(
                    needs_access_check=is_for_all or subscription.project_id in urgent
                )


# Seconds. The delay for changes without a notification, such as a key that an issuer withdrew.
RECHECK_SECONDS: Final = 15.0
# A credential can be valid for a moment after its expiry, since clocks differ.
_AT_LEAST: Final = 0.5


class CredentialMonitor:
    """Waits for a principal's credential to become invalid."""

    def __init__(
        self, notifier: ChangeNotifier, database: Database, now: Callable[[], datetime]
    ) -> None:
        self._notifier = notifier
        self._database = database
        self._now = now

    async def wait_until_invalid(self, caller: RequestPrincipal) -> None:
        """Return when the credential is revoked, expired or invalid for another reason.

        It counts as valid while the database is unavailable, since nothing is delivered then.
        """
        with self._notifier.subscribe() as subscription:
            principal = caller.principal
            while True:
                # Not `wait_for`: in Python 3.11 it swallows a cancellation that meets a
                # notification.
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._seconds_to_wait(principal.expires_at)):
                        await subscription.wait()
                subscription.reset()
                try:
                    async with self._database.read() as unit:
                        principal = await caller.look_up(unit)
                except Unauthenticated:
                    return
                except Unavailable:
                    continue

    def _seconds_to_wait(self, expires_at: datetime | None) -> float:
        if expires_at is None:
            return RECHECK_SECONDS
        left = (expires_at - self._now()).total_seconds()
        return min(max(left, _AT_LEAST), RECHECK_SECONDS)
