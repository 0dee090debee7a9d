"""Remove former states of secrets that are older than the retention period, in short steps."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog

from gateway.services.context import ServiceContext
from gateway.storage import version_removal
from gateway.storage.dialects.free_pages import give_back_space

_log = structlog.get_logger(__name__)

# What one step reads, and one transaction deletes, at most.
_STEP: Final = 200
_PAUSE_SECONDS: Final = 0.05


class Versions:
    def __init__(self, context: ServiceContext) -> None:
        self._context = context
        # All that ended before this is removed or kept.
        self._done: datetime | None = None

    async def apply_retention(self, *, days: int, kept: int) -> int:
        """Remove what ended on days that are longer ago than this, in UTC; return how much.

        The last `kept` former states of a living secret stay, whatever their age.

        Raises:
            Unavailable: if the database does not answer.

        """
        now = self._context.now().astimezone(UTC)
        today = now.replace(hour=0, minute=0, second=0, microsecond=0)
        before = today - timedelta(days=days)
        # What is kept is read each time, so once a day is enough.
        if self._done is not None and before <= self._done:
            return 0
        removed = await self._remove(before, kept)
        self._done = before
        if removed:
            self._context.database.wal.empty_soon()
            await give_back_space(self._context.database)
            _log.info("versions_removed", count=removed)
        return removed

    async def _remove(self, before: datetime, kept: int) -> int:
        database, removed = self._context.database, 0
        after: tuple[datetime, str] | None = None
        while True:
            async with database.read() as view:
                aged = await version_removal.page_of_aged(
                    view, before=before, kept=kept, after=after, size=_STEP
                )
            if aged.end is None:
                return removed
            after = aged.end
            if aged.removable:
                async with database.write() as unit:
                    version_removal.remove(unit, aged.removable)
                removed += len(aged.removable)
                await asyncio.sleep(_PAUSE_SECONDS)
