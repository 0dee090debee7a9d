"""A vigil over a credential ends when its listener goes, whatever else happens in that moment."""

import asyncio

import pytest

from gateway.services.vigil import Vigil
from tests.patience import SILENCE, patiently
from tests.world import World, token_caller


async def _begun(world: World) -> "asyncio.Task[None]":
    runtime = world.runtime
    bells = runtime.services.bells
    caller = await token_caller(runtime, world.demo.token)
    vigil = Vigil(bells, runtime.database, runtime.services.tokens.now)
    task = asyncio.create_task(vigil.until_over(caller))
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
