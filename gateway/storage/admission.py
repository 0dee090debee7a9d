"""Admission to connections: first come, first served, and a bounded queue.

A pool of connections serves whoever asks at the right moment, so that newcomers overtake those who
wait. A queue in front of it is fair, and refuses what would wait too long instead of keeping it.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Final

import structlog

from gateway.domain.errors import Overloaded, Unavailable

_log = structlog.get_logger(__name__)

# Requests that wait at the most, however quickly places become free.
MAX_WAITING: Final = 256
# Seconds. A request that would wait longer is refused. One that delivers values waits twice, for a
# view and for the writer, and its deadline is 10 s.
MAX_WAIT: Final = 4.0
# Seconds. An estimate to begin with.
_FIRST_INTERVAL: Final = 0.05
# The share of the newest interval in the average.
_WEIGHT: Final = 0.1
# Seconds. A request's deadline is shorter; what has none must not wait for ever.
PATIENCE: Final = 30.0


class Admission:
    """A number of places, and the queue in front of them."""

    def __init__(
        self,
        places: int,
        *,
        max_waiting: int = MAX_WAITING,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take how many places there are, and how many requests may wait for one.

        `clock` counts the seconds by which the time to wait is estimated.
        """
        # Serves in the order of arrival: who comes while others wait goes to the end of the queue.
        self._places = asyncio.Semaphore(places)
        self.places = places
        self._max_waiting = max_waiting
        self._clock = clock
        self._is_refusing = False
        # Seconds between two places that become free while others wait, on average.
        self._interval = _FIRST_INTERVAL
        self._last_left = clock()
        self.waiting = 0

    async def enter(self, *, is_bounded: bool, is_request: bool = True) -> None:
        """Take a place, waiting for it in turn; `leave` gives it back.

        Only requests count as waiting: the others take their places all at once.

        Raises:
            Overloaded: if the queue is too long, unless it is not bounded for this one.
            Unavailable: if no place is free in time.

        """
        if not self._places.locked():
            # Nobody waits, so this does not wait either.
            await self._places.acquire()
            self._is_refusing = False
            return
        if is_bounded:
            self.ensure_room()
        if not self.waiting:
            # The time in which nobody waited says nothing.
            self._last_left = self._clock()
        self.waiting += is_request
        try:
            async with asyncio.timeout(PATIENCE):
                await self._places.acquire()
        except TimeoutError:
            _log.warning("no_connection_in_time", waiting=self.waiting)
            raise Unavailable from None
        finally:
            self.waiting -= is_request

    def ensure_room(self) -> None:
        """Refuse a request that would wait too long, before anything is done for it.

        Raises:
            Overloaded: if the queue is too long.

        """
        if self._is_full():
            self._note_refusal()
            raise Overloaded

    def leave(self, *, is_request: bool = True) -> None:
        """Give a place back; the first in the queue has it.

        Only requests say how long requests take.
        """
        now = self._clock()
        if self.waiting and is_request:
            self._interval += _WEIGHT * (now - self._last_left - self._interval)
        self._last_left = now
        self._places.release()

    def _is_full(self) -> bool:
        estimated = self.waiting * self._interval
        return self.waiting >= self._max_waiting or estimated > MAX_WAIT

    def _note_refusal(self) -> None:
        # One line for each spell of refusals, not one for each refusal.
        if not self._is_refusing:
            _log.warning("requests_refused", waiting=self.waiting)
        self._is_refusing = True
