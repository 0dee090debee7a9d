"""Deliveries over GraphQL: of some keys, as one set, and with fingerprints."""

import json
from collections.abc import Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest

from gateway.domain.holders import new_id
from gateway.services.demo import Demo
from gateway.storage import values
from gateway.storage.unit_of_work import ReadUnit
from tests.operations.delivering import delivery_events, fill
from tests.operations.places import PLACES
from tests.world import World, open_world

pytestmark = pytest.mark.asyncio(loop_scope="module")

JOB = PLACES["the job"]
SECRETS = """query ($id: ID!, $keys: [String!], $when: OnUnresolved! = KEEP) {
    runtimeSecrets(serviceId: $id, keys: $keys, onUnresolved: $when) {
        key value isFile fingerprint file { content } } }"""
SET = """query ($id: ID!, $keys: [String!], $files: Boolean! = true, $known: String) {
    delivery(serviceId: $id, keys: $keys, withFiles: $files, ifNoneMatch: $known) {
        serviceName fingerprint isUnchanged
        secrets { key value isFile fingerprint file { content } } } }"""
Json = dict[str, Any]


async def _secrets(world: World, *keys: str, job: str = "") -> dict[str, Json]:
    variables = {"id": job or world.demo.job_id, "keys": keys or None}
    found = await world.graphql.ask(SECRETS, variables)
    return {secret["key"]: secret for secret in found["runtimeSecrets"]}


async def _set(world: World, **variables: Any) -> Json:
    found = await world.graphql.ask(SET, {"id": world.demo.job_id, **variables})
    delivery: Json = found["delivery"]
    return delivery


@pytest.mark.rule("R1")
async def test_only_the_requested_keys_are_delivered(shared_world: World) -> None:
    """Each once, by key; no key means none, and no list means all."""
    found = await _secrets(
        shared_world, "SMTP_PASSWORD", "NO_KEY", "INVOICE_SIGNING_KEY", "SMTP_PASSWORD"
    )

    assert list(found) == ["INVOICE_SIGNING_KEY", "SMTP_PASSWORD"]
    assert found["SMTP_PASSWORD"]["value"] == "demo-bulk-smtp"
    assert (await _set(shared_world, keys=[]))["secrets"] == []
    assert len((await _set(shared_world))["secrets"]) > len(found)


async def test_a_set_is_what_the_list_has(shared_world: World) -> None:
    delivered = await _set(shared_world)

    assert delivered["serviceName"] == "nightly-invoices"
    assert delivered["isUnchanged"] is False
    assert {each["key"]: each for each in delivered["secrets"]} == await _secrets(shared_world)


async def test_a_set_of_many_keys_is_whole(shared_world: World, fresh_job: str) -> None:
    """A long one is completed in steps."""
    await fill(shared_world.client, fresh_job, {f"K{number:03}": "v" for number in range(250)})

    delivered = (await _set(shared_world, id=fresh_job))["secrets"]

    assert {each["key"]: each for each in delivered} == await _secrets(shared_world, job=fresh_job)
    assert len(delivered) > 250


@pytest.mark.rule("R2")
async def test_the_contents_of_files_can_be_left_out(shared_world: World, key: str) -> None:
    await shared_world.rest.create(
        *JOB(shared_world), key=key, value="content", mount_path=f"/etc/{key}"
    )

    with_files = await _set(shared_world, keys=[key])
    without = await _set(shared_world, keys=[key], files=False)

    assert with_files["secrets"][0]["file"] == {"content": "content"}
    assert without["secrets"][0] == {
        "key": key,
        "value": f"/etc/{key}",
        "isFile": True,
        "fingerprint": without["secrets"][0]["fingerprint"],
        "file": None,
    }
    assert with_files["fingerprint"] != without["fingerprint"]


async def test_equal_texts_have_equal_fingerprints(shared_world: World, key: str) -> None:
    """Of a file, the content counts; of a reference, what it becomes."""
    texts = {"ONE": "same", "TWO": "same", "THREE": "other", "FOUR": f"{{{{{key}_ONE}}}}"}
    for name, value in texts.items():
        await shared_world.rest.create(*JOB(shared_world), key=f"{key}_{name}", value=value)
    await shared_world.rest.create(
        *JOB(shared_world), key=f"{key}_FILE", value="same", mount_path=f"/etc/{key}"
    )

    found = await _secrets(shared_world)

    of = {name: found[f"{key}_{name}"]["fingerprint"] for name in (*texts, "FILE")}
    assert of["ONE"] == of["TWO"] == of["FOUR"] == of["FILE"]
    assert of["THREE"] not in {of["ONE"], ""}


async def test_fingerprints_of_two_projects_cannot_be_compared(
    shared_world: World, key: str
) -> None:
    world = shared_world
    scope, job_id = PLACES["a job of another project"](world)
    await world.rest.create(scope, job_id, key=key, value="demo-bulk-smtp")

    theirs = await _secrets(world, key, job=job_id)
    ours = await _secrets(world, "SMTP_PASSWORD")

    assert theirs[key]["value"] == ours["SMTP_PASSWORD"]["value"]
    assert theirs[key]["fingerprint"] != ours["SMTP_PASSWORD"]["fingerprint"]


@pytest.mark.rule("H1")
async def test_a_set_that_the_client_has_is_neither_delivered_nor_recorded(
    shared_world: World,
) -> None:
    first = await _set(shared_world)
    recorded = await delivery_events(shared_world, shared_world.demo.job_id)

    again = await _set(shared_world, known=f'"{first["fingerprint"]}"')
    other = await _set(shared_world, known='"other"')

    assert again == {**first, "isUnchanged": True, "secrets": []}
    assert other == first
    assert await delivery_events(shared_world, shared_world.demo.job_id) == recorded + 1


@pytest.mark.rule("H1")
async def test_the_tag_of_the_path_is_the_fingerprint(shared_world: World) -> None:
    """So one client can use both."""
    path = f"/runtime/{shared_world.demo.job_id}?include=files"

    answer = await shared_world.client.get(path)

    assert answer.headers["ETag"] == f'"{(await _set(shared_world))["fingerprint"]}"'


@pytest.mark.rule("C8")
@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"keys": ["1A"]}, "A key must begin with a letter"),
        ({"keys": [f"K{number}" for number in range(101)]}, "at most 100 keys"),
        ({"known": "a1b2"}, "A precondition must be"),
    ],
    ids=["no key", "too many keys", "no entity tag"],
)
async def test_a_request_that_cannot_be_read_is_refused(
    shared_world: World, variables: Json, message: str
) -> None:
    asked = {"query": SET, "variables": {"id": shared_world.demo.job_id, **variables}}

    answer = (await shared_world.client.post("/graphql", json=asked)).json()

    assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
    assert message in answer["errors"][0]["message"]


@pytest.mark.rule("E2")
async def test_an_unknown_service_has_no_set(shared_world: World) -> None:
    asked = {"query": SET, "variables": {"id": new_id()}}

    answer = await shared_world.client.post("/graphql", json=asked)

    assert answer.status_code == HTTPStatus.OK
    assert answer.json()["errors"][0]["extensions"]["code"] == "NOT_FOUND"


@pytest.mark.rule("S24")
@pytest.mark.parametrize(
    ("keys", "entries"), [(["A", "B"], 2), ([], 500), (None, 500), (["A"] * 200, 100)]
)
async def test_a_document_costs_as_many_keys_as_it_asks_for(
    shared_world: World, keys: list[str] | None, entries: int
) -> None:
    """And all of a delivery if it asks for none by name."""
    document = """query ($id: ID!, $keys: [String!]) {
        runtimeSecrets(serviceId: $id, keys: $keys) { key value } }"""
    asked = {"query": document, "variables": {"id": shared_world.demo.job_id, "keys": keys}}

    answer = (await shared_world.client.post("/graphql", json=asked)).json()

    assert answer["extensions"]["cost"]["requested"] == 1 + 2 * entries


@pytest.mark.rule("S63")
@pytest.mark.parametrize(("query", "last"), [("", 429), ("?keys=K1", 200)])
async def test_a_large_delivery_on_rest_counts_for_what_it_is(
    data_dir: Path, template: tuple[Path, Demo], query: str, last: int
) -> None:
    """Beyond its first 500 keys, in the rate limit; the second row is the control."""
    demo = template[1]
    limits = {"rate_per_minute": 1, "rate_burst": 50}
    async with open_world(data_dir, demo, clock=lambda: 0.0, **limits) as world:
        await fill(world.client, demo.job_id, {f"K{number}": "v" for number in range(1_000)})

        answers = [await world.client.get(f"/runtime/{demo.job_id}{query}") for _ in range(2)]

    assert [answer.status_code for answer in answers] == [HTTPStatus.OK, last]


@pytest.mark.rule("R3")
async def test_a_long_chain_of_references_is_resolved_in_few_statements(
    shared_world: World, fresh_job: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the secrets beside the chain are neither delivered nor recorded."""
    chained = {f"L{number:02}": f"{{{{L{number + 1:02}}}}}" for number in range(30)}
    await fill(shared_world.client, fresh_job, {**chained, "L30": "end", "BESIDE": "{{NOWHERE}}"})
    reads: list[int] = []
    find_values = values.find_values

    async def counted(unit: ReadUnit, ids: Sequence[str]) -> Any:
        reads.append(len(ids))
        return await find_values(unit, ids)

    monkeypatch.setattr(values, "find_values", counted)

    found = await _secrets(shared_world, "L00", job=fresh_job)

    assert [each["value"] for each in found.values()] == ["end"]
    assert len(reads) < 10
    events = await shared_world.graphql.ask(
        """query ($id: ID!) { auditEvents(first: 1, filter: {
            holderId: $id, actions: [VALUES_DELIVERED] }) { edges { node { details } } } }""",
        {"id": fresh_job},
    )
    (edge,) = events["auditEvents"]["edges"]
    assert len(json.loads(edge["node"]["details"])["secrets"]) == 31
