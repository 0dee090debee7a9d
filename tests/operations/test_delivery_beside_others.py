"""A delivery beside other fields of one document reads on the same view as they do."""

import asyncio
from typing import Any, Final

import pytest

from gateway.services import delivery
from gateway.storage.keyset import fetch_page
from schema import runtime
from tests.operations.delivering import asked
from tests.world import World

pytestmark = pytest.mark.asyncio(loop_scope="module")

BOTH: Final = """query ($id: ID!) {
    runtimeSecrets(serviceId: $id) { key }
    grants(first: 1) { edges { node { role } } } }"""
ALONE: Final = "query ($id: ID!) { __typename runtimeSecrets(serviceId: $id) { key } }"
IN_A_FRAGMENT: Final = """query ($id: ID!) { ...D grants(first: 1) { edges { node { role } } } }
    fragment D on Query { runtimeSecrets(serviceId: $id) { key } }"""


@pytest.fixture
def _grants_come_after_values(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the page of grants wait until the delivery has read all that it reads."""
    has_read = asyncio.Event()
    expanded = delivery._expand  # noqa: SLF001 - called as it was

    async def noted(*them: Any) -> Any:
        has_read.set()
        return await expanded(*them)

    async def late(*them: Any, **named: Any) -> Any:
        await has_read.wait()
        return await fetch_page(*them, **named)

    monkeypatch.setattr(delivery, "_expand", noted)
    monkeypatch.setattr("gateway.storage.grants.fetch_page", late)


@pytest.mark.rule("S64")
@pytest.mark.usefixtures("_grants_come_after_values")
@pytest.mark.parametrize("document", [BOTH, IN_A_FRAGMENT], ids=["beside", "in a fragment"])
async def test_a_field_beside_a_delivery_is_answered(
    shared_world: World, fresh_job: str, document: str
) -> None:
    """Its access rows are compared with what the view was proven by."""
    answer = await asked(shared_world.client, fresh_job, document)

    assert "errors" not in answer
    assert answer["data"]["grants"]["edges"]


@pytest.mark.usefixtures("_grants_come_after_values")
async def test_on_a_closed_view_it_would_fail(
    shared_world: World, fresh_job: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control of the test above."""
    monkeypatch.setattr(runtime, "is_alone", lambda _: True)

    answer = await asked(shared_world.client, fresh_job, BOTH)

    assert answer["errors"][0]["extensions"]["code"] == "INTERNAL"


async def test_a_delivery_alone_holds_no_view_while_it_is_recorded(
    shared_world: World, fresh_job: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor beside a field that reads nothing: others wait for views."""
    admission = shared_world.runtime.database.request_admission
    expanded, free = delivery._expand, list[bool]()  # noqa: SLF001 - called as it was

    async def noted(*them: Any) -> Any:
        free.append(admission._slots._value == admission.slots)  # noqa: SLF001 - how many are free
        return await expanded(*them)

    monkeypatch.setattr(delivery, "_expand", noted)

    await asked(shared_world.client, fresh_job, ALONE)
    await asked(shared_world.client, fresh_job, BOTH)

    assert free == [True, False]
