"""A peer's time is counted while the server serves: a busy server closes nobody's connection."""

import asyncio
import time

import pytest

from gateway.graphql.streaming import in_served_time

SECONDS = 0.2


def _occupy_the_loop() -> None:
    time.sleep(2 * SECONDS)


async def _said_after(occupied: int) -> str:
    """Return what a peer said long ago, which the loop reads only after it was occupied."""
    for _ in range(occupied):
        asyncio.get_running_loop().call_soon(_occupy_the_loop)
        await asyncio.sleep(0)
    await asyncio.sleep(0)
    return "said"


async def test_time_in_which_the_loop_is_busy_does_not_count() -> None:
    assert await in_served_time(SECONDS, _said_after(5)) == "said"


async def test_time_on_the_clock_would_count() -> None:
    """The control of the test above."""
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(SECONDS):
            await _said_after(5)


async def test_a_peer_that_says_nothing_has_its_time_and_no_more() -> None:
    with pytest.raises(TimeoutError):
        await in_served_time(SECONDS, asyncio.Event().wait())


async def test_a_fault_of_what_is_waited_for_is_raised() -> None:
    async def fail() -> None:
        raise LookupError

    with pytest.raises(LookupError):
        await in_served_time(SECONDS, fail())
