"""What a principal cannot see is not revealed by a dry run, a refusal or a list."""

from typing import Any

import httpx
import pytest

from gateway.domain.holders import new_id
from gateway.domain.permissions import Role
from gateway.domain.principals import Principal
from gateway.domain.scopes import Scope
from tests.access.territories import Territory
from tests.world import World

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.rule("S77")]

RENAME = """mutation ($id: ID!, $name: String!, $dry: Boolean) {
    payload: renameHolder(holder: {jobId: $id}, name: $name, dryRun: $dry) {
        holder { id } errors { code } } }"""
CREATE = """mutation ($id: ID!, $name: String!, $dry: Boolean) {
    payload: createService(environmentId: $id, type: JOB, name: $name, dryRun: $dry) {
        holder { id } errors { code } } }"""
USERS = "{ users(first: 100) { totalCount edges { node { id displayName } } } }"
GRANT = """mutation ($user: ID!, $job: ID!) {
    payload: grantRole(grantee: {userId: $user}, role: VIEWER, holder: {jobId: $job}) {
        grant { granteeName } errors { code } } }"""


async def _ask(client: httpx.AsyncClient, document: str, **variables: Any) -> Any:
    body = {"query": document, "variables": variables}
    return (await client.post("/graphql", json=body)).json()


def _code(answer: Any) -> str | None:
    if "errors" in answer:
        return str(answer["errors"][0]["extensions"]["code"])
    return next((error["code"] for error in answer["data"]["payload"]["errors"]), None)


async def _sibling(world: World, territory: Territory) -> str:
    """Create a job beside the territory's; return its name."""
    operator, name = Principal.operator(world.demo.organization_id), f"hidden {new_id()}"
    await world.runtime.services.for_principal(operator).administration.create_holder(
        kind=Scope.JOB, name=name, parent=territory.reference(Scope.ENVIRONMENT)
    )
    return name


@pytest.mark.parametrize("document", [RENAME, CREATE], ids=["rename", "create"])
@pytest.mark.parametrize("dry", [True, False])
async def test_an_admin_of_a_job_does_not_learn_the_names_beside_it(
    shared_world: World, inside: Territory, document: str, *, dry: bool
) -> None:
    taken, free = await _sibling(shared_world, inside), f"free {new_id()}"
    admin = await inside.client(shared_world, Role.ADMIN, on=Scope.JOB)
    target = inside.ids["jobId" if document == RENAME else "environmentId"]

    answers = [await _ask(admin, document, id=target, name=item, dry=dry) for item in (taken, free)]

    assert answers[0]["errors"] == answers[1]["errors"]
    assert _code(answers[0]) == "FORBIDDEN"


@pytest.mark.parametrize("document", [RENAME, CREATE], ids=["rename", "create"])
async def test_an_admin_of_the_environment_learns_that_a_name_is_taken(
    shared_world: World, inside: Territory, document: str
) -> None:
    """The control arm: the names are its own."""
    taken, free = await _sibling(shared_world, inside), f"free {new_id()}"
    admin = await inside.client(shared_world, Role.ADMIN, on=Scope.ENVIRONMENT)
    target = inside.ids["jobId" if document == RENAME else "environmentId"]

    answers = [
        await _ask(admin, document, id=target, name=item, dry=True) for item in (taken, free)
    ]

    assert [_code(answer) for answer in answers] == ["CONFLICT", None]


async def _user(world: World) -> str:
    user = await world.runtime.services.for_principal(
        Principal.operator(world.demo.organization_id)
    ).identities.register(
        issuer="https://issuer.example", subject=new_id(), display_name=f"person {new_id()}"
    )
    return user.id


async def test_an_admin_of_a_job_lists_the_users_with_a_grant_there(
    shared_world: World, inside: Territory
) -> None:
    granted, hidden = await _user(shared_world), await _user(shared_world)
    admin = await inside.client(shared_world, Role.ADMIN, on=Scope.JOB)
    before = await _ask(admin, USERS)

    await _ask(admin, GRANT, user=granted, job=inside.ids["jobId"])

    after = (await _ask(admin, USERS))["data"]["users"]
    everything = (await _ask(shared_world.client, USERS))["data"]["users"]
    assert before["data"]["users"] == {"totalCount": 0, "edges": []}
    assert [edge["node"]["id"] for edge in after["edges"]] == [granted]
    assert after["totalCount"] == 1
    # The control arm: the organization's administrator lists both.
    assert {granted, hidden} <= {edge["node"]["id"] for edge in everything["edges"]}


async def test_an_admin_of_a_job_grants_to_a_user_whose_id_it_was_given(
    shared_world: World, inside: Territory
) -> None:
    user = await _user(shared_world)
    admin = await inside.client(shared_world, Role.ADMIN, on=Scope.JOB)

    answers = [
        await _ask(admin, GRANT, user=item, job=inside.ids["jobId"]) for item in (user, new_id())
    ]

    assert [_code(answer) for answer in answers] == [None, "NOT_FOUND"]
