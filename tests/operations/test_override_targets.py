"""What can be overridden, and that nothing is told of the rest."""

from http import HTTPStatus

import httpx
import pytest

from gateway.domain.errors import ErrorCode
from gateway.domain.holders import new_id
from gateway.domain.scopes import Scope
from tests.faces import Face
from tests.operations.answers import comparable
from tests.operations.places import PLACES
from tests.world import World

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.unmeasured]

PROJECT = PLACES["the project"]
ENVIRONMENT = PLACES["the environment"]
JOB = PLACES["the job"]
NOT_OVERRIDABLE = (HTTPStatus.BAD_REQUEST, ErrorCode.NOT_OVERRIDABLE)


async def _sent(world: World, holder: tuple[Scope, str], target_id: str) -> httpx.Response:
    scope, holder_id = holder
    path = f"/{scope.lower()}/{holder_id}/secret/{target_id}/override"
    return await world.client.post(path, json={"value": "x"})


@pytest.mark.rule("O3")
async def test_an_override_of_a_file_leaves_the_path_to_its_target(
    shared_world: World, shared_face: Face, key: str
) -> None:
    target = await shared_face.create(
        *PROJECT(shared_world), key=key, value="wide", mount_path=f"/etc/{key}"
    )

    made = await shared_face.override(*JOB(shared_world), target.row["id"], value="narrow")

    assert made.row["variable_type"] == "OVERRIDE"
    assert "mount_path" not in made.row
    assert made.row["overridden_secret"]["mount_path"] == f"/etc/{key}"
    assert made.row["overridden_secret"]["variable_type"] == "FILE"


@pytest.mark.rule("O3")
async def test_an_external_secret_can_be_overridden(
    shared_world: World, shared_face: Face, key: str
) -> None:
    """It has a value, as a VALUE has."""
    registered = await shared_world.graphql.ask(
        """mutation ($id: ID!, $key: String!) {
            registerProvidedSecret(
                holder: { projectId: $id }, input: { key: $key, value: "external" }
            ) { secret { id } } }""",
        {"id": shared_world.demo.project_id, "key": key},
    )
    external_id = registered["registerProvidedSecret"]["secret"]["id"]
    # X2: the legacy paths refuse it.
    at = (Scope.HELM, shared_world.demo.helm_id)

    made = await shared_face.override(*at, external_id, value="narrow")

    assert made.code is None
    assert made.row["overridden_secret"]["variable_type"] == "EXTERNAL_SECRET"


@pytest.mark.rule("O3")
async def test_a_built_in_cannot_be_overridden(shared_world: World, shared_face: Face) -> None:
    """Not even from the holder it hangs on, whose scope is lower."""
    built_in_id = shared_world.demo.built_in_secret_id

    from_the_job = await shared_face.override(*JOB(shared_world), built_in_id, value="x")
    from_its_place = await shared_face.override(*ENVIRONMENT(shared_world), built_in_id, value="x")

    assert (from_the_job.status, from_the_job.code) == NOT_OVERRIDABLE
    assert (from_its_place.status, from_its_place.code) == NOT_OVERRIDABLE


@pytest.mark.rule("O3")
async def test_an_alias_cannot_be_overridden(
    shared_world: World, shared_face: Face, key: str
) -> None:
    target = await shared_face.create(*PROJECT(shared_world), key=key)
    alias = await shared_face.alias(*ENVIRONMENT(shared_world), target.row["id"], key=f"{key}_A")

    refused = await shared_face.override(*JOB(shared_world), alias.row["id"], value="x")

    assert (refused.status, refused.code) == NOT_OVERRIDABLE


@pytest.mark.rule("O3")
async def test_an_override_cannot_be_overridden(
    shared_world: World, shared_face: Face, key: str
) -> None:
    target = await shared_face.create(*PROJECT(shared_world), key=key)
    override = await shared_face.override(*ENVIRONMENT(shared_world), target.row["id"], value="x")

    refused = await shared_face.override(*JOB(shared_world), override.row["id"], value="x")

    assert (refused.status, refused.code) == NOT_OVERRIDABLE


@pytest.mark.rule("O3")
async def test_one_value_may_have_overrides_at_several_scopes(
    shared_world: World, shared_face: Face, key: str
) -> None:
    """All of them target the VALUE."""
    target = await shared_face.create(*PROJECT(shared_world), key=key, value="wide")

    at_environment = await shared_face.override(
        *ENVIRONMENT(shared_world), target.row["id"], value="narrower"
    )
    at_job = await shared_face.override(*JOB(shared_world), target.row["id"], value="narrowest")

    answer = [made.row["overridden_secret"]["id"] for made in (at_environment, at_job)]
    assert answer == [target.row["id"]] * 2
    rows = await shared_face.visible(*JOB(shared_world))
    assert [row["scope"] for row in rows if row["key"] == key] == ["PROJECT", "ENVIRONMENT", "JOB"]


@pytest.mark.rule("O1")
@pytest.mark.parametrize(
    ("holder", "target"),
    [
        ("the job", "a sibling job"),
        ("the job", "a sibling container"),
        ("the job", "another environment"),
        ("the job", "another project"),
        ("the environment", "another project"),
        ("the environment", "another environment"),
        ("the project", "another project"),
    ],
)
async def test_a_target_out_of_reach_is_answered_as_one_that_does_not_exist(
    shared_world: World, key: str, holder: str, target: str
) -> None:
    """To the byte, but for ids and moments."""
    there = await shared_world.rest.create(*PLACES[target](shared_world), key=key)
    at = PLACES[holder](shared_world)

    refused = await _sent(shared_world, at, there.row["id"])

    assert refused.status_code == HTTPStatus.NOT_FOUND
    assert comparable(refused) == comparable(await _sent(shared_world, at, new_id()))


@pytest.mark.rule("A5")
@pytest.mark.parametrize("target_id", ["00000000-0000-0000-0000-000000000000", "no-uuid"])
async def test_an_id_that_nothing_has_is_not_found(
    shared_world: World, shared_face: Face, target_id: str
) -> None:
    """For overrides."""
    refused = await shared_face.override(*JOB(shared_world), target_id, value="x")

    assert (refused.status, refused.code) == (HTTPStatus.NOT_FOUND, ErrorCode.NOT_FOUND)
