"""Subscriptions: their streams, and the limits of sockets."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final, Protocol, TypeVar

from gateway.domain.errors import ErrorCode, GatewayError
from gateway.graphql.trusted_documents import TrustedDocuments
from gateway.http.access_log import AccessLog
from gateway.services.change_notifier import CredentialMonitor
from gateway.services.execution import ExecutorFactory, RequestPrincipal, Subscriber

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
        # Sockets that have signed in.
        self.sockets = 0

    @property
    def subscriptions(self) -> int:
        return self._counts.total()

    @contextmanager
    def counted_socket(self) -> Iterator[None]:
        """Count one more signed-in socket while the block runs."""
        self.sockets += 1
        try:
            yield
        finally:
            self.sockets -= 1

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


class CloseCode(IntEnum):
    INTERNAL = 1011
    TRY_AGAIN_LATER = 1013
    BAD_REQUEST = 4400
    UNAUTHORIZED = 4401
    FORBIDDEN = 4403
    SUBPROTOCOL_NOT_ACCEPTABLE = 4406
    INIT_TIMEOUT = 4408
    DUPLICATE_ID = 4409
    TOO_MANY_INITS = 4429


class Closed(Exception):
    def __init__(self, code: CloseCode, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class Gone(ConnectionError):
    """The client has closed the socket."""


class Channel(Protocol):
    async def receive(self) -> bytes:
        """Return the next message's text.

        Raises:
            Gone: if the client has closed the socket.
            Closed: if the message is not text.

        """

    async def send(self, text: bytes) -> None:
        """Send a message.

        Raises:
            Gone: if the client has closed the socket.

        """


@dataclass(frozen=True, slots=True, kw_only=True)
class SocketTimes:
    """Timeouts in seconds: for authentication, and for an operation with a single result."""

    init: float
    operation: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SocketParts:
    open_run: ExecutorFactory
    streaming: Streaming
    documents: TrustedDocuments
    # Takes an Authorization header's text.
    sign_in: Callable[[str, str | None], Awaitable[RequestPrincipal]]
    times: SocketTimes
    access_log: AccessLog
