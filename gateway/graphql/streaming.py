"""What all streams share: the limit per principal, and their end."""

import asyncio
from collections import Counter
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeVar

from gateway.domain.errors import ErrorCode, GatewayError
from gateway.services.credential_monitor import CredentialMonitor
from gateway.services.execution import RequestPrincipal, Subscriber

Awaited = TypeVar("Awaited")

# How many parts a timeout is counted in, while the event loop serves peers.
_PARTS: Final = 20


class TooManyStreams(GatewayError):
    code = ErrorCode.LIMIT_EXCEEDED

    def __init__(self, most: int) -> None:
        super().__init__(f"At most {most} subscriptions can run at once. End one to start another.")


class Streaming:
    def __init__(
        self, streams: Subscriber, monitor: CredentialMonitor, *, most_per_caller: int
    ) -> None:
        """Set the subscriber, the credential monitor, and the limit per principal.

        A limit of 0 allows any number.
        """
        self.streams = streams
        self.monitor = monitor
        self._most = most_per_caller
        self._counts: Counter[str] = Counter()

    @contextmanager
    def counted(self, caller: RequestPrincipal) -> Iterator[None]:
        """Count one more subscription while the block runs.

        Raises:
            TooManyStreams: if the principal has reached the limit.

        """
        name = caller.principal.id
        if self._most and self._counts[name] >= self._most:
            raise TooManyStreams(self._most)
        self._counts[name] += 1
        try:
            yield
        finally:
            self._counts[name] -= 1
            self._counts += Counter()  # Forget a principal without subscriptions.


async def in_served_time(seconds: float, work: Coroutine[Any, Any, Awaited]) -> Awaited:
    """Wait for an action of the peer, and count only the time in which the event loop serves peers.

    While the loop is busy, it does not read what the peer has sent; that is not the peer's fault.
    So the time is counted in parts, and each part ends only after the loop has had a turn.

    Raises:
        TimeoutError: if the peer does not act in time.

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
    """Run several tasks until the first one ends, then cancel the others.

    If the first one fails, its error is raised.
    """
    tasks = [asyncio.create_task(work) for work in works]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        next(task for task in tasks if task.done()).result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
