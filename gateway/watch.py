"""A server's periodic work: write checkpoints of the audit log, check the log and the rows."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import structlog

from gateway.domain.errors import Unavailable
from gateway.services.operator.audit import Audit
from gateway.settings import Settings

_log = structlog.get_logger(__name__)


@asynccontextmanager
async def keeping_watch(audit: Audit, settings: Settings) -> AsyncIterator[None]:
    """Run the periodic work for the length of the block."""
    tasks = [
        asyncio.create_task(_repeat(audit.checkpoint, settings.audit_checkpoint_seconds)),
        asyncio.create_task(_repeat(audit.scan_integrity, settings.integrity_scan_seconds)),
        asyncio.create_task(_repeat(audit.watch_log, settings.integrity_scan_seconds)),
    ]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _repeat(work: Callable[[], Coroutine[Any, Any, object]], seconds: float) -> None:
    while True:
        await asyncio.sleep(seconds)
        try:
            await work()
        except Unavailable:
            # The database does not answer at the moment; the next time it can.
            _log.warning("watch_failed", work=work.__name__)
