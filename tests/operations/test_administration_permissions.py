"""Who may shape the hierarchy, for every mutation that does."""

from collections.abc import Mapping
from typing import Any, Final

import httpx
import pytest

from gateway.domain.holders import new_id
from gateway.domain.permissions import ROLES, Permission, Role
from tests.operations.callers import Stranger
from tests.world import World

pytestmark = pytest.mark.asyncio(loop_scope="module")

Json = dict[str, Any]
# Every mutation of the hierarchy, about what the variables name.
MUTATIONS: Final[Mapping[str, str]] = {
    "createProject": "(name: $name) { holder { id } errors { code } }",
    "createEnvironment": "(projectId: $project, name: $name) { holder { id } errors { code } }",
    "createService": (
        "(environmentId: $environment, type: JOB, name: $name) { holder { id } errors { code } }"
    ),
    "renameHolder": "(holder: { jobId: $job }, name: $name) { holder { id } errors { code } }",
    "deleteHolder": (
        "(holder: { jobId: $job }, withContent: true) { deletedHolderIds errors { code } }"
    ),
    "registerProvidedSecret": (
        """(holder: { jobId: $job }, input: { key: "PROVIDED", value: "x" }) {
            secret { id } errors { code } }"""
    ),
    "rotateProvidedSecret": (
        '(secretId: $secret, value: "next") { secret { id } errors { code } }'
    ),
}
MAY = [role for role in Role if Permission.HIERARCHY_WRITE in ROLES[role]]
MAY_NOT = [role for role in Role if role not in MAY]
EVERY_MUTATION = pytest.mark.parametrize("name", MUTATIONS)


async def _sent(client: httpx.AsyncClient, name: str, ids: Mapping[str, str]) -> Json:
    variables = {**ids, "name": f"name {new_id()}"}
    used = {key: value for key, value in variables.items() if f"${key}" in MUTATIONS[name]}
    kinds = {"name": "String!"}
    declared = ", ".join(f"${item}: {kinds.get(item, 'ID!')}" for item in used)
    response = await client.post(
        "/graphql",
        json={
            "query": f"mutation ({declared}) {{ payload: {name}{MUTATIONS[name]} }}",
            "variables": used,
        },
    )
    answer: Json = response.json()
    return answer


def _ids(world: World, job_id: str) -> Mapping[str, str]:
    return {
        "project": world.demo.project_id,
        "environment": world.demo.environment_id,
        "job": job_id,
        "secret": world.demo.built_in_secret_id,
    }


async def test_no_role_may_all_and_none_may_nothing_of_it() -> None:
    assert set(MAY) == {Role.ADMIN, Role.OPERATOR}
    assert set(MAY_NOT) == {Role.VIEWER, Role.EDITOR, Role.RUNTIME, Role.AUDITOR}


@pytest.mark.rule("E2")
@EVERY_MUTATION
@pytest.mark.parametrize("role", MAY)
async def test_one_who_shapes_the_hierarchy_may(
    *, shared_world: World, fresh_job: str, name: str, role: Role
) -> None:
    client = await shared_world.client_with(role)

    answer = await _sent(client, name, _ids(shared_world, fresh_job))

    assert answer["data"]["payload"]["errors"] == []


@pytest.mark.rule("E2")
@EVERY_MUTATION
@pytest.mark.parametrize("role", MAY_NOT)
async def test_one_who_does_not_is_forbidden_to(
    *, shared_world: World, fresh_job: str, name: str, role: Role
) -> None:
    """403, since it sees what this is about."""
    client = await shared_world.client_with(role)

    answer = await _sent(client, name, _ids(shared_world, fresh_job))

    assert answer["data"] is None
    assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert "hierarchy:write" in answer["errors"][0]["message"]


@pytest.mark.rule("E2")
@EVERY_MUTATION
async def test_one_of_another_organization_finds_nothing(
    *, shared_world: World, shared_stranger: Stranger, fresh_job: str, name: str
) -> None:
    """404, whatever it may do in its own."""
    answer = await _sent(shared_stranger.client, name, _ids(shared_world, fresh_job))

    expected = [] if name == "createProject" else [{"code": "NOT_FOUND"}]
    assert answer["data"]["payload"]["errors"] == expected


@pytest.mark.rule("E2")
async def test_a_strangers_project_is_not_there_for_others(
    shared_world: World, shared_stranger: Stranger
) -> None:
    made = await _sent(shared_stranger.client, "createProject", {})
    project_id = made["data"]["payload"]["holder"]["id"]

    result = await shared_world.graphql.ask(
        "query ($id: ID!) { project(id: $id) { id } }", {"id": project_id}
    )

    assert result["project"] is None
