"""Admission to connections: first come, first served, and a bounded queue.

A pool of connections serves whoever asks at the right moment, so that newcomers overtake those who
wait. A queue in front of it is fair, and refuses what would wait too long instead of keeping it.
"""

import asyncio
from typing import Final

import structlog

from gateway.domain.errors import Overloaded, Unavailable

_log = structlog.get_logger(__name__)

# Requests. With one that takes 60 ms, the last of them waits about 8 s: less than the deadline.
MAX_WAITING: Final = 128
# Seconds. A request's deadline is shorter; what has none must not wait for ever.
PATIENCE: Final = 30.0


class Admission:
    """A number of places, and the queue in front of them."""

    def __init__(self, places: int, *, max_waiting: int = MAX_WAITING) -> None:
        """Take how many places there are, and how many requests may wait for one."""
        # Serves in the order of arrival: who comes while others wait goes to the end of the queue.
        self._places = asyncio.Semaphore(places)
        self._max_waiting = max_waiting
        self._is_refusing = False
        self.waiting = 0

    async def enter(self, *, is_bounded: bool) -> None:
        """Take a place, waiting for it in turn; `leave` gives it back.

        Raises:
            Overloaded: if the queue is full, unless it is not bounded for this one.
            Unavailable: if no place is free in time.

        """
        if not self._places.locked():
            # Nobody waits, so this does not wait either.
            await self._places.acquire()
            self._is_refusing = False
            return
        if is_bounded and self.waiting >= self._max_waiting:
            self._note_refusal()
            raise Overloaded
        self.waiting += 1
        try:
            async with asyncio.timeout(PATIENCE):
                await self._places.acquire()
        except TimeoutError:
            _log.warning("no_connection_in_time", waiting=self.waiting)
            raise Unavailable from None
        finally:
            self.waiting -= 1

    def leave(self) -> None:
        """Give a place back; the first in the queue has it."""
        self._places.release()

    def _note_refusal(self) -> None:
        # One line for each spell of refusals, not one for each refusal.
        if not self._is_refusing:
            _log.warning("requests_refused", waiting=self.waiting)
        self._is_refusing = True
