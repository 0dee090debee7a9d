"""Finish large deletions in steps. Any process can go on with what another one has begun."""

import asyncio
import time

import structlog

from gateway.domain.errors import ConcurrentChange, IntegrityFault
from gateway.domain.origins import originating_from
from gateway.services.context import ServiceContext
from gateway.services.deletions import ORIGIN_CODEC, delete_next
from gateway.storage import deletions

_log = structlog.get_logger(__name__)


class Deletions:
    def __init__(self, context: ServiceContext) -> None:
        self._context = context

    async def finish(self) -> None:
        """Delete all rows that deletions hide, in short transactions.

        Raises:
            Unavailable: if the database does not answer.

        """
        async with self._context.database.read() as unit:
            found = await deletions.find_unfinished(unit)
        for deletion_id in found:
            try:
                await self._finish(deletion_id)
            except (ConcurrentChange, IntegrityFault) as error:
                # A deletion that the gateway did not write deletes nothing. The others go on.
                _log.warning("deletion_not_finished", deletion_id=deletion_id, code=error.code)

    async def _finish(self, deletion_id: str) -> None:
        has_more = True
        while has_more:
            begun = time.monotonic()
            has_more = await self._step(deletion_id)
            # Leave other writers at least as much time.
            await asyncio.sleep(time.monotonic() - begun)

    async def _step(self, deletion_id: str) -> bool:
        database = self._context.database
        async with database.read() as unit:
            deletion = await deletions.find(unit, deletion_id)
        if deletion is None:
            return False
        with originating_from(ORIGIN_CODEC.to_answer(deletion.origin)):
            async with database.write() as write_unit:
                # Another process can have finished it meanwhile.
                if await deletions.find(write_unit, deletion_id) is None:
                    return False
                return await delete_next(self._context, write_unit, deletion)
