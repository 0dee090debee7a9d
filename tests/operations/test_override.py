"""What an override is, on both faces."""

from http import HTTPStatus
from typing import Any

import pytest

from gateway.domain.errors import ErrorCode
from gateway.domain.scopes import HOLDER_SCOPES, SERVICE_SCOPES, Scope
from tests.faces import Face
from tests.operations.places import PLACES
from tests.world import World

pytestmark = pytest.mark.asyncio(loop_scope="module")

PROJECT = PLACES["the project"]
JOB = PLACES["the job"]
DESCRIBED: dict[str, Any] = {"description": "Of the target", "enable_interpolation_in_file": True}
LOWER = [
    *((Scope.PROJECT, scope) for scope in HOLDER_SCOPES if scope is not Scope.PROJECT),
    *((Scope.ENVIRONMENT, scope) for scope in SERVICE_SCOPES),
]


@pytest.mark.rule("O1", "O2")
@pytest.mark.parametrize(("target_scope", "scope"), LOWER)
async def test_override_can_be_made_at_every_lower_scope(
    *, shared_world: World, shared_face: Face, key: str, target_scope: Scope, scope: Scope
) -> None:
    """Its target's key, a value and an id of its own."""
    holder_id = shared_world.holders[scope]
    target = await shared_face.create(
        target_scope, shared_world.holders[target_scope], key=key, value="wide"
    )

    made = await shared_face.override(scope, holder_id, target.row["id"], value="narrow")

    assert made.code is None
    assert made.row["id"] != target.row["id"]
    assert (made.row["key"], made.row["scope"]) == (key, scope)
    assert made.row["variable_type"] == "OVERRIDE"
    assert made.row in await shared_face.visible(scope, holder_id)
    assert await shared_world.stored_value(made.row["id"]) == "narrow"
    assert await shared_world.stored_value(target.row["id"]) == "wide"


@pytest.mark.rule("O1")
@pytest.mark.parametrize("scope", HOLDER_SCOPES)
async def test_override_at_the_same_scope_is_refused(
    shared_world: World, shared_face: Face, key: str, scope: Scope
) -> None:
    holder_id = shared_world.holders[scope]
    target = await shared_face.create(scope, holder_id, key=key)

    refused = await shared_face.override(scope, holder_id, target.row["id"], value="narrow")

    assert (refused.status, refused.code) == (HTTPStatus.BAD_REQUEST, ErrorCode.SCOPE_VIOLATION)


@pytest.mark.rule("O1")
@pytest.mark.parametrize(
    ("place", "target_at"),
    [
        ("the project", "the environment"),
        ("the project", "the job"),
        ("the environment", "the job"),
        ("the environment", "a sibling container"),
    ],
)
async def test_override_at_a_higher_scope_is_refused(
    *, shared_world: World, shared_face: Face, key: str, place: str, target_at: str
) -> None:
    target = await shared_face.create(*PLACES[target_at](shared_world), key=key)

    refused = await shared_face.override(*PLACES[place](shared_world), target.row["id"], value="x")

    assert (refused.status, refused.code) == (HTTPStatus.BAD_REQUEST, ErrorCode.SCOPE_VIOLATION)


@pytest.mark.rule("O2")
async def test_override_says_all_facts_of_its_target(
    shared_world: World, shared_face: Face, key: str
) -> None:
    """As an alias does."""
    target = await shared_face.create(*PROJECT(shared_world), key=key, value="x", **DESCRIBED)

    made = await shared_face.override(*JOB(shared_world), target.row["id"], value="narrow")

    assert made.row["overridden_secret"] == {
        "id": target.row["id"],
        "key": key,
        "scope": "PROJECT",
        "variable_type": "VALUE",
        **DESCRIBED,
    }
    assert "aliased_secret" not in made.row
    assert "description" not in made.row
    assert "enable_interpolation_in_file" not in made.row


@pytest.mark.rule("O2")
async def test_override_has_a_description_of_its_own(
    shared_world: World, shared_face: Face, key: str
) -> None:
    target = await shared_face.create(*PROJECT(shared_world), key=key)

    made = await shared_face.override(*JOB(shared_world), target.row["id"], value="x", **DESCRIBED)

    assert {name: made.row[name] for name in DESCRIBED} == DESCRIBED
    assert "description" not in made.row["overridden_secret"]


@pytest.mark.rule("O1")
async def test_an_override_without_a_value_is_empty(
    shared_world: World, shared_face: Face, key: str
) -> None:
    """It does not fall back on its target's."""
    target = await shared_face.create(*PROJECT(shared_world), key=key, value="wide")

    made = await shared_face.override(*JOB(shared_world), target.row["id"])

    assert made.code is None
    assert await shared_world.stored_value(made.row["id"]) == ""


@pytest.mark.rule("C9")
@pytest.mark.parametrize("value", ["a\0b", "x" * (64 * 1024 + 1)], ids=["NUL", "a byte more"])
async def test_an_overrides_value_obeys_the_rules_of_values(
    shared_world: World, shared_face: Face, key: str, value: str
) -> None:
    target = await shared_face.create(*PROJECT(shared_world), key=key)

    refused = await shared_face.override(*JOB(shared_world), target.row["id"], value=value)

    assert (refused.status, refused.code) == (HTTPStatus.BAD_REQUEST, ErrorCode.BAD_USER_INPUT)


@pytest.mark.rule("C5", "O2")
async def test_an_overrides_value_can_be_changed(
    shared_world: World, shared_face: Face, key: str
) -> None:
    """And its target's stays."""
    target = await shared_face.create(*PROJECT(shared_world), key=key, value="wide")
    made = await shared_face.override(*JOB(shared_world), target.row["id"], value="narrow")

    edited = await shared_face.edit(
        *JOB(shared_world), made.row["id"], key=key, value="narrower", description="New"
    )

    assert edited.row["description"] == "New"
    assert await shared_world.stored_value(made.row["id"]) == "narrower"
    assert await shared_world.stored_value(target.row["id"]) == "wide"


@pytest.mark.rule("O2")
async def test_an_overrides_key_cannot_be_changed(
    shared_world: World, shared_face: Face, key: str
) -> None:
    """And nothing else of the same edit is."""
    target = await shared_face.create(*PROJECT(shared_world), key=key)
    made = await shared_face.override(*JOB(shared_world), target.row["id"], value="narrow")

    refused = await shared_face.edit(
        *JOB(shared_world), made.row["id"], key=f"{key}_NEW", value="new"
    )

    assert (refused.status, refused.code) == (HTTPStatus.BAD_REQUEST, ErrorCode.BAD_USER_INPUT)
    assert made.row in await shared_face.visible(*JOB(shared_world))
    assert await shared_world.stored_value(made.row["id"]) == "narrow"


@pytest.mark.rule("E3", "O4")
@pytest.mark.parametrize("scope", HOLDER_SCOPES[1:])
async def test_a_second_override_of_the_same_target_is_refused(
    shared_world: World, shared_face: Face, key: str, scope: Scope
) -> None:
    """The first is told, and stays."""
    holder_id = shared_world.holders[scope]
    target = await shared_face.create(*PROJECT(shared_world), key=key)
    first = await shared_face.override(scope, holder_id, target.row["id"], value="first")

    second = await shared_face.override(scope, holder_id, target.row["id"], value="second")

    assert (second.status, second.code) == (HTTPStatus.CONFLICT, ErrorCode.CONFLICT)
    assert second.existing
    assert (second.existing["id"], second.existing["scope"]) == (first.row["id"], scope)
    assert await shared_world.stored_value(first.row["id"]) == "first"


@pytest.mark.rule("O4")
async def test_after_a_deletion_the_same_target_can_be_overridden_again(
    shared_world: World, shared_face: Face, key: str
) -> None:
    target = await shared_face.create(*PROJECT(shared_world), key=key)
    first = await shared_face.override(*JOB(shared_world), target.row["id"], value="first")
    await shared_face.delete(*JOB(shared_world), first.row["id"])

    second = await shared_face.override(*JOB(shared_world), target.row["id"], value="second")

    assert second.code is None
    assert await shared_world.stored_value(second.row["id"]) == "second"
