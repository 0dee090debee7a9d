"""A new key for what is there: overrides follow it, and taken keys stand in the way."""

from http import HTTPStatus

import pytest

from gateway.domain.errors import ErrorCode
from gateway.domain.scopes import Scope
from tests.faces import Face, Row
from tests.operations.places import PLACES
from tests.world import World

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.unmeasured]

PROJECT = PLACES["the project"]
ENVIRONMENT = PLACES["the environment"]
JOB = PLACES["the job"]


async def _rows(face: Face, world: World, place: str) -> dict[str, Row]:
    return {row["id"]: row for row in await face.visible(*PLACES[place](world))}


@pytest.mark.rule("O1", "O2")
async def test_all_overrides_follow_their_targets_new_key(
    shared_world: World, shared_face: Face, key: str
) -> None:
    """An override has its target's key."""
    target = await shared_face.create(*PROJECT(shared_world), key=key, value="wide")
    places = ["the environment", "the job", "a sibling container", "another environment"]
    overrides = {
        place: await shared_face.override(
            *PLACES[place](shared_world), target.row["id"], value=f"at {place}"
        )
        for place in places
    }

    edited = await shared_face.edit(*PROJECT(shared_world), target.row["id"], key=f"{key}_NEW")

    assert edited.code is None
    for place, override in overrides.items():
        seen = (await _rows(shared_face, shared_world, place))[override.row["id"]]
        assert (seen["key"], seen["overridden_secret"]["key"]) == (f"{key}_NEW", f"{key}_NEW")
        assert await shared_world.stored_value(override.row["id"]) == f"at {place}"


@pytest.mark.rule("A2")
async def test_an_alias_of_an_override_keeps_its_key(
    shared_world: World, shared_face: Face, key: str
) -> None:
    target = await shared_face.create(*PROJECT(shared_world), key=key)
    override = await shared_face.override(*ENVIRONMENT(shared_world), target.row["id"], value="x")
    alias = await shared_face.alias(*JOB(shared_world), override.row["id"], key=f"{key}_ALIAS")

    await shared_face.edit(*PROJECT(shared_world), target.row["id"], key=f"{key}_NEW")

    seen = (await _rows(shared_face, shared_world, "the job"))[alias.row["id"]]
    assert (seen["key"], seen["aliased_secret"]["key"]) == (f"{key}_ALIAS", f"{key}_NEW")


TAKEN = [
    ("the job", "the job"),
    ("the job", "the environment"),
    ("the job", "the project"),
    ("the environment", "the project"),
    ("the environment", "the job"),
    ("the environment", "a sibling container"),
    ("the project", "the environment"),
    ("the project", "the job"),
    ("the project", "another environment"),
]


@pytest.mark.rule("C3")
@pytest.mark.parametrize(("place", "taken_at"), TAKEN)
async def test_a_new_key_that_is_taken_in_the_chain_or_below_is_refused(
    *, shared_world: World, shared_face: Face, key: str, place: str, taken_at: str
) -> None:
    """And nothing is changed."""
    taken = await shared_face.create(*PLACES[taken_at](shared_world), key=f"{key}_TAKEN")
    made = await shared_face.create(*PLACES[place](shared_world), key=key, value="old")

    refused = await shared_face.edit(
        *PLACES[place](shared_world), made.row["id"], key=f"{key}_TAKEN", value="new"
    )

    assert (refused.status, refused.code) == (HTTPStatus.CONFLICT, ErrorCode.CONFLICT)
    assert refused.existing
    assert refused.existing["id"] == taken.row["id"]
    assert (await _rows(shared_face, shared_world, place))[made.row["id"]] == made.row
    assert await shared_world.stored_value(made.row["id"]) == "old"


@pytest.mark.rule("C3")
@pytest.mark.parametrize(
    ("place", "taken_at"),
    [
        ("the job", "a sibling job"),
        ("the job", "a sibling container"),
        ("the environment", "another environment"),
        ("the project", "another project"),
    ],
)
async def test_a_new_key_may_be_one_that_stands_apart(
    *, shared_world: World, shared_face: Face, key: str, place: str, taken_at: str
) -> None:
    """Siblings may share a key."""
    await shared_face.create(*PLACES[taken_at](shared_world), key=f"{key}_TAKEN")
    made = await shared_face.create(*PLACES[place](shared_world), key=key)

    edited = await shared_face.edit(
        *PLACES[place](shared_world), made.row["id"], key=f"{key}_TAKEN"
    )

    assert edited.code is None


@pytest.mark.rule("C3", "O1")
async def test_a_key_below_an_override_stands_in_the_way_of_its_targets_rename(
    shared_world: World, shared_face: Face, key: str
) -> None:
    """Overrides and targets stay together, or nothing moves."""
    target = await shared_face.create(*PROJECT(shared_world), key=key)
    override = await shared_face.override(*ENVIRONMENT(shared_world), target.row["id"], value="x")
    await shared_face.create(*JOB(shared_world), key=f"{key}_TAKEN")

    refused = await shared_face.edit(*PROJECT(shared_world), target.row["id"], key=f"{key}_TAKEN")

    rows = await _rows(shared_face, shared_world, "the job")
    assert refused.status is HTTPStatus.CONFLICT
    assert (rows[target.row["id"]]["key"], rows[override.row["id"]]["key"]) == (key, key)


@pytest.mark.rule("A6", "C3")
async def test_an_aliass_new_key_obeys_the_same_rule(
    shared_world: World, shared_face: Face, key: str
) -> None:
    """Its target's key is taken too."""
    target = await shared_face.create(*PROJECT(shared_world), key=key)
    alias = await shared_face.alias(*JOB(shared_world), target.row["id"], key=f"{key}_ALIAS")

    refused = await shared_face.edit(*JOB(shared_world), alias.row["id"], key=key)

    assert (refused.status, refused.code) == (HTTPStatus.CONFLICT, ErrorCode.CONFLICT)


@pytest.mark.rule("C2")
async def test_the_same_key_in_another_case_is_another_key(
    shared_world: World, shared_face: Face, key: str
) -> None:
    made = await shared_face.create(*JOB(shared_world), key=key)

    edited = await shared_face.edit(*JOB(shared_world), made.row["id"], key=key.lower())

    assert edited.row["key"] == key.lower()


@pytest.mark.rule("C3")
async def test_a_key_that_was_given_up_is_free_again(
    shared_world: World, shared_face: Face, key: str
) -> None:
    made = await shared_face.create(*PROJECT(shared_world), key=key)
    await shared_face.edit(*PROJECT(shared_world), made.row["id"], key=f"{key}_NEW")

    again = await shared_face.create(Scope.JOB, shared_world.demo.job_id, key=key)

    assert again.code is None
