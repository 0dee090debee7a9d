"""ChangeNotifier: whoever waits for news of a project hears when there may be some.

A bell tells nothing but that it is time to look: what has happened stands in the database, and is
read from there by each who listens, as they may see it. So a bell may ring too often, and nothing
is lost where many rings sound as one. One task looks whether the audit trail has grown, as long as
somebody listens: at once when this process has written, and every so often for the others.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Final

import structlog

from gateway.domain.audit import AuditSubject
from gateway.domain.errors import Unavailable
from gateway.services.context import ServiceContext
from gateway.storage import audit, change_feed

_log = structlog.get_logger(__name__)

# Seconds. So late is what another process has written heard of, and what it took from a caller.
POLL_SECONDS: Final = 0.25

# What these tell of may be what a listener was allowed until now.
_ACCESS: Final = frozenset({AuditSubject.TOKEN, AuditSubject.USER, AuditSubject.GRANT})
# What these tell of may be the end of what is listened to.
_NEEDS_ACCESS_CHECK: Final = _ACCESS | {AuditSubject.HOLDER}


@dataclass(slots=True, eq=False)
class ChangeSubscription:
    """One listener's bell. It stays rung until it is muffled, so no ring is missed."""

    # None listens only for what may change who may do what.
    project_id: str | None
    # Whether what is listened to may be gone, or out of sight; whoever has looked takes it back.
    needs_access_check: bool = True
    _notified: asyncio.Event = field(default_factory=asyncio.Event)

    def notify(self, *, needs_access_check: bool) -> None:
        """Tell that it is time to look."""
        self.needs_access_check |= needs_access_check
        self._notified.set()

    def reset(self) -> None:
        """Be ready for the next ring; to be done before looking."""
        self._notified.clear()

    async def wait(self) -> None:
        """Wait until it has rung."""
        await self._notified.wait()


class ChangeNotifier:
    """All bells of this process."""

    def __init__(self, context: ServiceContext) -> None:
        self._context = context
        self._subscriptions: set[ChangeSubscription] = set()
        self._wake_up = asyncio.Event()
        # The newest event that was rung for; none as long as nobody listens.
        self._seen: int | None = None
        self._access_changes = 0

    @property
    def subscriber_count(self) -> int:
        """How many listen."""
        return len(self._subscriptions)

    @property
    def access_changes(self) -> int:
        """How often by now it has been heard that somebody may have other access."""
        return self._access_changes

    def has_heard_of(self, seq: int) -> bool:
        """Tell whether what the trail says up to an event was heard of."""
        return self._seen is not None and self._seen >= seq

    @contextmanager
    def subscribe(self, project_id: str | None = None) -> Iterator[ChangeSubscription]:
        """Give a bell for a project's news, and for changes of access, for the block's length."""
        subscription = ChangeSubscription(project_id)
        self._subscriptions.add(subscription)
        self.wake()
        try:
            yield subscription
        finally:
            self._subscriptions.discard(subscription)

    def wake(self) -> None:
        """Say that this process has written, or that somebody new listens."""
        self._wake_up.set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Look for news for the length of the block."""
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
                # Who listens finds that out when it looks; the next time it may be back.
                _log.warning("change_feed_unavailable")
                self._seen = None

    async def _wait_for_wake_up(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(POLL_SECONDS if self._subscriptions else None):
                await self._wake_up.wait()
        self._wake_up.clear()

    async def _look(self) -> None:
        async with self._context.database.read() as unit:
            head, seen = await audit.head(unit), self._seen
            # An older database that was put back has no news: nobody is told of any.
            await unit.accept(head)
            newest = head.seq if head else 0
            if newest == seen:
                return
            # After a backup was put back, numbers begin again below.
            is_continued = seen is not None and newest > seen
            subjects = await change_feed.subjects_since(unit, seen or 0) if is_continued else ()
        is_for_all = not is_continued or any(subject in _ACCESS for subject, _ in subjects)
        self._access_changes += is_for_all
        self._seen = newest
        urgent = {project_id for subject, project_id in subjects if subject in _NEEDS_ACCESS_CHECK}
        projects = {project_id for _, project_id in subjects}
        for subscription in self._subscriptions:
            if is_for_all or subscription.project_id in projects:
                subscription.notify(
                    needs_access_check=is_for_all or subscription.project_id in urgent
                )
