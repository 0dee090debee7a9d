"""The `/variable` family: one set of paths for holders of every kind."""

from http import HTTPStatus
from typing import Any

import pytest

from gateway.domain.scopes import HOLDER_SCOPES, LEGACY_SCOPES, Scope
from tests.operations.places import PLACES
from tests.world import World

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.unmeasured]

EVERY_SCOPE = pytest.mark.parametrize("scope", HOLDER_SCOPES)
Json = dict[str, Any]


async def _created(world: World, scope: Scope, key: str, **fields: object) -> Json:
    body = {"key": key, "value": "first", "is_secret": True, **fields}
    named = {"variable_scope": scope, "variable_parent_id": world.holders[scope]}
    response = await world.client.post("/variable", json=body | named)
    assert response.status_code == HTTPStatus.CREATED, response.text
    row: Json = response.json()
    return row


async def _listed(world: World, scope: Scope) -> list[Json]:
    response = await world.client.get(
        "/variable", params={"parent_id": world.holders[scope], "scope": scope}
    )
    assert response.status_code == HTTPStatus.OK
    rows: list[Json] = response.json()["results"]
    return rows


@pytest.mark.rule("V1")
@EVERY_SCOPE
async def test_a_variable_of_every_holder_is_created_and_listed(
    shared_world: World, key: str, scope: Scope
) -> None:
    made = await _created(shared_world, scope, key)

    assert (made["key"], made["scope"], made["variable_type"]) == (key, scope, "VALUE")
    assert made in await _listed(shared_world, scope)
    assert await shared_world.stored_value(made["id"]) == "first"


@pytest.mark.rule("V1")
@EVERY_SCOPE
async def test_a_variable_of_every_holder_is_edited(
    shared_world: World, key: str, scope: Scope
) -> None:
    """Its id alone names it."""
    made = await _created(shared_world, scope, key)

    response = await shared_world.client.put(
        f"/variable/{made['id']}", json={"key": f"{key}_NEW", "value": "next"}
    )

    edited = response.json()
    assert response.status_code == HTTPStatus.OK
    assert edited == {**made, "key": f"{key}_NEW", "updated_at": edited["updated_at"]}
    assert edited in await _listed(shared_world, scope)
    assert await shared_world.stored_value(made["id"]) == "next"


@pytest.mark.rule("C7", "V1")
@EVERY_SCOPE
async def test_a_variable_of_every_holder_is_deleted(
    shared_world: World, key: str, scope: Scope
) -> None:
    made = await _created(shared_world, scope, key)

    deleted = await shared_world.client.delete(f"/variable/{made['id']}")

    again = await shared_world.client.delete(f"/variable/{made['id']}")
    assert (deleted.status_code, deleted.content) == (HTTPStatus.NO_CONTENT, b"")
    assert again.status_code == HTTPStatus.NOT_FOUND
    assert made not in await _listed(shared_world, scope)


@pytest.mark.rule("A1", "V1")
@EVERY_SCOPE
async def test_an_alias_is_made_at_every_holder(
    shared_world: World, key: str, scope: Scope
) -> None:
    target = await _created(shared_world, Scope.PROJECT, key)
    named = {"alias_scope": scope, "alias_parent_id": shared_world.holders[scope]}

    response = await shared_world.client.post(
        f"/variable/{target['id']}/alias", json={"key": f"{key}_ALIAS"} | named
    )

    made = response.json()
    assert response.status_code == HTTPStatus.CREATED
    assert (made["scope"], made["variable_type"]) == (scope, "ALIAS")
    assert made["aliased_variable"]["id"] == target["id"]
    assert made in await _listed(shared_world, scope)


@pytest.mark.rule("O1", "V1")
@pytest.mark.parametrize("scope", HOLDER_SCOPES[1:])
async def test_an_override_is_made_at_every_lower_holder(
    shared_world: World, key: str, scope: Scope
) -> None:
    target = await _created(shared_world, Scope.PROJECT, key)
    named = {"override_scope": scope, "override_parent_id": shared_world.holders[scope]}

    response = await shared_world.client.post(
        f"/variable/{target['id']}/override", json={"value": "narrow"} | named
    )

    made = response.json()
    assert response.status_code == HTTPStatus.CREATED
    assert (made["scope"], made["variable_type"]) == (scope, "OVERRIDE")
    assert made["overridden_variable"]["id"] == target["id"]
    assert made in await _listed(shared_world, scope)
    assert await shared_world.stored_value(made["id"]) == "narrow"


@pytest.mark.rule("V1")
@pytest.mark.parametrize("scope", LEGACY_SCOPES)
async def test_both_families_are_over_the_same_store(
    shared_world: World, key: str, scope: Scope
) -> None:
    """Same ids, either way round; but for external secrets, which the older one leaves out."""
    holder_id = shared_world.holders[scope]
    new = await _created(shared_world, scope, key)
    old = await shared_world.rest.create(scope, holder_id, key=f"{key}_OLD")

    legacy = {row["id"] for row in await shared_world.rest.visible(scope, holder_id)}
    family = {row["id"] for row in await _listed(shared_world, scope) if row["is_secret"]}

    assert legacy == family
    assert {new["id"], old.row["id"]} <= legacy


@pytest.mark.rule("C6", "V1")
async def test_what_a_built_in_cannot_be_it_cannot_be_here_either(shared_world: World) -> None:
    path = f"/variable/{shared_world.demo.built_in_secret_id}"

    edited = await shared_world.client.put(path, json={"key": "KEY", "value": "mine"})
    deleted = await shared_world.client.delete(path)

    assert edited.status_code == HTTPStatus.FORBIDDEN
    assert deleted.status_code == HTTPStatus.FORBIDDEN


@pytest.mark.rule("A5", "V1")
@pytest.mark.parametrize("method", ["PUT", "DELETE"])
@pytest.mark.parametrize(
    "variable_id", ["5f0c9a0e-3b1d-4a55-8f3e-6c2d7b1a9e40", "no-uuid", "0" * 36]
)
async def test_an_id_that_nothing_has_is_not_found(
    shared_world: World, method: str, variable_id: str
) -> None:
    body = {"key": "KEY"} if method == "PUT" else None

    response = await shared_world.client.request(method, f"/variable/{variable_id}", json=body)

    assert response.status_code == HTTPStatus.NOT_FOUND


@pytest.mark.rule("A5", "C8", "V1")
@pytest.mark.parametrize(
    "wrong",
    [
        {"variable_scope": "BUILT_IN"},
        {"variable_scope": "DATABASE"},
        {"variable_scope": "job"},
        {"variable_scope": None},
        {"variable_parent_id": None},
        {"variable_parent_id": "no-uuid"},
        {"variable_parent_id": 1},
        {"value": None},
        {"value": 1},
        {"key": None},
    ],
    ids=str,
)
async def test_a_body_that_names_no_holder_or_value_is_refused(
    shared_world: World, key: str, wrong: dict[str, object]
) -> None:
    """A malformed UUID in a body is 400."""
    named = {"variable_scope": "JOB", "variable_parent_id": shared_world.demo.job_id}
    body = {"key": key, "value": "x", "is_secret": True, **named, **wrong}

    response = await shared_world.client.post("/variable", json=body)

    assert response.status_code == HTTPStatus.BAD_REQUEST
    assert next(iter(wrong)) in response.json()["detail"]


@pytest.mark.rule("V1")
async def test_a_holder_of_another_kind_than_named_is_not_found(
    shared_world: World, key: str
) -> None:
    named = {"variable_scope": "CONTAINER", "variable_parent_id": shared_world.demo.job_id}
    body = {"key": key, "value": "x", "is_secret": True}

    created = await shared_world.client.post("/variable", json=body | named)
    listed = await shared_world.client.get(
        "/variable", params={"parent_id": shared_world.demo.job_id, "scope": "CONTAINER"}
    )

    assert created.status_code == HTTPStatus.NOT_FOUND
    assert listed.status_code == HTTPStatus.NOT_FOUND


@pytest.mark.rule("L2", "V1")
async def test_the_list_is_ordered_as_the_older_one(shared_world: World, key: str) -> None:
    scope, holder_id = PLACES["the job"](shared_world)
    await _created(shared_world, Scope.JOB, key)

    listed = await _listed(shared_world, scope)

    legacy = await shared_world.rest.visible(scope, holder_id)
    assert [row["id"] for row in listed if row["is_secret"]] == [row["id"] for row in legacy]
