"""A vigil over a credential ends when its listener goes, whatever else happens in that moment."""

import asyncio

import pytest

from gateway.domain.execution import Caller
from gateway.domain.principals import Principal
from gateway.services.vigil import Vigil
from tests.patience import SILENCE, patiently
from tests.world import World


async def _begun(world: World) -> "asyncio.Task[None]":
    bells, tokens = world.runtime.services.bells, world.runtime.services.tokens

    async def look_up() -> Principal:
        return await tokens.principal(world.demo.token)

    caller = Caller(await look_up(), look_up)
    task = asyncio.create_task(Vigil(bells, tokens.now).until_over(caller))
    # Its first step hangs up its bell, and waits.
    await asyncio.sleep(0)
    assert bells.listeners == 1
    return task


async def test_a_vigil_that_is_called_off_as_its_bell_rings_ends(world: World) -> None:
    task = await _begun(world)

    for bell in world.runtime.services.bells._bells:  # noqa: SLF001 - in the very moment
        bell.ring(is_grave=True)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        async with patiently():
            await task
    assert world.runtime.services.bells.listeners == 0


async def test_a_vigil_over_a_good_credential_goes_on(world: World) -> None:
    """The control: without being called off it would."""
    task = await _begun(world)

    for bell in world.runtime.services.bells._bells:  # noqa: SLF001 - as above
        bell.ring(is_grave=True)

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(SILENCE):
            await asyncio.shield(task)
    task.cancel()
