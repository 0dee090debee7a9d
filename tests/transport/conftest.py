"""Gateways with settings of a test's own, in this process."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from gateway.services.demo import Demo
from tests.transport.clocks import HandClock
from tests.world import World, open_world

OpenWorld = Callable[..., Awaitable[World]]


@pytest.fixture
def clock() -> HandClock:
    """The clock by which callers are limited."""
    return HandClock()


@pytest.fixture
async def opened(
    template: tuple[Path, Demo], data_dir: Path, clock: HandClock
) -> AsyncIterator[OpenWorld]:
    """Open a gateway with the settings that are given."""
    async with AsyncExitStack() as stack:

        async def open_it(**chosen: Any) -> World:
            world = open_world(data_dir, template[1], clock=clock, **chosen)
            return await stack.enter_async_context(world)

        yield open_it
