"""What is the same for everyone is made at its first use, and only then."""

import asyncio
from contextlib import suppress
from threading import Event

import pytest

from gateway.pages.assets import Deferred
from tests.patience import PATIENCE


class Making:
    """Counts how often it makes something; it ends when it is told to."""

    def __init__(self) -> None:
        self.count = 0
        self.can_end = Event()

    def __call__(self) -> str:
        self.count += 1
        assert self.can_end.wait(PATIENCE)
        return "made"


async def test_it_is_made_once_however_many_ask() -> None:
    making = Making()
    deferred = Deferred(making)
    before = making.count
    asking = [asyncio.ensure_future(deferred.get()) for _ in range(3)]
    making.can_end.set()

    assert await asyncio.gather(*asking) == ["made"] * 3
    assert await deferred.get() == "made"
    assert (before, making.count) == (0, 1)


async def test_who_leaves_while_it_is_made_stops_nobody_else() -> None:
    making = Making()
    deferred = Deferred(making)
    leaving = asyncio.ensure_future(deferred.get())
    staying = asyncio.ensure_future(deferred.get())
    await asyncio.sleep(0)
    leaving.cancel()
    with suppress(asyncio.CancelledError):
        await leaving
    making.can_end.set()

    assert leaving.cancelled()
    assert await staying == "made"
    assert making.count == 1


async def test_it_is_made_again_after_an_error() -> None:
    attempts = iter(["no number", "1"])
    deferred = Deferred(lambda: int(next(attempts)))

    with pytest.raises(ValueError, match="no number"):
        await deferred.get()

    assert await deferred.get() == 1
