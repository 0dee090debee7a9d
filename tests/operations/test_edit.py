"""Changing a secret that is there, on both faces."""

from http import HTTPStatus
from typing import Any

import pytest

from gateway.domain.errors import ErrorCode
from gateway.domain.scopes import HOLDER_SCOPES, Scope
from tests.faces import Face, Row
from tests.operations.places import PLACES
from tests.world import World

pytestmark = pytest.mark.asyncio(loop_scope="module")

JOB = PLACES["the job"]
PROJECT = PLACES["the project"]


async def _row(face: Face, scope: Scope, holder_id: str, secret_id: str) -> Row:
    return next(row for row in await face.visible(scope, holder_id) if row["id"] == secret_id)


@pytest.mark.rule("C5")
@pytest.mark.parametrize("scope", HOLDER_SCOPES)
async def test_a_secret_of_every_scope_can_be_changed(
    shared_world: World, shared_face: Face, key: str, scope: Scope
) -> None:
    """Key, value and description change; the rest stays."""
    holder_id = shared_world.holders[scope]
    made = await shared_face.create(scope, holder_id, key=key, value="old", description="Old")

    edited = await shared_face.edit(
        scope, holder_id, made.row["id"], key=f"{key}_NEW", value="new", description="New"
    )

    assert edited.status is HTTPStatus.OK
    changed = {"key": f"{key}_NEW", "description": "New", "updated_at": edited.row["updated_at"]}
    assert edited.row == {**made.row, **changed}
    assert edited.row["updated_at"] > made.row["updated_at"]
    assert edited.row in await shared_face.visible(scope, holder_id)
    assert await shared_world.stored_value(made.row["id"]) == "new"


@pytest.mark.rule("C5")
@pytest.mark.parametrize("fields", [{}, {"value": None}], ids=["absent", "null"])
async def test_no_value_keeps_the_value(
    shared_world: World, shared_face: Face, key: str, fields: dict[str, Any]
) -> None:
    made = await shared_face.create(*JOB(shared_world), key=key, value="kept")

    edited = await shared_face.edit(
        *JOB(shared_world), made.row["id"], key=key, description="New", **fields
    )

    assert edited.row["description"] == "New"
    assert await shared_world.stored_value(made.row["id"]) == "kept"


@pytest.mark.rule("C5", "R6")
async def test_an_empty_value_empties_it(shared_world: World, shared_face: Face, key: str) -> None:
    made = await shared_face.create(*JOB(shared_world), key=key, value="full")

    edited = await shared_face.edit(*JOB(shared_world), made.row["id"], key=key, value="")

    assert edited.code is None
    assert await shared_world.stored_value(made.row["id"]) == ""


@pytest.mark.rule("C5")
async def test_what_is_left_out_stays(shared_world: World, shared_face: Face, key: str) -> None:
    made = await shared_face.create(
        *JOB(shared_world),
        key=key,
        mount_path=f"/etc/{key}",
        description="Kept",
        enable_interpolation_in_file=True,
    )

    edited = await shared_face.edit(*JOB(shared_world), made.row["id"], key=key, value="new")

    assert edited.row == {**made.row, "updated_at": edited.row["updated_at"]}


@pytest.mark.rule("C5")
async def test_the_key_is_required(shared_world: World, shared_face: Face, key: str) -> None:
    made = await shared_face.create(*JOB(shared_world), key=key, value="old")

    refused = await shared_face.edit(*JOB(shared_world), made.row["id"], value="new")

    assert (refused.status, refused.code) == (HTTPStatus.BAD_REQUEST, ErrorCode.BAD_USER_INPUT)
    assert await shared_world.stored_value(made.row["id"]) == "old"


@pytest.mark.rule("C2")
@pytest.mark.parametrize(
    "new_key",
    [
        "",
        "1KEY",
        "_KEY",
        "KE-Y",
        "KEY\n",
        "K" * 256,
        "QOVERY_KEY",
        "qovery_key",
        "K\N{KELVIN SIGN}",
    ],
)
async def test_a_new_key_obeys_the_rules_of_keys(
    shared_world: World, shared_face: Face, key: str, new_key: str
) -> None:
    """The same on edit."""
    made = await shared_face.create(*JOB(shared_world), key=key, value="old")

    refused = await shared_face.edit(*JOB(shared_world), made.row["id"], key=new_key, value="new")

    assert (refused.status, refused.code) == (HTTPStatus.BAD_REQUEST, ErrorCode.BAD_USER_INPUT)
    assert await _row(shared_face, *JOB(shared_world), made.row["id"]) == made.row
    assert await shared_world.stored_value(made.row["id"]) == "old"


@pytest.mark.rule("C9")
@pytest.mark.parametrize("text", ["a\0b", "x" * (64 * 1024 + 1)], ids=["NUL", "a byte more"])
async def test_a_new_value_obeys_the_rules_of_values(
    shared_world: World, shared_face: Face, key: str, text: str
) -> None:
    made = await shared_face.create(*JOB(shared_world), key=key, value="old")

    refused = await shared_face.edit(*JOB(shared_world), made.row["id"], key=key, value=text)

    assert (refused.status, refused.code) == (HTTPStatus.BAD_REQUEST, ErrorCode.BAD_USER_INPUT)
    assert await shared_world.stored_value(made.row["id"]) == "old"


@pytest.mark.rule("C5", "C8")
async def test_a_mount_path_that_is_sent_changes_nothing(shared_world: World, key: str) -> None:
    """On REST an unknown field is ignored; in the schema there is none to send."""
    made = await shared_world.rest.create(*JOB(shared_world), key=key, mount_path="/etc/old")

    edited = await shared_world.rest.edit(
        *JOB(shared_world), made.row["id"], key=key, mount_path="/etc/new"
    )

    result = await shared_world.graphql.ask(
        "query ($id: ID!) { secret(id: $id) { mountPath scope variableType } }",
        {"id": made.row["id"]},
    )
    assert edited.status is HTTPStatus.OK
    assert result["secret"] == {"mountPath": "/etc/old", "scope": "JOB", "variableType": "FILE"}


@pytest.mark.rule("A2")
async def test_an_edit_of_the_target_shows_through_its_alias(
    shared_world: World, shared_face: Face, key: str
) -> None:
    target = await shared_face.create(*PROJECT(shared_world), key=key, value="old")
    alias = await shared_face.alias(*JOB(shared_world), target.row["id"], key=f"{key}_ALIAS")

    await shared_face.edit(
        *PROJECT(shared_world), target.row["id"], key=key, value="new", description="New"
    )

    seen = await _row(shared_face, *JOB(shared_world), alias.row["id"])
    assert seen["aliased_secret"]["description"] == "New"
    assert seen["updated_at"] == alias.row["updated_at"]
    assert (await _delivered(shared_world))[f"{key}_ALIAS"] == "new"


@pytest.mark.rule("A2")
async def test_a_new_key_of_the_target_shows_through_its_alias(
    shared_world: World, shared_face: Face, key: str
) -> None:
    """It is a reference by id."""
    target = await shared_face.create(*PROJECT(shared_world), key=key, value="same")
    alias = await shared_face.alias(*JOB(shared_world), target.row["id"], key=f"{key}_ALIAS")

    await shared_face.edit(*PROJECT(shared_world), target.row["id"], key=f"{key}_NEW")

    seen = await _row(shared_face, *JOB(shared_world), alias.row["id"])
    assert seen["aliased_secret"] == {**alias.row["aliased_secret"], "key": f"{key}_NEW"}
    delivered = await _delivered(shared_world)
    assert (delivered[f"{key}_ALIAS"], delivered[f"{key}_NEW"]) == ("same", "same")
    assert key not in delivered


async def _delivered(world: World) -> dict[str, str]:
    answer = await world.graphql.ask(
        "query ($id: ID!) { runtimeSecrets(serviceId: $id) { key value } }",
        {"id": world.demo.job_id},
    )
    return {secret["key"]: secret["value"] for secret in answer["runtimeSecrets"]}
