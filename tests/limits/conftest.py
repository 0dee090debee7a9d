"""A gateway for all tests of the limits: none of them changes anything."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from gateway.services.demo import Demo
from tests.world import World, open_world


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def limited_world(
    template: tuple[Path, Demo], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[World]:
    """A gateway in this process."""
    folder, demo = template
    copied = shutil.copytree(folder, tmp_path_factory.mktemp("limits") / "data")
    async with open_world(copied, demo) as opened:
        yield opened
