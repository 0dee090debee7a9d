"""The gateway that random documents are run over."""

import pytest_asyncio

from tests.operations.conftest import shared_world as shared_world  # noqa: PLC0414 - for pytest
from tests.plans.scene import Scene
from tests.world import World


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scene(shared_world: World) -> Scene:
    """A gateway with one of everything, for all tests of a module."""
    return await Scene.of(shared_world)
