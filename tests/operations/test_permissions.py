"""What a caller may do, and what is there for it at all."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import pytest

from gateway.domain.errors import ErrorCode
from gateway.domain.holders import new_id
from gateway.domain.permissions import Role
from gateway.domain.scopes import Scope
from tests.faces import Face, GraphQLFace, RestFace
from tests.operations.answers import Send, comparable, graphql_alias, rest_alias
from tests.operations.callers import Stranger, spoken_by
from tests.operations.places import PLACES
from tests.world import World

pytestmark = pytest.mark.asyncio(loop_scope="module")

FACES = pytest.mark.parametrize("send", [graphql_alias, rest_alias])
REFUSED = (HTTPStatus.FORBIDDEN, ErrorCode.FORBIDDEN)
NOT_THERE = (HTTPStatus.NOT_FOUND, ErrorCode.NOT_FOUND)


@pytest.mark.rule("E2")
async def test_one_who_may_only_look_creates_nothing(
    shared_world: World, shared_face: Face, viewer_face: Face
) -> None:
    """403, since it sees the holder."""
    at = PLACES["the job"](shared_world)
    before = await shared_face.visible(*at)

    refused = await viewer_face.create(*at, key="KEY")

    assert (refused.status, refused.code) == REFUSED
    assert "secret:write" in refused.detail
    assert await shared_face.visible(*at) == before


@pytest.mark.rule("E2")
async def test_one_who_may_only_look_makes_no_alias(shared_world: World, viewer_face: Face) -> None:
    at = PLACES["the job"](shared_world)

    refused = await viewer_face.alias(*at, shared_world.demo.built_in_secret_id, key="KEY")

    assert (refused.status, refused.code) == REFUSED


@pytest.mark.rule("E2")
async def test_one_who_may_only_look_learns_nothing_from_a_targets_id(
    shared_world: World, viewer_face: Face
) -> None:
    """The permission is looked at before the target."""
    at = PLACES["the job"](shared_world)

    refused = await viewer_face.alias(*at, new_id(), key="KEY")

    assert (refused.status, refused.code) == REFUSED


@pytest.mark.rule("E2")
async def test_a_holder_that_is_not_there_is_not_forbidden(viewer_face: Face) -> None:
    """404, since it sees no such holder."""
    refused = await viewer_face.create(Scope.JOB, new_id(), key="KEY")

    assert (refused.status, refused.code) == NOT_THERE


@pytest.mark.rule("E2")
@pytest.mark.parametrize("role", [Role.EDITOR, Role.ADMIN, Role.OPERATOR])
async def test_one_who_may_write_creates(
    shared_world: World, shared_face: Face, key: str, role: Role
) -> None:
    """The control of the tests above."""
    allowed = spoken_by(await shared_world.client_with(role), shared_face)

    made = await allowed.create(*PLACES["the job"](shared_world), key=key)

    assert made.code is None


@pytest.mark.rule("E2")
async def test_one_who_only_runs_does_not_write(shared_world: World, shared_face: Face) -> None:
    running = spoken_by(await shared_world.client_with(Role.RUNTIME), shared_face)

    refused = await running.create(*PLACES["the job"](shared_world), key="KEY")

    assert (refused.status, refused.code) == REFUSED


@pytest.mark.rule("E2")
async def test_one_who_only_runs_does_not_list(shared_world: World) -> None:
    client = await shared_world.client_with(Role.RUNTIME)

    refused = await client.get(f"/job/{shared_world.demo.job_id}/secret")

    assert (refused.status_code, refused.json()["code"]) == REFUSED


@pytest.mark.rule("E2")
@pytest.mark.parametrize("place", PLACES.keys())
async def test_another_organizations_holders_are_not_there_to_write_at(
    shared_world: World, foreign_face: Face, place: str
) -> None:
    """Though the caller may do everything in its own."""
    refused = await foreign_face.create(*PLACES[place](shared_world), key="KEY")

    assert (refused.status, refused.code) == NOT_THERE


@pytest.mark.rule("E2")
@FACES
async def test_another_organizations_holder_is_answered_as_one_that_does_not_exist(
    shared_world: World, shared_stranger: Stranger, send: Send
) -> None:
    """To the byte, but for ids and moments."""
    scope, holder_id = PLACES["the job"](shared_world)

    refused = await send(
        shared_stranger.client, scope, holder_id, shared_world.demo.built_in_secret_id
    )

    unknown = await send(
        shared_stranger.client, scope, new_id(), shared_world.demo.built_in_secret_id
    )
    assert comparable(refused) == comparable(unknown)


@pytest.mark.rule("E2")
@FACES
async def test_another_organizations_secret_is_no_target(
    shared_world: World, shared_stranger: Stranger, send: Send
) -> None:
    at = Scope.JOB, shared_stranger.job_id

    refused = await send(shared_stranger.client, *at, shared_world.demo.built_in_secret_id)

    assert comparable(refused) == comparable(await send(shared_stranger.client, *at, new_id()))


@pytest.mark.rule("E2")
@pytest.mark.parametrize("scope", [Scope.PROJECT, Scope.ENVIRONMENT, Scope.CONTAINER, Scope.JOB])
async def test_another_organizations_list_is_answered_as_one_that_does_not_exist(
    shared_world: World, shared_stranger: Stranger, scope: Scope
) -> None:
    path = f"/{scope.lower()}/{{}}/secret"

    refused = await shared_stranger.client.get(path.format(shared_world.holders[scope]))

    unknown = await shared_stranger.client.get(path.format(new_id()))
    assert refused.status_code == HTTPStatus.NOT_FOUND
    assert comparable(refused) == comparable(unknown)


FIELDS: dict[str, Callable[[World], str]] = {
    "project": lambda world: world.demo.project_id,
    "environment": lambda world: world.demo.environment_id,
    "application": lambda world: world.demo.application_id,
    "container": lambda world: world.demo.container_id,
    "job": lambda world: world.demo.job_id,
    "helm": lambda world: world.demo.helm_id,
    "terraform": lambda world: world.demo.terraform_id,
    "agenticWorkflow": lambda world: world.demo.agentic_workflow_id,
    "service": lambda world: world.demo.job_id,
    "secret": lambda world: world.demo.built_in_secret_id,
    "node": lambda world: world.demo.job_id,
}


async def _found(face: GraphQLFace, field: str, wanted_id: str) -> Any:
    data = await face.ask(f"query ($id: ID!) {{ {field}(id: $id) {{ id }} }}", {"id": wanted_id})
    return data[field]


@pytest.mark.rule("E2")
@pytest.mark.parametrize(("field", "wanted"), FIELDS.items())
async def test_another_organizations_things_are_null(
    shared_world: World, shared_stranger: Stranger, field: str, wanted: Callable[[World], str]
) -> None:
    """The control is their own administrator, who sees them."""
    wanted_id = wanted(shared_world)

    assert await _found(GraphQLFace(shared_stranger.client), field, wanted_id) is None
    assert await _found(shared_world.graphql, field, wanted_id) == {"id": wanted_id}


@pytest.mark.rule("E2")
async def test_another_organizations_secret_is_no_node(
    shared_world: World, shared_stranger: Stranger
) -> None:
    theirs = GraphQLFace(shared_stranger.client)

    assert await _found(theirs, "node", shared_world.demo.built_in_secret_id) is None
    assert await _found(theirs, "node", shared_stranger.secret_id) == {
        "id": shared_stranger.secret_id
    }


@pytest.mark.rule("E2")
async def test_of_many_ids_only_the_visible_ones_are_found(
    shared_world: World, shared_stranger: Stranger
) -> None:
    ids = [
        shared_world.demo.job_id,
        shared_stranger.job_id,
        shared_world.demo.built_in_secret_id,
        new_id(),
        "no-id",
    ]
    document = "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }"

    found = await GraphQLFace(shared_stranger.client).ask(document, {"ids": ids})

    assert found["nodes"] == [None, {"id": shared_stranger.job_id}, None, None, None]


@pytest.mark.rule("E2")
async def test_projects_are_those_of_the_own_organization(shared_stranger: Stranger) -> None:
    document = "{ projects { edges { node { id } } totalCount } }"

    found = await GraphQLFace(shared_stranger.client).ask(document, {})

    assert found["projects"]["edges"] == [{"node": {"id": shared_stranger.project_id}}]
    assert found["projects"]["totalCount"] == 1


@pytest.mark.rule("E2")
async def test_an_id_of_another_kind_is_null(shared_world: World) -> None:
    assert await _found(shared_world.graphql, "job", shared_world.demo.container_id) is None
    assert await _found(shared_world.graphql, "project", shared_world.demo.environment_id) is None
    assert await _found(shared_world.graphql, "secret", shared_world.demo.job_id) is None


@pytest.mark.rule("E2")
async def test_a_list_through_another_kinds_path_is_not_found(shared_world: World) -> None:
    response = await shared_world.client.get(f"/job/{shared_world.demo.container_id}/secret")

    assert response.status_code == HTTPStatus.NOT_FOUND
    assert await RestFace(shared_world.client).visible(
        Scope.CONTAINER, shared_world.demo.container_id
    )
