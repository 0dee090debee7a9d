"""Fixtures around who may do what."""

import pytest_asyncio

from gateway.domain.principals import Principal
from tests.access.territories import Territory, settle_territory
from tests.operations.conftest import shared_world as shared_world  # noqa: PLC0414 - for pytest
from tests.world import World


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def foreign(shared_world: World) -> Territory:
    """One of everything in another organization."""
    made = await shared_world.runtime.operator.organizations.create(name="Foreign")
    return await settle_territory(shared_world, Principal.operator(made.id), "foreign")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def outside(shared_world: World) -> Territory:
    """One of everything in another project of the demo's organization."""
    operator = Principal.operator(shared_world.demo.organization_id)
    return await settle_territory(shared_world, operator, "outside")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def inside(shared_world: World) -> Territory:
    """One of everything in a project of its own, for a caller whose grant lies in it."""
    operator = Principal.operator(shared_world.demo.organization_id)
    return await settle_territory(shared_world, operator, "inside")
