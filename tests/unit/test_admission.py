"""Connections are given out in the order in which they were asked for, and not without bound."""

import asyncio

import pytest

from gateway.domain.errors import Overloaded, Unavailable
from gateway.storage import admission
from gateway.storage.admission import Admission


async def _settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def _entering(
    queue: Admission, name: str, entered: list[str], *, is_bounded: bool = False
) -> "asyncio.Task[None]":
    async def enter() -> None:
        await queue.enter(is_bounded=is_bounded)
        entered.append(name)

    return asyncio.create_task(enter())


async def test_places_are_given_in_the_order_of_arrival() -> None:
    queue, entered = Admission(1), list[str]()
    await queue.enter(is_bounded=False)
    waiting = [_entering(queue, name, entered) for name in ("first", "second", "third")]
    await _settled()

    for _ in waiting:
        queue.leave()
        await _settled()

    assert entered == ["first", "second", "third"]


async def test_a_newcomer_does_not_overtake() -> None:
    """Not even one that asks in the moment between a place's end and the waiter's turn."""
    queue, entered = Admission(1), list[str]()
    await queue.enter(is_bounded=False)
    waiting = _entering(queue, "waiter", entered)
    await _settled()

    queue.leave()
    newcomer = _entering(queue, "newcomer", entered)
    await _settled()

    assert entered == ["waiter"]
    assert queue.waiting == 1
    queue.leave()
    await asyncio.gather(waiting, newcomer)


async def test_a_full_queue_refuses_at_once() -> None:
    queue, entered = Admission(1, max_waiting=1), list[str]()
    await queue.enter(is_bounded=True)
    waiting = _entering(queue, "waiter", entered, is_bounded=True)
    await _settled()

    with pytest.raises(Overloaded) as refused:
        await queue.enter(is_bounded=True)

    assert refused.value.retry_after == 5
    queue.leave()
    await waiting
    assert entered == ["waiter"]


async def test_the_gateways_own_work_is_not_refused() -> None:
    queue, entered = Admission(1, max_waiting=0), list[str]()
    await queue.enter(is_bounded=True)
    waiting = _entering(queue, "own", entered)
    await _settled()

    queue.leave()
    await waiting

    assert entered == ["own"]


async def test_what_takes_all_places_at_once_does_not_make_requests_be_refused() -> None:
    """Emptying the write-ahead log waits for each place, and is over in a moment."""
    queue = Admission(1, max_waiting=2)
    await queue.enter(is_bounded=False)
    taking = [
        asyncio.create_task(queue.enter(is_bounded=False, is_request=False)) for _ in range(8)
    ]
    await _settled()

    entered = list[str]()
    request = _entering(queue, "request", entered, is_bounded=True)
    for _ in range(9):
        await _settled()
        queue.leave(is_request=False)
    await asyncio.gather(request, *taking)

    assert entered == ["request"]


async def test_one_that_is_cancelled_while_it_waits_leaves_its_turn_to_others() -> None:
    queue, entered = Admission(1), list[str]()
    await queue.enter(is_bounded=False)
    gone, next_one = (_entering(queue, name, entered) for name in ("gone", "next"))
    await _settled()

    gone.cancel()
    await _settled()
    queue.leave()
    await next_one

    assert entered == ["next"]
    assert queue.waiting == 0


async def test_nobody_waits_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admission, "SLOT_TIMEOUT", 0)
    queue = Admission(1)
    await queue.enter(is_bounded=False)

    with pytest.raises(Unavailable):
        await queue.enter(is_bounded=False)

    assert queue.waiting == 0


@pytest.mark.parametrize(("seconds", "is_refused"), [(0.1, False), (3.0, True)])
async def test_a_queue_is_as_long_as_it_moves_quickly(seconds: float, *, is_refused: bool) -> None:
    """Two wait; places become free every so often."""
    now, entered = 0.0, list[str]()
    queue = Admission(1, clock=lambda: now)
    await queue.enter(is_bounded=True)
    waiting = [_entering(queue, str(number), entered) for number in range(52)]
    await _settled()
    for _ in range(50):
        now += seconds
        queue.leave()
        await _settled()
    assert queue.waiting == 2

    newcomer = _entering(queue, "newcomer", entered, is_bounded=True)
    await _settled()

    assert newcomer.done() == is_refused
    for _ in range(3):
        queue.leave()
        await _settled()
    ended = await asyncio.gather(*waiting, newcomer, return_exceptions=True)
    assert [type(item) for item in ended if item] == ([Overloaded] if is_refused else [])
