"""Admission to connections: first come, first served, and a bounded queue.

A pool of connections gives a free connection to the next request that asks, so newcomers overtake
those that wait. A queue in front of the pool is fair. It refuses what would wait too long.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Final

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from gateway.domain.errors import Overloaded, Unavailable
from gateway.storage.engine import connect_shielded, run_to_completion

_log = structlog.get_logger(__name__)

# The most requests that wait, however quickly connections become free.
MAX_WAITING: Final = 256
# Seconds. A request that would wait longer is refused. A request that delivers values waits twice,
# for a view and for the writer, and its deadline is 10 s.
MAX_WAIT: Final = 4.0
# Seconds. The first estimate.
_FIRST_INTERVAL: Final = 0.05
# The share of the newest interval in the average.
_WEIGHT: Final = 0.1
# Seconds. A request's deadline is shorter; work without a deadline must not wait for ever.
SLOT_TIMEOUT: Final = 30.0


class Admission:
    """A number of slots, and the queue in front of them."""

    def __init__(
        self,
        slots: int,
        *,
        max_waiting: int = MAX_WAITING,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take the number of slots, and how many requests can wait for one.

        `clock` returns the seconds from which waiting times are estimated.
        """
        # Serves in the order of arrival: a newcomer joins the end of the queue.
        self._slots = asyncio.Semaphore(slots)
        self.slots = slots
        self._max_waiting = max_waiting
        self._clock = clock
        self._is_refusing = False
        # Average seconds between two slots that become free while requests wait.
        self._interval = _FIRST_INTERVAL
        self._last_left = clock()
        self.waiting = 0
        self.taken = 0
        # Receives for how many seconds each request has waited that did not get a slot at once.
        self.on_wait: Callable[[float], None] | None = None

    async def enter(self, *, is_bounded: bool, is_request: bool = True) -> None:
        """Take a slot, waiting in turn; `leave` gives it back.

        Only requests count as waiting. Other work takes all slots at once.

        Raises:
            Overloaded: if the queue is too long and `is_bounded` is set.
            Unavailable: if no slot becomes free in time.

        """
        if not self._slots.locked():
            # With an empty queue this does not wait either.
            await self._slots.acquire()
            self.taken += 1
            self._is_refusing = False
            return
        if is_bounded:
            self.ensure_room()
        if not self.waiting:
            # The time without a queue gives no information.
            self._last_left = self._clock()
        begun, self.waiting = self._clock(), self.waiting + is_request
        try:
            async with asyncio.timeout(SLOT_TIMEOUT):
                await self._slots.acquire()
        except TimeoutError:
            _log.warning("no_connection_in_time", waiting=self.waiting)
            raise Unavailable from None
        finally:
            self.waiting -= is_request
            if self.on_wait is not None and is_request:
                self.on_wait(self._clock() - begun)
        self.taken += 1

    def ensure_room(self) -> None:
        """Refuse a request that would wait too long, before any work is done for it.

        Raises:
            Overloaded: if the queue is too long.

        """
        if self._is_full():
            self._note_refusal()
            raise Overloaded

    def leave(self, *, is_request: bool = True) -> None:
        """Give a slot back; the first request in the queue gets it.

        Only requests count for the estimate of how long a request takes.
        """
        now = self._clock()
        if self.waiting and is_request:
            self._interval += _WEIGHT * (now - self._last_left - self._interval)
        self._last_left = now
        self.taken -= 1
        self._slots.release()

    def _is_full(self) -> bool:
        estimated = self.waiting * self._interval
        return self.waiting >= self._max_waiting or estimated > MAX_WAIT

    def _note_refusal(self) -> None:
        # One line for each period of refusals, not one for each refusal.
        if not self._is_refusing:
            _log.warning("requests_refused", waiting=self.waiting)
        self._is_refusing = True


class Views:
    """Connections of a pool, each for one view of the database."""

    def __init__(
        self, engine: AsyncEngine, admission: Admission, *, is_bounded: bool = False
    ) -> None:
        """Take the pool's engine and the queue in front of it.

        If the views are bounded, they are refused when too many requests wait.
        """
        self._engine = engine
        self._admission = admission
        self._is_bounded = is_bounded

    async def open(self) -> AsyncConnection:
        await self._admission.enter(is_bounded=self._is_bounded)
        try:
            return await connect_shielded(self._engine)
        except BaseException:
            self._admission.leave()
            raise

    async def close(self, connection: AsyncConnection) -> None:
        try:
            await run_to_completion(connection.close())
        finally:
            self._admission.leave()
