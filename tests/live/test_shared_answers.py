"""Listeners that ask for the same share the work of a change, and nobody else's answer."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from contextlib import aclosing
from typing import Any

import pytest

from gateway.app import gateway_schema
from gateway.domain.drafts import HolderReference
from gateway.domain.permissions import Role
from gateway.domain.principals import Principal
from gateway.domain.scopes import Scope
from gateway.graphql.executor import Executor
from gateway.graphql.plans import PlannedExecutor
from gateway.services.execution import RequestPrincipal
from gateway.services.shared_work import SharedWork
from gateway.storage.unit_of_work import ReadUnit
from schema.context import Context
from tests.patience import patiently
from tests.world import World, request_principal

HEARD = """subscription ($job: ID!, $after: String) {
  secretChanged(holder: {jobId: $job}, includeInherited: true, after: $after) {
    cursor kind key secret { version aliasedSecret { key } holder { name } }
  }
}"""
EFFECTIVE = """subscription ($job: ID!, $after: String) {
  effectiveSecretsChanged(serviceId: $job, after: $after) {
    cursor keys effectiveSecrets { key secret { version aliasedSecret { key } } }
  }
}"""
LISTENERS = 20
# Results are forgotten when a change is notified, which can fall in between.
MOST_EXECUTED = 3


async def _heard(
    world: World, document: str, after: str, principals: Sequence[Principal]
) -> list[Any]:
    """Return the first answers that listeners get who begin together after a change."""
    runtime = world.runtime
    executor = Executor(gateway_schema(), Context, runtime.services, runtime.database)
    variables = {"job": world.demo.job_id, "after": after}

    async def first_answer(principal: Principal) -> Any:
        async def look_up(_: ReadUnit) -> Principal:
            return principal

        caller = RequestPrincipal(principal, look_up)
        async with aclosing(executor.stream(caller, document, variables)) as answers:
            return (await anext(answers)).data

    async with patiently():
        return await asyncio.gather(*map(first_answer, principals))


async def _cursor(world: World) -> str:
    return str((await world.graphql.ask("{ changeCursor }", {}))["changeCursor"])


async def _principal(world: World, role: Role, on: HolderReference | None) -> Principal:
    client = await world.client_with(role, on=on)
    token = client.headers["Authorization"].removeprefix("Bearer ")
    return (await request_principal(world.runtime, token)).principal


async def _do_alone(
    self: SharedWork, key: Hashable, work: Callable[[], Awaitable[Any]], **_: object
) -> Any:
    del self, key
    return await work()


@pytest.mark.parametrize("document", [HEARD, EFFECTIVE], ids=["changes", "effective"])
@pytest.mark.parametrize("is_shared", [True, False], ids=["shared", "control: each alone"])
async def test_a_change_is_worked_out_once_for_many_listeners(
    world: World, monkeypatch: pytest.MonkeyPatch, document: str, *, is_shared: bool
) -> None:
    executed: list[object] = []
    go = PlannedExecutor._execute_alone  # noqa: SLF001 - what is shared

    async def counted(self: PlannedExecutor) -> Any:
        executed.append(self)
        return await go(self)

    monkeypatch.setattr(PlannedExecutor, "_execute_alone", counted)
    if not is_shared:
        monkeypatch.setattr(SharedWork, "once", _do_alone)
    principal = await _principal(world, Role.VIEWER, None)
    after = await _cursor(world)
    await world.rest.create(Scope.JOB, world.demo.job_id, key="SHARED", value="v")

    heard = await _heard(world, document, after, [principal] * LISTENERS)

    assert "SHARED" in str(heard[0])
    assert heard == [heard[0]] * LISTENERS
    assert (len(executed) <= MOST_EXECUTED) is is_shared


@pytest.mark.rule("S16")
@pytest.mark.parametrize("document", [HEARD, EFFECTIVE], ids=["changes", "effective"])
async def test_who_sees_less_hears_less_beside_who_sees_more(world: World, document: str) -> None:
    demo = world.demo
    more = await _principal(world, Role.VIEWER, None)
    less = await _principal(world, Role.VIEWER, HolderReference(Scope.JOB, demo.job_id))
    made = await world.rest.create(Scope.PROJECT, demo.project_id, key="TARGET_SEEN", value="v")
    after = await _cursor(world)
    await world.rest.alias(Scope.JOB, demo.job_id, made.row["id"], key="ALIAS_HEARD")

    everything, part = await _heard(world, document, after, [more, less])

    assert "TARGET_SEEN" in str(everything)
    assert "ALIAS_HEARD" in str(part)
    assert "TARGET_SEEN" not in str(part)
