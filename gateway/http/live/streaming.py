"""What streams of all kinds share: how many a caller has, and when they end."""

import asyncio
from collections import Counter
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeVar

from gateway.domain.errors import ErrorCode, GatewayError
from gateway.services.credential_monitor import CredentialMonitor
from gateway.services.execution import RequestPrincipal, Subscriber

Awaited = TypeVar("Awaited")

# Of a time that is counted while the event loop serves peers.
_PARTS: Final = 20


class TooManyStreams(GatewayError):
    """The caller listens to as much as one may."""

    code = ErrorCode.LIMIT_EXCEEDED

    def __init__(self, most: int) -> None:
        super().__init__(f"At most {most} subscriptions at once; end one to begin another.")


class Streaming:
    """Subscriptions of this process, each with its end."""

    def __init__(
        self, streams: Subscriber, monitor: CredentialMonitor, *, most_per_caller: int
    ) -> None:
        """Take what runs them, what knows when a credential ends, and how many a caller may have.

        With a bound of 0 any number is allowed.
        """
        self.streams = streams
        self.monitor = monitor
        self._most = most_per_caller
        self._counts: Counter[str] = Counter()

    @contextmanager
    def counted(self, caller: RequestPrincipal) -> Iterator[None]:
        """Count one more for the length of the block.

        Raises:
            TooManyStreams: if the caller has as many as one may.

        """
        name = caller.principal.id
        if self._most and self._counts[name] >= self._most:
            raise TooManyStreams(self._most)
        self._counts[name] += 1
        try:
            yield
        finally:
            self._counts[name] -= 1
            self._counts += Counter()  # Whoever has none is forgotten.


async def in_served_time(seconds: float, work: Coroutine[Any, Any, Awaited]) -> Awaited:
    """Wait for what a peer does, in time during which the event loop serves peers.

    While the loop is busy, what a peer has sent is not read; that is not the peer's fault. So time
    is counted in parts, of which each ends only when the loop has had a turn.

    Raises:
        TimeoutError: if the peer has not done it.

    """
    task = asyncio.ensure_future(work)
    try:
        for _ in range(_PARTS):
            await asyncio.wait({task}, timeout=seconds / _PARTS)
            if task.done():
                return task.result()
        raise TimeoutError
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until_one_ends(*works: Coroutine[Any, Any, None]) -> None:
    """Do several things at once until one of them ends, then end the others.

    If it ends by an error, that is raised.
    """
    tasks = [asyncio.create_task(work) for work in works]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        next(task for task in tasks if task.done()).result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
