"""The event of a delivery of some keys names them, and every secret whose text went out."""

import json
from typing import Any

import pytest

from gateway.domain.audit import AuditAction
from gateway.domain.drafts import HolderReference
from gateway.domain.permissions import Role
from gateway.domain.scopes import Scope
from tests.audit.audit_log import Json, events_since, faults, last_seq
from tests.world import World

pytestmark = pytest.mark.rule("S50")

EVENTS = """query ($filter: AuditFilter) { auditEvents(first: 1, filter: $filter) {
    edges { node { subjectId details } } } }"""


async def _events(world: World, path: str) -> list[Json]:
    before = await last_seq(world)
    await world.client.get(f"/runtime/{world.demo.job_id}{path}")
    return await events_since(world, before)


async def _created(world: World, key: str, value: str, **fields: str) -> str:
    made = await world.rest.create(
        Scope.PROJECT, world.demo.project_id, key=key, value=value, **fields
    )
    return str(made.row["id"])


async def test_the_event_names_the_requested_keys_and_what_they_refer_to(world: World) -> None:
    host = await _created(world, "HOST", "db")
    url = await _created(world, "URL", "pg://{{HOST}}")

    (event,) = await _events(world, "?keys=URL,NO_KEY")

    assert event["action"] == "VALUES_DELIVERED"
    assert event["holder_id"] == world.demo.job_id
    assert event["details"] == {
        "keys": 1,
        "requested_keys": ["NO_KEY", "URL"],
        "secrets": {host: 1, url: 1},
        "with_files": False,
    }
    assert await faults(world) == []


async def test_one_value_leaves_an_event_of_its_key(world: World) -> None:
    file = await _created(world, "FILE", "content", mount_path="/etc/file")

    (event,) = await _events(world, "/FILE?include=files")

    assert event["details"] == {"keys": 1, "requested_keys": ["FILE"], "secrets": {file: 1}}
    assert event["face"] == "REST"


async def test_an_event_of_all_keys_is_as_it_was(world: World) -> None:
    (event,) = await _events(world, "?include=files")

    assert set(event["details"]) == {"keys", "secrets"}


@pytest.mark.parametrize("path", ["?keys=NO_KEY", "/NO_KEY"])
async def test_what_delivers_nothing_leaves_no_event(world: World, path: str) -> None:
    assert await _events(world, path) == []


async def test_a_secret_that_was_only_referred_to_finds_the_delivery(world: World) -> None:
    host = await _created(world, "HOST", "db")
    await _created(world, "URL", "pg://{{HOST}}")
    await _events(world, "/URL")
    wanted = {"secretId": host, "actions": [AuditAction.VALUES_DELIVERED]}

    found = await world.graphql.ask(EVENTS, {"filter": wanted})

    (edge,) = found["auditEvents"]["edges"]
    assert edge["node"]["subjectId"] == world.demo.job_id


@pytest.mark.rule("S77")
async def test_the_keys_of_invisible_secrets_are_left_out(world: World) -> None:
    await _created(world, "SIGHT_HIDDEN", "x", mount_path="/etc/hidden")
    await _events(world, "/SIGHT_HIDDEN")
    at = HolderReference(Scope.JOB, world.demo.job_id)
    auditor = await world.client_with(Role.AUDITOR, on=at)
    wanted = {"holderId": world.demo.job_id, "actions": [AuditAction.VALUES_DELIVERED]}
    variables = {"filter": wanted}

    seen = (await auditor.post("/graphql", json={"query": EVENTS, "variables": variables})).json()
    control = await world.graphql.ask(EVENTS, variables)

    assert _details(seen["data"]) == {"secrets": {}, "is_partial": True}
    assert _details(control)["requested_keys"] == ["SIGHT_HIDDEN"]


def _details(data: Json) -> Any:
    (edge,) = data["auditEvents"]["edges"]
    return json.loads(edge["node"]["details"])
