"""Bells: whoever waits for news of a project hears when there may be some.

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
from gateway.services.foundation import Foundation
from gateway.storage import audit, news

_log = structlog.get_logger(__name__)

# Seconds. So late is what another process has written heard of, and what it took from a caller.
LOOKS_EVERY: Final = 0.25

# What these tell of may be what a listener was allowed until now.
_ACCESS: Final = frozenset({AuditSubject.TOKEN, AuditSubject.USER, AuditSubject.GRANT})
# What these tell of may be the end of what is listened to.
_GRAVE: Final = _ACCESS | {AuditSubject.HOLDER}


@dataclass(slots=True, eq=False)
class Bell:
    """One listener's bell. It stays rung until it is muffled, so no ring is missed."""

    # None listens only for what may change who may do what.
    project_id: str | None
    # Whether what is listened to may be gone, or out of sight; whoever has looked takes it back.
    is_grave: bool = True
    _rung: asyncio.Event = field(default_factory=asyncio.Event)

    def ring(self, *, is_grave: bool) -> None:
        """Tell that it is time to look."""
        self.is_grave |= is_grave
        self._rung.set()

    def muffle(self) -> None:
        """Be ready for the next ring; to be done before looking."""
        self._rung.clear()

    async def wait(self) -> None:
        """Wait until it has rung."""
        await self._rung.wait()


class Bells:
    """All bells of this process."""

    def __init__(self, foundation: Foundation) -> None:
        """Take what every use case stands on."""
        self._foundation = foundation
        self._bells: set[Bell] = set()
        self._nudged = asyncio.Event()
        # The newest event that was rung for; none as long as nobody listens.
        self._seen: int | None = None
        self._access_changes = 0

    @property
    def listeners(self) -> int:
        """How many listen."""
        return len(self._bells)

    @property
    def access_changes(self) -> int:
        """How often by now it has been heard that somebody may have other access."""
        return self._access_changes

    def has_heard_of(self, seq: int) -> bool:
        """Tell whether what the trail says up to an event was heard of."""
        return self._seen is not None and self._seen >= seq

    @contextmanager
    def listening(self, project_id: str | None = None) -> Iterator[Bell]:
        """Give a bell for a project's news, and for changes of access, for the block's length."""
        bell = Bell(project_id)
        self._bells.add(bell)
        self.nudge()
        try:
            yield bell
        finally:
            self._bells.discard(bell)

    def nudge(self) -> None:
        """Say that this process has written, or that somebody new listens."""
        self._nudged.set()

    @asynccontextmanager
    async def hung(self) -> AsyncIterator[None]:
        """Look for news for the length of the block."""
        self._foundation.database.after_commit = self.nudge
        task = asyncio.create_task(self._keep_looking())
        try:
            yield
        finally:
            self._foundation.database.after_commit = None
            task.cancel()
            # Not awaited itself: where an awaited task is cancelled, Python 3.11 resumes the frames
            # above without telling tracers, and coverage loses count of them.
            await asyncio.wait([task])
            if not task.cancelled():
                task.result()

    async def _keep_looking(self) -> None:
        while True:
            await self._until_it_is_time()
            if not self._bells:
                self._seen = None
                continue
            try:
                await self._look()
            except Unavailable:
                # Who listens finds that out when it looks; the next time it may be back.
                _log.warning("news_unavailable")
                self._seen = None

    async def _until_it_is_time(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(LOOKS_EVERY if self._bells else None):
                await self._nudged.wait()
        self._nudged.clear()

    async def _look(self) -> None:
        async with self._foundation.database.read() as unit:
            head, seen = await audit.head(unit), self._seen
            # An older database that was put back has no news: nobody is told of any.
            await unit.accept(head)
            newest = head.seq if head else 0
            if newest == seen:
                return
            # After a backup was put back, numbers begin again below.
            is_continued = seen is not None and newest > seen
            subjects = await news.subjects_since(unit, seen or 0) if is_continued else ()
        is_for_all = not is_continued or any(subject in _ACCESS for subject, _ in subjects)
        self._access_changes += is_for_all
        self._seen = newest
        grave = {project_id for subject, project_id in subjects if subject in _GRAVE}
        projects = {project_id for _, project_id in subjects}
        for bell in self._bells:
            if is_for_all or bell.project_id in projects:
                bell.ring(is_grave=is_for_all or bell.project_id in grave)
