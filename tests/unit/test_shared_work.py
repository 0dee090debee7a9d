"""Listeners share work, but neither failures nor the end of whoever works."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from gateway.services.shared_work import _MAX_KEPT, SharedWork
from tests.patience import patiently


class _Work:
    """Counts how often it is begun, and ends when it is let."""

    def __init__(self) -> None:
        self.begun = 0
        self.may_end = asyncio.Event()

    async def __call__(self) -> int:
        self.begun += 1
        number = self.begun
        await self.may_end.wait()
        return number


def _started(
    shared: SharedWork, work: Callable[[], Awaitable[int]], count: int
) -> list[asyncio.Task[int]]:
    return [asyncio.create_task(shared.once("key", work)) for _ in range(count)]


async def test_work_is_done_once_for_all_who_need_it() -> None:
    shared, work = SharedWork(), _Work()
    tasks = _started(shared, work, 3)
    await asyncio.sleep(0)
    work.may_end.set()

    async with patiently():
        results = await asyncio.gather(*tasks)

    assert results == [1, 1, 1]
    assert await shared.once("key", work) == 1
    assert await shared.once("another key", work) == 2


async def test_who_leaves_while_working_leaves_the_work_to_another() -> None:
    shared, work = SharedWork(), _Work()
    first, *others = _started(shared, work, 3)
    await asyncio.sleep(0)
    first.cancel()
    work.may_end.set()

    async with patiently():
        results = await asyncio.gather(*others)

    assert results == [2, 2]
    assert first.cancelled()


async def test_who_leaves_while_waiting_takes_nothing_along() -> None:
    shared, work = SharedWork(), _Work()
    first, leaving, staying = _started(shared, work, 3)
    await asyncio.sleep(0)
    leaving.cancel()
    work.may_end.set()

    async with patiently():
        results = [*await asyncio.gather(first, staying)]

    assert results == [1, 1]
    assert work.begun == 1


async def test_a_failure_is_of_who_met_it_alone() -> None:
    shared, tries = SharedWork(), iter([1, 2])

    async def work() -> int:
        number = next(tries)
        await asyncio.sleep(0)
        if number == 1:
            raise LookupError
        return number

    async with patiently():
        outcomes = await asyncio.gather(*_started(shared, work, 2), return_exceptions=True)

    assert repr(outcomes) == "[LookupError(), 2]"


async def test_what_must_not_be_shared_is_worked_out_by_each() -> None:
    shared, work = SharedWork(), _Work()
    work.may_end.set()

    results = [await shared.once("key", work, is_shared=lambda _: False) for _ in range(2)]

    assert results == [1, 2]


async def test_after_a_change_nothing_from_before_it_is_given() -> None:
    """Who waited already began before it, and hears of it."""
    shared, work = SharedWork(), _Work()
    before = _started(shared, work, 2)
    await asyncio.sleep(0)
    shared.forget()
    after = _started(shared, work, 2)
    await asyncio.sleep(0)
    work.may_end.set()

    async with patiently():
        assert await asyncio.gather(*before, *after) == [1, 1, 2, 2]


@pytest.mark.parametrize(("others", "begun"), [(_MAX_KEPT - 1, 1), (_MAX_KEPT, 2)])
async def test_only_so_many_results_are_kept(others: int, begun: int) -> None:
    shared, work = SharedWork(), _Work()
    work.may_end.set()
    other = _Work()
    other.may_end.set()
    for number in range(others):
        await shared.once(number, other)

    for _ in range(2):
        await shared.once("key", work)

    assert work.begun == begun
