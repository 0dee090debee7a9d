"""What a principal cannot see is not in an event that it can read."""

import json
from typing import Any

import httpx
import pytest

from gateway.domain.audit import AuditAction
from gateway.domain.drafts import HolderReference
from gateway.domain.permissions import Role
from gateway.domain.scopes import Scope
from gateway.services.audit import events
from gateway.storage.audit import event_log
from tests.world import World

DOCUMENT = """query ($filter: AuditFilter) { auditEvents(first: 100, filter: $filter) {
    totalCount edges { node { action subjectId holderId key details } } } }"""
DELIVERY = "query ($id: ID!) { runtimeSecrets(serviceId: $id) { key } }"


async def _auditor(world: World, scope: Scope, holder_id: str) -> httpx.AsyncClient:
    return await world.client_with(Role.AUDITOR, on=HolderReference(scope, holder_id))


async def _events(client: httpx.AsyncClient, **wanted: Any) -> list[dict[str, Any]]:
    asked = {"query": DOCUMENT, "variables": {"filter": wanted}}
    answer = (await client.post("/graphql", json=asked)).json()
    page = answer["data"]["auditEvents"]
    nodes = [edge["node"] for edge in page["edges"]]
    assert page["totalCount"] == len(nodes)
    return nodes


async def _details(client: httpx.AsyncClient, world: World) -> dict[str, Any]:
    newest, *_ = await _events(
        client, holderId=world.demo.job_id, actions=[AuditAction.VALUES_DELIVERED]
    )
    details: dict[str, Any] = json.loads(newest["details"])
    return details


@pytest.fixture
async def secrets(world: World) -> dict[str, str]:
    """One secret at each scope, delivered to the job; and one of the job that is gone since."""
    holders = {
        "own": (Scope.JOB, world.demo.job_id),
        "gone": (Scope.JOB, world.demo.job_id),
        "environment": (Scope.ENVIRONMENT, world.demo.environment_id),
        "project": (Scope.PROJECT, world.demo.project_id),
    }
    made = {
        name: await world.rest.create(*holder, key=f"SIGHT_{name.upper()}", value="x")
        for name, holder in holders.items()
    }
    await world.rest.alias(*holders["own"], made["project"].row["id"], key="SIGHT_ALIAS")
    await world.graphql.ask(DELIVERY, {"id": world.demo.job_id})
    await world.rest.delete(*holders["gone"], made["gone"].row["id"])
    return {name: value.row["id"] for name, value in made.items()}


@pytest.mark.rule("S77")
async def test_a_jobs_auditor_reads_of_a_delivery_what_hangs_on_the_job(
    world: World, secrets: dict[str, str]
) -> None:
    """Also of what is gone since; nothing of the project, not even through an alias."""
    auditor = await _auditor(world, Scope.JOB, world.demo.job_id)

    details = await _details(auditor, world)

    assert set(details) == {"secrets", "is_partial"}
    assert {secrets["own"], secrets["gone"]} <= set(details["secrets"])
    assert not {secrets["environment"], secrets["project"]} & set(details["secrets"])
    everything = str(await _events(auditor))
    assert secrets["own"] in everything
    assert secrets["project"] not in everything
    assert secrets["environment"] not in everything


async def test_without_the_guard_it_would_read_all(
    world: World, secrets: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control of the test above."""

    async def unfiltered(_: object, __: object, page: Any) -> Any:
        return page

    monkeypatch.setattr(events, "_visible_part", unfiltered)
    auditor = await _auditor(world, Scope.JOB, world.demo.job_id)

    assert secrets["project"] in (await _details(auditor, world))["secrets"]


@pytest.mark.rule("S77")
@pytest.mark.parametrize(
    ("scope", "seen"),
    [
        (Scope.ENVIRONMENT, {"own", "gone", "environment"}),
        (Scope.PROJECT, {"own", "gone", "environment", "project"}),
    ],
)
async def test_a_wider_grant_shows_more(
    world: World, secrets: dict[str, str], scope: Scope, seen: set[str]
) -> None:
    auditor = await _auditor(world, scope, world.holders[scope])

    answer = (await _details(auditor, world))["secrets"]

    assert {name for name, secret_id in secrets.items() if secret_id in answer} == seen


@pytest.mark.rule("S77")
async def test_the_organizations_auditor_and_the_operator_read_all_of_it(
    world: World, secrets: dict[str, str]
) -> None:
    """The stored event stays whole."""
    auditor = await world.client_with(Role.AUDITOR)

    details = await _details(auditor, world)

    assert set(secrets.values()) <= set(details["secrets"])
    assert details["keys"] > len(secrets)
    async with world.runtime.database.read() as unit:
        newest = await event_log.newest(unit)
        links = await event_log.chain(unit, after=-1, size=1_000)
    assert newest is not None
    stored = [link.event for link in links if link.event.action == AuditAction.VALUES_DELIVERED]
    assert stored[-1].facts == details


@pytest.mark.rule("S77")
async def test_a_filter_does_not_say_whether_a_secret_not_visible_was_delivered(
    world: World, secrets: dict[str, str]
) -> None:
    """A sibling; and the control, with the job's own secrets."""
    auditor = await _auditor(world, Scope.JOB, world.demo.job_id)

    assert await _events(auditor, secretId=secrets["project"]) == []
    assert await _events(auditor, secretId=secrets["environment"]) == []
    for name in ("own", "gone"):
        actions = [event["action"] for event in await _events(auditor, secretId=secrets[name])]
        assert AuditAction.VALUES_DELIVERED in actions
        assert AuditAction.SECRET_CREATED in actions
