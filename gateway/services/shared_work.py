"""Work that many listeners need alike, done once.

One change wakes every listener. Those that ask for the same would read the same events and compute
the same answer, one after the other.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, Final, TypeVar, cast

Result = TypeVar("Result")

_MAX_KEPT: Final = 1_000


class SharedWork:
    """The results since the newest known change; `forget` them when there is a newer one."""

    def __init__(self) -> None:
        # Each has its result, or None if the listener that works on it gives up.
        self._results: dict[Hashable, asyncio.Future[tuple[Any] | None]] = {}

    def forget(self) -> None:
        """Begin again; who waits for a result still gets it."""
        self._results = {}

    async def once(
        self,
        key: Hashable,
        work: Callable[[], Awaitable[Result]],
        *,
        is_shared: Callable[[Result], bool] = lambda _: True,
    ) -> Result:
        """Return the result of somebody's work under the key, or do the work for all.

        A failure, and a result that must not be shared, is of the caller alone: the next one who
        needs it does the work again.
        """
        while (known := self._results.get(key)) is not None:
            # Shielded: a listener that leaves must not end the wait of the others.
            found = known.result() if known.done() else await asyncio.shield(known)
            if found is not None:
                return cast("Result", found[0])
            await asyncio.sleep(0)
        return await self._work(key, work, is_shared)

    async def _work(
        self,
        key: Hashable,
        work: Callable[[], Awaitable[Result]],
        is_shared: Callable[[Result], bool],
    ) -> Result:
        results = self._results
        promised: asyncio.Future[tuple[Any] | None] = asyncio.get_running_loop().create_future()
        if len(results) < _MAX_KEPT:
            results[key] = promised
        outcome: tuple[Result] | None = None
        try:
            result = await work()
            outcome = (result,) if is_shared(result) else None
        finally:
            if outcome is None and results.get(key) is promised:
                del results[key]
            promised.set_result(outcome)
        return result
