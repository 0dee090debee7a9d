"""No entry, no effect: what cannot be recorded is neither done nor delivered."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus

import httpx
import pytest

from gateway.domain.holders import new_id
from tests.audit import foreign
from tests.audit.audit_log import database_of, run_by_force
from tests.world import World

REFUSE = """CREATE TRIGGER refuse BEFORE INSERT ON {table} BEGIN SELECT RAISE(ABORT, 'no'); END"""
TABLES = ("audit_event", "row_record", "audit_head")
DELIVERY = "query ($id: ID!) { runtimeSecrets(serviceId: $id) { key value } }"
Send = Callable[[World], Awaitable[httpx.Response]]


@pytest.fixture(autouse=True)
def any_trigger(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let triggers be: here they are only how a write is made to fail."""
    foreign.look_away(monkeypatch)


async def _deliver(world: World) -> httpx.Response:
    body = {"query": DELIVERY, "variables": {"id": world.demo.job_id}}
    return await world.client.post("/graphql", json=body)


async def _deliver_by_rest(world: World) -> httpx.Response:
    return await world.client.get(f"/runtime/{world.demo.job_id}?include=files")


async def _deliver_one_value(world: World) -> httpx.Response:
    return await world.client.get(f"/runtime/{world.demo.job_id}/INVOICE_SIGNING_KEY")


async def _create_by_graphql(world: World) -> httpx.Response:
    document = """mutation ($id: ID!, $key: String!) {
        createJobSecret(jobId: $id, input: {key: $key, value: "v"}) { secret { id } } }"""
    variables = {"id": world.demo.job_id, "key": f"K_{new_id()[:8]}"}
    return await world.client.post("/graphql", json={"query": document, "variables": variables})


async def _create_by_rest(world: World) -> httpx.Response:
    path = f"/job/{world.demo.job_id}/secret"
    return await world.client.post(path, json={"key": f"K_{new_id()[:8]}", "value": "v"})


SENDERS = {
    "a delivery": _deliver,
    "a delivery by REST": _deliver_by_rest,
    "a delivery of one value": _deliver_one_value,
    "a change by GraphQL": _create_by_graphql,
    "a change by REST": _create_by_rest,
}


async def _secrets(world: World) -> str:
    return (await world.client.get(f"/job/{world.demo.job_id}/secret")).text


@pytest.mark.rule("S50")
@pytest.mark.parametrize("send", SENDERS.values(), ids=SENDERS.keys())
async def test_what_cannot_be_recorded_is_not_done(world: World, send: Send) -> None:
    """503, no value, nothing changed; and reading goes on."""
    run_by_force(database_of(world), REFUSE.format(table="audit_event"))
    before = await _secrets(world)

    answer = await send(world)

    assert answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE
    assert answer.headers["Retry-After"]
    assert "UNAVAILABLE" in answer.text
    assert "demo-" not in answer.text
    assert await _secrets(world) == before


@pytest.mark.rule("S50")
@pytest.mark.parametrize("send", SENDERS.values(), ids=SENDERS.keys())
async def test_what_can_be_recorded_is_done(world: World, send: Send) -> None:
    """The control of the test above, with a trigger beside the trail."""
    run_by_force(database_of(world), REFUSE.format(table="idempotency"))

    answer = await send(world)

    assert answer.is_success
    assert "UNAVAILABLE" not in answer.text


@pytest.mark.rule("S50")
@pytest.mark.parametrize("table", TABLES)
async def test_every_part_of_the_audit_log_is_needed(world: World, table: str) -> None:
    run_by_force(database_of(world), REFUSE.format(table=table))

    assert (await _create_by_rest(world)).status_code == HTTPStatus.SERVICE_UNAVAILABLE


async def test_it_goes_on_once_it_can_be_recorded_again(world: World) -> None:
    run_by_force(database_of(world), REFUSE.format(table="audit_event"))
    refused = await _deliver(world)

    run_by_force(database_of(world), "DROP TRIGGER refuse")

    assert not refused.is_success
    assert "demo-signing-key" in (await _deliver(world)).text
