"""Deleting, on both faces."""

from http import HTTPStatus

import pytest

from gateway.domain.errors import ErrorCode
from gateway.domain.scopes import HOLDER_SCOPES, LEGACY_SCOPES, Scope
from tests.faces import Face
from tests.operations.places import PLACES
from tests.world import World

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.unmeasured]

JOB = PLACES["the job"]
NOT_FOUND = (HTTPStatus.NOT_FOUND, ErrorCode.NOT_FOUND)


@pytest.mark.rule("C7")
@pytest.mark.parametrize("scope", HOLDER_SCOPES)
async def test_what_was_deleted_is_not_there(
    shared_world: World, shared_face: Face, key: str, scope: Scope
) -> None:
    """A second DELETE is 404, and so is a PUT."""
    holder_id = shared_world.holders[scope]
    made = await shared_face.create(scope, holder_id, key=key)

    deleted = await shared_face.delete(scope, holder_id, made.row["id"])

    again = await shared_face.delete(scope, holder_id, made.row["id"])
    edited = await shared_face.edit(scope, holder_id, made.row["id"], key=key)
    assert deleted.code is None
    assert (again.status, again.code) == NOT_FOUND
    assert (edited.status, edited.code) == NOT_FOUND
    assert made.row not in await shared_face.visible(scope, holder_id)


@pytest.mark.rule("C7")
@pytest.mark.parametrize("scope", HOLDER_SCOPES)
async def test_rest_answers_204_with_an_empty_body(
    shared_world: World, key: str, scope: Scope
) -> None:
    made = await shared_world.rest.create(scope, shared_world.holders[scope], key=key)
    secret_id = made.row["id"]
    legacy = f"/{scope.lower()}/{shared_world.holders[scope]}/secret"
    folder = legacy if scope in LEGACY_SCOPES else "/variable"

    response = await shared_world.client.delete(f"{folder}/{secret_id}")

    assert response.status_code == HTTPStatus.NO_CONTENT
    assert response.content == b""
    assert not {"content-type", "content-length"} & set(response.headers)


@pytest.mark.rule("C3", "C7")
async def test_a_key_that_was_deleted_is_free_again(
    shared_world: World, shared_face: Face, key: str
) -> None:
    """The new secret has nothing of the old one."""
    old = await shared_face.create(*JOB(shared_world), key=key, value="old", description="Old")
    await shared_face.delete(*JOB(shared_world), old.row["id"])

    new = await shared_face.create(*PLACES["the project"](shared_world), key=key)

    assert new.code is None
    assert "description" not in new.row
    assert await shared_world.stored_value(new.row["id"]) == ""


@pytest.mark.rule("A7")
async def test_deleting_an_alias_leaves_its_target(
    shared_world: World, shared_face: Face, key: str
) -> None:
    target = await shared_face.create(*JOB(shared_world), key=key, value="kept")
    alias = await shared_face.alias(*JOB(shared_world), target.row["id"], key=f"{key}_ALIAS")

    deleted = await shared_face.delete(*JOB(shared_world), alias.row["id"])

    rows = await shared_face.visible(*JOB(shared_world))
    assert deleted.code is None
    assert target.row in rows
    assert alias.row not in rows
    assert await shared_world.stored_value(target.row["id"]) == "kept"


@pytest.mark.rule("A7")
async def test_deleting_an_override_leaves_its_target(
    shared_world: World, shared_face: Face, key: str
) -> None:
    target = await shared_face.create(*PLACES["the project"](shared_world), key=key, value="wide")
    override = await shared_face.override(*JOB(shared_world), target.row["id"], value="narrow")

    deleted = await shared_face.delete(*JOB(shared_world), override.row["id"])

    rows = await shared_face.visible(*JOB(shared_world))
    assert deleted.code is None
    assert target.row in rows
    assert override.row not in rows
    assert await shared_world.stored_value(target.row["id"]) == "wide"


@pytest.mark.rule("C7")
async def test_a_file_and_an_external_secret_can_be_deleted(
    shared_world: World, shared_face: Face, key: str
) -> None:
    """Only what is built in cannot."""
    at = PLACES["the environment"](shared_world)
    file = await shared_face.create(*at, key=key, mount_path="/etc/file")
    registered = await shared_world.graphql.ask(
        """mutation ($id: ID!, $key: String!) {
            registerProvidedSecret(
                holder: { environmentId: $id }, input: { key: $key, value: "external" }
            ) { secret { id variableType } } }""",
        {"id": shared_world.demo.environment_id, "key": f"{key}_EXTERNAL"},
    )
    external = registered["registerProvidedSecret"]["secret"]

    outcomes = [
        await shared_face.delete(*at, file.row["id"]),
        await shared_face.delete(*at, external["id"]),
    ]

    assert external["variableType"] == "EXTERNAL_SECRET"
    assert [outcome.code for outcome in outcomes] == [None, None]
