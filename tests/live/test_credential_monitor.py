"""A vigil over a credential ends when its listener goes, whatever else happens in that moment."""

import asyncio

import pytest

from gateway.services.change_notifier import CredentialMonitor
from tests.patience import SILENCE, patiently
from tests.world import World, request_principal


async def _begun(world: World) -> "asyncio.Task[None]":
    runtime = world.runtime
    notifier = runtime.services.notifier
    caller = await request_principal(runtime, world.demo.token)
    monitor = CredentialMonitor(notifier, runtime.database, runtime.services.authentication.now)
    task = asyncio.create_task(monitor.wait_until_invalid(caller))
    # Its first step hangs up its bell, and waits.
    await asyncio.sleep(0)
    assert len(notifier._subscriptions) == 1  # noqa: SLF001 - nothing else shows it
    return task


async def test_a_monitor_that_is_called_off_as_its_subscription_is_notified_ends(
    world: World,
) -> None:
    task = await _begun(world)

    for subscription in world.runtime.services.notifier._subscriptions:  # noqa: SLF001 - in the very moment
        subscription.notify(needs_access_check=True)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        async with patiently():
            await task
    assert not world.runtime.services.notifier._subscriptions  # noqa: SLF001 - as above


async def test_a_monitor_over_a_good_credential_goes_on(world: World) -> None:
    """The control: without being called off it would."""
    task = await _begun(world)

    for subscription in world.runtime.services.notifier._subscriptions:  # noqa: SLF001 - as above
        subscription.notify(needs_access_check=True)

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(SILENCE):
            await asyncio.shield(task)
    task.cancel()
