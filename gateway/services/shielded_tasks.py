"""Finish changes even if the client disconnects."""

import asyncio
from collections.abc import Awaitable
from typing import Any, TypeVar

import structlog

from gateway.domain.errors import GatewayError

_log = structlog.get_logger(__name__)

Outcome = TypeVar("Outcome")


class ShieldedTasks:
    """Shields changes from the cancellation of the tasks that wait for them."""

    def __init__(self) -> None:
        self._changes: set[asyncio.Future[Any]] = set()

    async def finished(self, change: Awaitable[Outcome]) -> Outcome:
        """Wait for a change. Cancelling the wait does not cancel the change."""
        task = asyncio.ensure_future(change)
        self._changes.add(task)
        task.add_done_callback(self._forget)
        return await asyncio.shield(task)

    async def drain(self) -> None:
        await asyncio.gather(*self._changes, return_exceptions=True)

    def _forget(self, task: "asyncio.Future[Any]") -> None:
        self._changes.discard(task)
        fault = None if task.cancelled() else task.exception()
        if fault is not None and not isinstance(fault, GatewayError):
            # The waiting task, which would log it, can have been cancelled.
            _log.error("unexpected_error_in_change", kind=type(fault).__name__)
