"""Reading the trail over GraphQL: who may, what they see, page by page."""

from collections.abc import Mapping
from typing import Any

import pytest
import pytest_asyncio

from gateway.domain.drafts import HolderReference
from gateway.domain.holders import new_id
from gateway.domain.permissions import ROLES, Permission, Role
from gateway.domain.scopes import Scope
from gateway.storage.audit import pages
from tests.operations.callers import settle
from tests.world import World

pytestmark = pytest.mark.asyncio(loop_scope="module")

DOCUMENT = """query ($first: Int, $after: String, $filter: AuditFilter) {
    auditEvents(first: $first, after: $after, filter: $filter) {
        totalCount pageInfo { hasNextPage endCursor }
        edges { cursor node {
            id at action actorKind actorId face requestId subject subjectId projectId holderId key
            details } } } }"""
Json = dict[str, Any]
ALLOWED = [role for role in Role if Permission.AUDIT_READ in ROLES[role]]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def secret_id(shared_world: World) -> str:
    """A secret that was made and edited by the job's administrator, and delivered."""
    world, job_id = shared_world, shared_world.demo.job_id
    made = await world.rest.create(Scope.JOB, job_id, key="TOLD", value="tell-nobody")
    await world.graphql.edit(Scope.JOB, job_id, made.row["id"], key="TOLD", value="neither-this")
    await world.graphql.ask(
        "query ($id: ID!) { runtimeSecrets(serviceId: $id) { key } }", {"id": job_id}
    )
    return str(made.row["id"])


async def _page(world: World, **variables: Any) -> Json:
    page: Json = (await world.graphql.ask(DOCUMENT, variables))["auditEvents"]
    return page


async def _nodes(world: World, **wanted: Any) -> list[Json]:
    page = await _page(world, first=100, filter=wanted)
    return [edge["node"] for edge in page["edges"]]


async def test_the_life_of_a_secret_can_be_read(shared_world: World, secret_id: str) -> None:
    """Made, changed and delivered; the newest first, without a value."""
    nodes = await _nodes(shared_world, secretId=secret_id)

    assert [node["action"] for node in nodes] == [
        "VALUES_DELIVERED",
        "SECRET_CHANGED",
        "SECRET_CREATED",
    ]
    assert [node["face"] for node in nodes] == ["GRAPHQL", "GRAPHQL", "REST"]
    assert [node["key"] for node in nodes] == [None, "TOLD", "TOLD"]
    assert "tell-nobody" not in str(nodes)


@pytest.mark.parametrize(
    ("name", "of"),
    [("actorId", "actorId"), ("holderId", "holderId"), ("secretId", "subjectId")],
)
async def test_filters_leave_only_what_matches(
    shared_world: World, secret_id: str, name: str, of: str
) -> None:
    newest, *_ = await _nodes(shared_world, secretId=secret_id, actions=["SECRET_CHANGED"])

    found = await _nodes(shared_world, **{name: newest[of]}, actions=["SECRET_CHANGED"])

    assert newest["id"] in [node["id"] for node in found]
    assert {(node[of], node["action"]) for node in found} == {(newest[of], "SECRET_CHANGED")}


async def test_a_projects_filter_reaches_all_below_it(shared_world: World, secret_id: str) -> None:
    project_id = shared_world.demo.project_id

    found = await _nodes(shared_world, holderId=project_id, secretId=secret_id)

    assert len(found) == 3
    assert {node["projectId"] for node in found} == {project_id}


async def test_times_bound_what_is_found(shared_world: World, secret_id: str) -> None:
    _, edited, made = await _nodes(shared_world, secretId=secret_id)

    since = await _nodes(shared_world, secretId=secret_id, since=edited["at"])
    until = await _nodes(shared_world, secretId=secret_id, until=edited["at"])

    assert [node["action"] for node in since] == ["VALUES_DELIVERED", "SECRET_CHANGED"]
    assert [node["id"] for node in until] == [made["id"]]


async def test_pages_meet_without_gap_and_overlap(shared_world: World, secret_id: str) -> None:
    only = {"holderId": shared_world.demo.job_id, "secretId": secret_id}
    whole = [node["id"] for node in await _nodes(shared_world, **only)]

    first = await _page(shared_world, first=2, filter=only)
    rest = await _page(shared_world, first=2, after=first["pageInfo"]["endCursor"], filter=only)

    paged = [edge["node"]["id"] for page in (first, rest) for edge in page["edges"]]
    assert paged == whole
    assert first["totalCount"] == len(whole)
    assert (first["pageInfo"]["hasNextPage"], rest["pageInfo"]["hasNextPage"]) == (True, False)


async def test_a_page_ends_early_where_its_details_are_long(
    shared_world: World, secret_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One request cannot ask for any amount of text; who pages on gets all the same."""
    only = {"secretId": secret_id}
    whole = await _nodes(shared_world, **only)
    monkeypatch.setattr(pages, "MAX_DETAILS", 1)
    paged, sizes, after = list[str](), list[int](), None

    while True:
        page = await _page(shared_world, first=100, after=after, filter=only)
        after = page["pageInfo"]["endCursor"]
        sizes.append(len(page["edges"]))
        paged += [edge["node"]["id"] for edge in page["edges"]]
        if not page["pageInfo"]["hasNextPage"]:
            break

    assert paged == [node["id"] for node in whole]
    assert sizes == [1] * len(whole)


REFUSED: Mapping[str, Json] = {
    "a cursor of another list": {"after": "WyJLRVkiLCJhIiwiYiJd"},
    "too many": {"first": 101},
    "an id that is none": {"filter": {"secretId": "NO-ID"}},
    "a holder that is none": {"filter": {"holderId": "{}"}},
    "an actor that is none": {"filter": {"actorId": "a\u001b[31m"}},
    "more actions than a page has": {"filter": {"actions": ["SECRET_CREATED"] * 101}},
}


@pytest.mark.parametrize("variables", REFUSED.values(), ids=REFUSED.keys())
async def test_bad_input_is_reported_as_such(shared_world: World, variables: Json) -> None:
    body = {"query": DOCUMENT, "variables": variables}

    answer = (await shared_world.client.post("/graphql", json=body)).json()

    assert [error["extensions"]["code"] for error in answer["errors"]] == ["BAD_USER_INPUT"]


async def _codes(world: World, role: Role) -> list[str]:
    client = await world.client_with(role)
    answer = (await client.post("/graphql", json={"query": DOCUMENT})).json()
    return [error["extensions"]["code"] for error in answer.get("errors", [])]


@pytest.mark.parametrize("role", [role for role in Role if role not in ALLOWED])
async def test_reading_the_audit_log_needs_its_permission(shared_world: World, role: Role) -> None:
    assert await _codes(shared_world, role) == ["FORBIDDEN"]


@pytest.mark.parametrize("role", ALLOWED)
async def test_reading_the_audit_log_with_the_permission_succeeds(
    shared_world: World, role: Role
) -> None:
    """The control of the test above."""
    assert await _codes(shared_world, role) == []


@pytest.mark.rule("S16")
@pytest.mark.parametrize("scope", [Scope.PROJECT, Scope.ENVIRONMENT, Scope.JOB])
async def test_an_auditor_of_a_place_sees_what_was_done_there(
    shared_world: World, secret_id: str, scope: Scope
) -> None:
    """A grant on a holder reaches all below it, and nothing beside it."""
    await shared_world.rest.create(
        Scope.PROJECT, shared_world.demo.other_project_id, key=f"BESIDE_{scope}", value="v"
    )
    at = HolderReference(scope, shared_world.holders[scope])
    auditor = await shared_world.client_with(Role.AUDITOR, on=at)

    answer = (await auditor.post("/graphql", json={"query": DOCUMENT})).json()

    nodes = [edge["node"] for edge in answer["data"]["auditEvents"]["edges"]]
    assert secret_id in [node["subjectId"] for node in nodes]
    assert {node["projectId"] for node in nodes} == {shared_world.demo.project_id}
    assert {node["holderId"] for node in nodes} <= set(shared_world.holders.values()) | (
        {shared_world.demo.other_job_id, shared_world.demo.other_environment_id, None}
    )


async def test_what_another_organization_did_is_not_seen(
    shared_world: World, secret_id: str
) -> None:
    stranger = await settle(shared_world)

    async def seen(**wanted: str) -> Json:
        body = {"query": DOCUMENT, "variables": {"first": 100, "filter": wanted}}
        answer = (await stranger.client.post("/graphql", json=body)).json()
        page: Json = answer["data"]["auditEvents"]
        return page

    own = await seen()

    assert own["totalCount"] > 3
    assert {edge["node"]["projectId"] for edge in own["edges"]} == {stranger.project_id, None}
    assert await seen(secretId=secret_id) == await seen(secretId=new_id())
    assert await _nodes(shared_world, holderId=stranger.project_id) == []
