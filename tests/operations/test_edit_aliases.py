"""What an edit can change of an alias, on both faces."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, Final

import pytest

from gateway.domain.errors import ErrorCode
from gateway.domain.scopes import Scope
from tests.faces import Face, Outcome
from tests.operations.places import PLACES
from tests.world import World

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.unmeasured]

JOB = PLACES["the job"]
PROJECT = PLACES["the project"]
STORED: Final = "the target's value"

Fields = Callable[[str], Mapping[str, Any]]

# From the target's key to what the body says of the value.
IGNORED: Mapping[str, Fields] = {
    "absent": lambda _: {},
    "null": lambda _: {"value": None},
    "the target's key": lambda key: {"value": key},
}
REFUSED: Mapping[str, Fields] = {
    "empty": lambda _: {"value": ""},
    "another text": lambda _: {"value": "new"},
    "the target's value": lambda _: {"value": STORED},
    "the target's key in lower case": lambda key: {"value": key.lower()},
    "the target's key and a space": lambda key: {"value": f"{key} "},
    "the target's key and a newline": lambda key: {"value": f"{key}\n"},
    "the alias's own key": lambda key: {"value": f"{key}_ALIAS"},
    "a reference to the target": lambda key: {"value": f"{{{{{key}}}}}"},
}


async def _aliased(face: Face, world: World, key: str) -> tuple[Outcome, Outcome]:
    target = await face.create(*PROJECT(world), key=key, value=STORED)
    alias = await face.alias(*JOB(world), target.row["id"], key=f"{key}_ALIAS", description="Old")
    return target, alias


@pytest.mark.rule("A6")
@pytest.mark.parametrize("fields", IGNORED.values(), ids=IGNORED)
async def test_what_says_no_other_value_is_ignored(
    shared_world: World, shared_face: Face, key: str, fields: Fields
) -> None:
    """The console sends the target's key."""
    target, alias = await _aliased(shared_face, shared_world, key)

    edited = await shared_face.edit(
        *JOB(shared_world),
        alias.row["id"],
        key=f"{key}_NEW",
        description="New",
        enable_interpolation_in_file=True,
        **fields(key),
    )

    assert edited.status is HTTPStatus.OK
    changed = {
        "key": f"{key}_NEW",
        "description": "New",
        "enable_interpolation_in_file": True,
        "updated_at": edited.row["updated_at"],
    }
    assert edited.row == {**alias.row, **changed}
    assert edited.row in await shared_face.visible(*JOB(shared_world))
    assert target.row in await shared_face.visible(*JOB(shared_world))
    assert await shared_world.stored_value(target.row["id"]) == STORED


@pytest.mark.rule("A6")
@pytest.mark.parametrize("fields", REFUSED.values(), ids=REFUSED)
async def test_any_other_value_is_refused(
    shared_world: World, shared_face: Face, key: str, fields: Fields
) -> None:
    """And nothing is changed."""
    target, alias = await _aliased(shared_face, shared_world, key)
    before = await shared_face.visible(*JOB(shared_world))

    refused = await shared_face.edit(
        *JOB(shared_world), alias.row["id"], key=f"{key}_NEW", description="New", **fields(key)
    )

    assert (refused.status, refused.code) == (HTTPStatus.BAD_REQUEST, ErrorCode.BAD_USER_INPUT)
    assert await shared_face.visible(*JOB(shared_world)) == before
    assert await shared_world.stored_value(target.row["id"]) == STORED


@pytest.mark.rule("A2", "A6")
async def test_the_targets_new_key_is_what_counts_after_a_rename(
    shared_world: World, shared_face: Face, key: str
) -> None:
    target, alias = await _aliased(shared_face, shared_world, key)
    await shared_face.edit(*PROJECT(shared_world), target.row["id"], key=f"{key}_NEW")
    at, alias_id = JOB(shared_world), alias.row["id"]

    old = await shared_face.edit(*at, alias_id, key=f"{key}_ALIAS", value=key)
    new = await shared_face.edit(*at, alias_id, key=f"{key}_ALIAS", value=f"{key}_NEW")

    assert old.status is HTTPStatus.BAD_REQUEST
    assert new.status is HTTPStatus.OK


@pytest.mark.rule("A6")
async def test_an_alias_of_a_built_in_takes_the_built_ins_key(
    shared_world: World, shared_face: Face, fresh_job: str
) -> None:
    """The key begins with what callers may not begin theirs with."""
    built_in_id = shared_world.demo.built_in_secret_id
    alias = await shared_face.alias(Scope.JOB, fresh_job, built_in_id, key="DATABASE")
    before = await shared_world.stored_value(built_in_id)

    edited = await shared_face.edit(
        Scope.JOB,
        fresh_job,
        alias.row["id"],
        key="DATABASE",
        value=alias.row["aliased_secret"]["key"],
    )

    assert edited.status is HTTPStatus.OK
    assert await shared_world.stored_value(built_in_id) == before


@pytest.mark.rule("A6")
async def test_a_description_can_be_taken_away(
    shared_world: World, shared_face: Face, key: str
) -> None:
    _, alias = await _aliased(shared_face, shared_world, key)

    edited = await shared_face.edit(
        *JOB(shared_world), alias.row["id"], key=f"{key}_ALIAS", description=""
    )

    assert "description" not in edited.row
