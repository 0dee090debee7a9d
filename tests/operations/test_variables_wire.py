"""How a row of the `/variable` family looks."""

from http import HTTPStatus
from typing import Any

import pytest

from gateway.domain.scopes import Scope
from tests.operations.places import PLACES
from tests.world import World

pytestmark = pytest.mark.asyncio(loop_scope="module")

Json = dict[str, Any]
ACCESS_ID = "3f0c1d2e-8a4b-4c6d-9e7f-102132435465"
ALWAYS = {
    "id",
    "key",
    "value",
    "scope",
    "variable_type",
    "mount_path",
    "description",
    "is_secret",
    "owned_by",
    "created_at",
    "updated_at",
}
OF_A_SERVICE = {"service_id", "service_name", "service_type"}
REFERENCE = {"id", "key", "value", "mount_path", "scope", "variable_type", "description"}


async def _created(world: World, scope: Scope, key: str, **fields: object) -> Json:
    named = {"variable_scope": scope, "variable_parent_id": world.holders[scope]}
    body = {"key": key, "value": "secret-text", "is_secret": True, **named, **fields}
    response = await world.client.post("/variable", json=body)
    row: Json = response.json()
    return row


async def _listed(world: World, **query: str) -> list[Json]:
    params = {"parent_id": world.demo.job_id, "scope": "JOB", **query}
    response = await world.client.get("/variable", params=params)
    assert response.status_code == HTTPStatus.OK, response.text
    rows: list[Json] = response.json()["results"]
    return rows


async def _row(world: World, secret_id: str) -> Json:
    return next(row for row in await _listed(world) if row["id"] == secret_id)


@pytest.mark.rule("V2")
async def test_a_value_is_there_and_null(shared_world: World, key: str) -> None:
    """`is_secret`, and no value leaves."""
    made = await _created(shared_world, Scope.JOB, key)

    assert set(made) == ALWAYS | OF_A_SERVICE
    assert made["value"] is None
    assert made["is_secret"] is True
    assert made["mount_path"] is None
    assert made["description"] == ""
    assert made["owned_by"] == "QOVERY"
    assert await _row(shared_world, made["id"]) == made


@pytest.mark.rule("V2", "W2")
async def test_a_row_of_a_wider_holder_has_no_service(shared_world: World, key: str) -> None:
    made = await _created(shared_world, Scope.PROJECT, key)

    assert set(made) == ALWAYS


@pytest.mark.rule("V2", "W2")
@pytest.mark.parametrize("scope", [scope for scope in Scope if scope.is_service])
async def test_a_row_of_a_service_names_it(shared_world: World, key: str, scope: Scope) -> None:
    made = await _created(shared_world, scope, key)

    assert (made["service_id"], made["service_type"]) == (shared_world.holders[scope], scope)
    assert made["service_name"]


@pytest.mark.rule("V2")
async def test_a_file_has_its_path(shared_world: World, key: str) -> None:
    made = await _created(shared_world, Scope.JOB, key, mount_path="/etc/file", description="Text")

    assert (made["variable_type"], made["mount_path"]) == ("FILE", "/etc/file")
    assert made["description"] == "Text"


@pytest.mark.rule("V2", "W1")
async def test_an_alias_says_its_target_without_a_value(shared_world: World, key: str) -> None:
    """The nested path is a text."""
    target = await _created(shared_world, Scope.PROJECT, key)
    response = await shared_world.client.post(
        f"/variable/{target['id']}/alias",
        json={"key": f"{key}_A", "alias_scope": "JOB", "alias_parent_id": shared_world.demo.job_id},
    )

    made = response.json()

    assert set(made) == ALWAYS | OF_A_SERVICE | {"aliased_variable"}
    assert made["value"] is None
    assert set(made["aliased_variable"]) == REFERENCE
    assert made["aliased_variable"]["value"] is None
    assert made["aliased_variable"]["mount_path"] == ""
    assert await _row(shared_world, made["id"]) == made


@pytest.mark.rule("O3", "V2")
async def test_an_override_says_its_target_without_a_value(shared_world: World, key: str) -> None:
    """The path of a FILE stays in the nested row."""
    target = await _created(shared_world, Scope.PROJECT, key, mount_path=f"/etc/{key}")
    named = {"override_scope": "JOB", "override_parent_id": shared_world.demo.job_id}
    response = await shared_world.client.post(
        f"/variable/{target['id']}/override", json={"value": "narrow"} | named
    )

    made = response.json()

    assert set(made) == ALWAYS | OF_A_SERVICE | {"overridden_variable"}
    assert made["mount_path"] is None
    assert set(made["overridden_variable"]) == REFERENCE
    assert made["overridden_variable"]["mount_path"] == f"/etc/{key}"
    assert await _row(shared_world, made["id"]) == made


@pytest.mark.rule("V2", "W2")
async def test_a_built_in_names_the_service_it_comes_from(shared_world: World) -> None:
    """DATABASE included."""
    row = await _row(shared_world, shared_world.demo.built_in_secret_id)

    assert (row["scope"], row["variable_type"]) == ("BUILT_IN", "BUILT_IN")
    assert (row["service_type"], row["service_name"]) == ("DATABASE", "orders-db")
    assert row["value"] is None


@pytest.mark.rule("V2")
async def test_no_answer_has_the_value(shared_world: World, key: str) -> None:
    made = await _created(shared_world, Scope.JOB, key, value="sesame-8f1c")

    response = await shared_world.client.get(
        "/variable", params={"parent_id": shared_world.demo.job_id, "scope": "JOB"}
    )

    assert made["id"] in response.text
    assert "sesame-8f1c" not in response.text


@pytest.mark.rule("V3")
@pytest.mark.parametrize(
    "is_secret", [False, None, "true", 1], ids=["false", "null", "text", "number"]
)
async def test_what_is_no_secret_is_not_created(
    shared_world: World, key: str, is_secret: object
) -> None:
    scope, holder_id = PLACES["the job"](shared_world)
    named = {"variable_scope": scope, "variable_parent_id": holder_id}
    body = {"key": key, "value": "x", "is_secret": is_secret, **named}

    response = await shared_world.client.post("/variable", json=body)

    rows = await shared_world.rest.visible(scope, holder_id)
    assert response.status_code == HTTPStatus.BAD_REQUEST
    assert "is_secret" in response.json()["detail"]
    assert key not in [row["key"] for row in rows]


@pytest.mark.rule("V3")
async def test_the_refusal_says_what_is_held_here(shared_world: World, key: str) -> None:
    named = {"variable_scope": "JOB", "variable_parent_id": shared_world.demo.job_id}

    response = await shared_world.client.post(
        "/variable", json={"key": key, "value": "x", "is_secret": False, **named}
    )

    assert response.json()["detail"] == (
        "`is_secret` must be true: this gateway stores secrets. Only an external secret can have "
        "`is_secret: false`, and it needs a `secret_manager_access_id`."
    )


@pytest.mark.rule("V3")
@pytest.mark.parametrize("spelling", ["false", "False", "FALSE"])
async def test_what_is_no_secret_is_external(shared_world: World, key: str, spelling: str) -> None:
    """The demo's one external secret, and nothing else."""
    await _created(shared_world, Scope.JOB, key)

    rows = await _listed(shared_world, is_secret=spelling)

    assert [(row["key"], row["is_secret"]) for row in rows] == [("TRACING_API_KEY", False)]


@pytest.mark.rule("V3")
@pytest.mark.parametrize("spelling", ["true", "True", "TRUE"])
async def test_the_list_of_secrets_has_all_others(
    shared_world: World, key: str, spelling: str
) -> None:
    """In any case, since a client that is generated in Python sends `True`."""
    made = await _created(shared_world, Scope.JOB, key)

    rows = await _listed(shared_world, is_secret=spelling)
    whole = await _listed(shared_world)

    assert made in rows
    assert rows == [row for row in whole if row["key"] != "TRACING_API_KEY"]
    assert len(rows) == len(whole) - 1


@pytest.mark.rule("X2")
@pytest.mark.parametrize("access_id", [ACCESS_ID, "no-uuid", 7], ids=["UUID", "text", "number"])
@pytest.mark.parametrize("is_secret", [True, False], ids=["secret", "public"])
async def test_a_reference_is_never_stored_as_a_value(
    shared_world: World, key: str, access_id: object, is_secret: object
) -> None:
    """No access is known, so its id is refused."""
    named = {"variable_scope": "JOB", "variable_parent_id": shared_world.demo.job_id}
    body = {"key": key, "value": "prod/db", "is_secret": is_secret, **named}

    response = await shared_world.client.post(
        "/variable", json={**body, "secret_manager_access_id": access_id}
    )

    assert response.status_code == HTTPStatus.BAD_REQUEST
    assert response.json()["detail"].startswith(
        "`secret_manager_access_id` does not name a secret manager"
    )
    assert key not in [row["key"] for row in await _listed(shared_world)]


@pytest.mark.rule("X2")
async def test_an_edit_does_not_take_an_unknown_access(shared_world: World, key: str) -> None:
    """Null is no access, and is ignored as before."""
    made = await _created(shared_world, Scope.JOB, key)
    path, body = f"/variable/{made['id']}", {"key": key, "value": "prod/db"}

    refused = await shared_world.client.put(
        path, json={**body, "secret_manager_access_id": ACCESS_ID}
    )
    kept = await shared_world.stored_value(made["id"])
    taken = await shared_world.client.put(path, json={**body, "secret_manager_access_id": None})

    assert (refused.status_code, kept) == (HTTPStatus.BAD_REQUEST, "secret-text")
    assert taken.status_code == HTTPStatus.OK
    assert await shared_world.stored_value(made["id"]) == "prod/db"


@pytest.mark.rule("C8", "V1")
@pytest.mark.parametrize(
    ("wrong", "answer"),
    [
        ({"scope": "BUILT_IN"}, "`scope` must be one of PROJECT, "),
        ({"scope": "job"}, "`scope` must be one of PROJECT, "),
        ({"scope": ""}, "`scope` must be one of PROJECT, "),
        ({"parent_id": "x"}, "`parent_id` must be a lowercase UUID."),
        ({"is_secret": "maybe"}, "`is_secret` must be true or false."),
    ],
    ids=str,
)
async def test_a_list_of_nothing_that_could_be_is_refused(
    shared_world: World, wrong: dict[str, str], answer: str
) -> None:
    params = {"parent_id": shared_world.demo.job_id, "scope": "JOB", **wrong}

    response = await shared_world.client.get("/variable", params=params)

    assert response.status_code == HTTPStatus.BAD_REQUEST
    assert response.json()["detail"].startswith(answer)
