"""Fixtures of the behaviour tests: further callers, and a gateway for many tests at once."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from gateway.domain.drafts import HolderReference
from gateway.domain.holders import new_id
from gateway.domain.permissions import Role
from gateway.domain.principals import Principal
from gateway.domain.scopes import Scope
from gateway.services.demo import Demo
from tests.faces import Face
from tests.operations.callers import Stranger, settle, spoken_by
from tests.world import World, open_world


@pytest.fixture
def key() -> str:
    """A key that nothing has yet."""
    return f"KEY_{new_id()[:8].upper()}"


@pytest.fixture
async def stranger(world: World) -> Stranger:
    """The administrator of another organization."""
    return await settle(world)


# For tests that do not disturb each other: of what is refused, or with a key or a job of their own.
# They need the module's event loop: `pytestmark = pytest.mark.asyncio(loop_scope="module")`.
@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_world(
    template: tuple[Path, Demo], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[World]:
    """A gateway in this process, for all tests of a module."""
    folder, demo = template
    copied = shutil.copytree(folder, tmp_path_factory.mktemp("shared") / "data")
    async with open_world(copied, demo) as opened:
        yield opened


@pytest.fixture(params=["graphql", "rest"])
def shared_face(request: pytest.FixtureRequest, shared_world: World) -> Face:
    """Each of the two faces of the shared gateway in turn."""
    return shared_world.graphql if request.param == "graphql" else shared_world.rest


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_stranger(shared_world: World) -> Stranger:
    """The administrator of another organization of the shared gateway."""
    return await settle(shared_world)


@pytest.fixture
def foreign_face(shared_face: Face, shared_stranger: Stranger) -> Face:
    """Each face of the shared gateway in turn, spoken to by the stranger."""
    return spoken_by(shared_stranger.client, shared_face)


@pytest_asyncio.fixture(loop_scope="module")
async def viewer_face(shared_face: Face, shared_world: World) -> Face:
    """Each face of the shared gateway in turn, spoken to by one who may only look."""
    return spoken_by(await shared_world.client_with(Role.VIEWER), shared_face)


@pytest_asyncio.fixture(loop_scope="module")
async def fresh_job(shared_world: World) -> str:
    """The id of a job in the demo's environment that has nothing of its own yet."""
    demo = shared_world.demo
    made = await shared_world.runtime.services.for_principal(
        Principal.operator(demo.organization_id)
    ).administration.create_holder(
        kind=Scope.JOB,
        name=f"job {new_id()}",
        parent=HolderReference(Scope.ENVIRONMENT, demo.environment_id),
    )
    return made.id
