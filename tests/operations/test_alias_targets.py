"""What an alias may stand for, and that nothing is told of the rest."""

from http import HTTPStatus

import pytest

from gateway.domain.errors import ErrorCode
from gateway.domain.holders import new_id
from gateway.domain.scopes import Scope
from tests.faces import Face
from tests.operations.answers import Send, comparable, graphql_alias, rest_alias
from tests.operations.callers import Stranger
from tests.operations.places import PLACES
from tests.world import World

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.unmeasured]

FACES = pytest.mark.parametrize("send", [graphql_alias, rest_alias])


@pytest.mark.rule("A3")
@pytest.mark.parametrize(
    ("holder", "target"),
    [
        ("the job", "the job"),
        ("the job", "the environment"),
        ("the job", "the project"),
        ("the environment", "the environment"),
        ("the environment", "the project"),
        ("the project", "the project"),
    ],
)
async def test_a_target_of_the_same_or_a_higher_scope_is_taken(
    *, shared_world: World, shared_face: Face, holder: str, target: str, key: str
) -> None:
    there = await shared_face.create(*PLACES[target](shared_world), key=key)

    made = await shared_face.alias(
        *PLACES[holder](shared_world), there.row["id"], key=f"{key}_ALIAS"
    )

    assert made.code is None
    assert made.row["aliased_secret"]["id"] == there.row["id"]


@pytest.mark.rule("A3")
async def test_rest_answers_201_with_the_alias(shared_world: World, fresh_job: str) -> None:
    target_id = shared_world.demo.built_in_secret_id

    response = await rest_alias(shared_world.client, Scope.JOB, fresh_job, target_id)

    assert response.status_code == HTTPStatus.CREATED
    assert response.json()["key"] == "ALIAS"


@pytest.mark.rule("A3")
@pytest.mark.parametrize(
    ("holder", "target", "scopes"),
    [
        ("the environment", "the job", "ENVIRONMENT cannot refer to one of scope JOB"),
        ("the project", "the job", "PROJECT cannot refer to one of scope JOB"),
        ("the project", "the environment", "PROJECT cannot refer to one of scope ENVIRONMENT"),
        ("the environment", "a sibling container", "cannot refer to one of scope CONTAINER"),
    ],
)
async def test_a_target_of_a_lower_scope_is_refused(
    *, shared_world: World, shared_face: Face, holder: str, target: str, scopes: str, key: str
) -> None:
    there = await shared_face.create(*PLACES[target](shared_world), key=key)

    refused = await shared_face.alias(
        *PLACES[holder](shared_world), there.row["id"], key=f"{key}_ALIAS"
    )

    assert (refused.status, refused.code) == (HTTPStatus.BAD_REQUEST, ErrorCode.SCOPE_VIOLATION)
    assert scopes in refused.detail


@pytest.mark.rule("A3")
@FACES
@pytest.mark.parametrize(
    ("holder", "target"),
    [
        ("the job", "a sibling job"),
        ("the job", "a sibling container"),
        ("the job", "another environment"),
        ("the job", "another project"),
        ("the job", "a job of another project"),
        ("the environment", "another environment"),
        ("the environment", "another project"),
        ("the environment", "a job of another project"),
        ("the project", "another project"),
        ("the project", "a job of another project"),
    ],
)
async def test_a_target_out_of_reach_is_answered_as_one_that_does_not_exist(
    *, shared_world: World, send: Send, holder: str, target: str, key: str
) -> None:
    """To the byte, but for ids and moments."""
    there = await shared_world.rest.create(*PLACES[target](shared_world), key=key)
    here = PLACES[holder](shared_world)

    refused = await send(shared_world.client, *here, there.row["id"])

    unknown = await send(shared_world.client, *here, new_id())
    assert comparable(refused) == comparable(unknown)
    assert "NOT_FOUND" in refused.text


@pytest.mark.rule("A3")
@FACES
@pytest.mark.asyncio(loop_scope="function")
async def test_a_target_of_another_organization_is_answered_as_one_that_does_not_exist(
    world: World, stranger: Stranger, send: Send
) -> None:
    here = PLACES["the job"](world)

    refused = await send(world.client, *here, stranger.secret_id)

    assert comparable(refused) == comparable(await send(world.client, *here, new_id()))


@pytest.mark.rule("A3")
@FACES
async def test_a_built_in_is_not_there_for_a_holder_above_the_one_it_hangs_on(
    shared_world: World, send: Send
) -> None:
    """Its scope is the highest, so no scope is violated; it just cannot be seen."""
    here = PLACES["the project"](shared_world)

    refused = await send(shared_world.client, *here, shared_world.demo.built_in_secret_id)

    assert comparable(refused) == comparable(await send(shared_world.client, *here, new_id()))


@FACES
async def test_the_comparison_sees_another_answer(
    *, shared_world: World, send: Send, key: str
) -> None:
    """The control of the tests above: a lower target's answer is not the one of an unknown id."""
    there = await shared_world.rest.create(*PLACES["the job"](shared_world), key=key)
    here = PLACES["the environment"](shared_world)

    refused = await send(shared_world.client, *here, there.row["id"])

    assert comparable(refused) != comparable(await send(shared_world.client, *here, new_id()))
