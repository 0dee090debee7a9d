"""With a target go its aliases and overrides, wherever they are."""

from collections.abc import Mapping
from http import HTTPStatus

import pytest

from gateway.domain.errors import ErrorCode
from gateway.domain.scopes import HOLDER_SCOPES, Scope
from tests.faces import Face, Outcome
from tests.operations.places import PLACES, Place
from tests.world import World

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.unmeasured]

NOT_FOUND = (HTTPStatus.NOT_FOUND, ErrorCode.NOT_FOUND)
PROJECT = PLACES["the project"]
ENVIRONMENT = PLACES["the environment"]

Made = Mapping[str, tuple[Place, Outcome]]


async def _family(face: Face, world: World, key: str) -> tuple[Outcome, Made]:
    """Make a target with an alias at every scope, and an override at every lower one."""
    target = await face.create(*PROJECT(world), key=key, value="target")
    secret_id = target.row["id"]
    made: dict[str, tuple[Place, Outcome]] = {}
    for scope in HOLDER_SCOPES:
        at = (scope, world.holders[scope])
        made[f"alias at {scope}"] = at, await face.alias(*at, secret_id, key=f"{key}_{scope}")
    for scope in HOLDER_SCOPES[1:]:
        at = (scope, world.holders[scope])
        made[f"override at {scope}"] = at, await face.override(*at, secret_id, value="override")
    for place in ("another environment",):
        at = PLACES[place](world)
        made[f"override at {place}"] = at, await face.override(*at, secret_id, value="override")
        made[f"alias at {place}"] = at, await face.alias(*at, secret_id, key=f"{key}_ELSEWHERE")
    override_id = made["override at ENVIRONMENT"][1].row["id"]
    for scope in (Scope.ENVIRONMENT, Scope.JOB):
        at = (scope, world.holders[scope])
        made[f"alias of the override at {scope}"] = (
            at,
            await face.alias(*at, override_id, key=f"{key}_{scope}_OVERRIDE"),
        )
    return target, made


@pytest.mark.rule("A7")
async def test_all_that_refers_to_a_target_goes_with_it(
    shared_world: World, shared_face: Face, key: str
) -> None:
    """Each then answers exactly 404, to PUT and DELETE alike."""
    target, made = await _family(shared_face, shared_world, key)

    deleted = await shared_face.delete(*PROJECT(shared_world), target.row["id"])

    assert deleted.code is None
    for at, outcome in made.values():
        edited = await shared_face.edit(*at, outcome.row["id"], key=outcome.row["key"])
        again = await shared_face.delete(*at, outcome.row["id"])
        assert (edited.status, edited.code) == NOT_FOUND
        assert (again.status, again.code) == NOT_FOUND


@pytest.mark.rule("A7")
async def test_nothing_of_it_is_listed_anywhere(
    shared_world: World, shared_face: Face, key: str
) -> None:
    target, made = await _family(shared_face, shared_world, key)
    gone = {target.row["id"], *(outcome.row["id"] for _, outcome in made.values())}

    await shared_face.delete(*PROJECT(shared_world), target.row["id"])

    for scope in HOLDER_SCOPES:
        rows = await shared_face.visible(scope, shared_world.holders[scope])
        assert not gone & {row["id"] for row in rows}


@pytest.mark.rule("A7")
async def test_no_value_of_it_is_left_in_the_database(
    shared_world: World, shared_face: Face, key: str
) -> None:
    target, made = await _family(shared_face, shared_world, key)
    with_value = [target, *(item for _, item in made.values() if "overridden_secret" in item.row)]
    stored = [await shared_world.stored_value(outcome.row["id"]) for outcome in with_value]

    await shared_face.delete(*PROJECT(shared_world), target.row["id"])

    assert stored == ["target", *["override"] * (len(with_value) - 1)]
    for outcome in with_value:
        with pytest.raises(KeyError):
            await shared_world.stored_value(outcome.row["id"])


@pytest.mark.rule("A7")
async def test_graphql_says_all_that_went(shared_world: World, key: str) -> None:
    target, made = await _family(shared_world.graphql, shared_world, key)

    answer = await shared_world.graphql.ask(
        """mutation ($id: ID!) { deleteSecret(secretId: $id, withDependents: true) {
            deletedSecretIds holder { id } errors { message } } }""",
        {"id": target.row["id"]},
    )

    result = answer["deleteSecret"]
    assert result["errors"] == []
    assert result["holder"]["id"] == shared_world.demo.project_id
    assert result["deletedSecretIds"][0] == target.row["id"]
    assert sorted(result["deletedSecretIds"][1:]) == sorted(
        item.row["id"] for _, item in made.values()
    )


@pytest.mark.rule("A7")
async def test_with_an_override_go_its_own_aliases_only(
    shared_world: World, shared_face: Face, key: str
) -> None:
    target, made = await _family(shared_face, shared_world, key)
    goes = {name for name in made if name.startswith("alias of the override")}

    await shared_face.delete(
        *ENVIRONMENT(shared_world), made["override at ENVIRONMENT"][1].row["id"]
    )

    goes.add("override at ENVIRONMENT")
    rows = [row["id"] for row in await shared_face.visible(*PLACES["the job"](shared_world))]
    seen_by_the_job = {Scope.PROJECT, Scope.ENVIRONMENT, Scope.JOB}
    own = {name for name, (at, _) in made.items() if at[0] in seen_by_the_job}
    kept = {name for name in own - goes if "another" not in name}
    assert target.row["id"] in rows
    assert {name for name in own if made[name][1].row["id"] in rows} == kept


@pytest.mark.rule("A7", "C3")
async def test_keys_of_what_went_are_free_again(
    shared_world: World, shared_face: Face, key: str
) -> None:
    target, made = await _family(shared_face, shared_world, key)
    await shared_face.delete(*PROJECT(shared_world), target.row["id"])

    again = [
        await shared_face.create(*PROJECT(shared_world), key=outcome.row["key"])
        for _, outcome in made.values()
        if "aliased_secret" in outcome.row
    ]

    assert [outcome.code for outcome in again] == [None] * len(again)
