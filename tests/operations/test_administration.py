"""Making, renaming and finding what secrets hang on."""

from typing import Any

import pytest

from gateway.domain.holders import is_canonical_id, new_id
from gateway.domain.scopes import HOLDER_SCOPES, SERVICE_SCOPES, Scope
from tests.world import World

pytestmark = pytest.mark.asyncio(loop_scope="module")

Json = dict[str, Any]
ERRORS = "errors { __typename code path }"
CREATIONS = {
    Scope.PROJECT: "createProject(name: $name)",
    Scope.ENVIRONMENT: "createEnvironment(projectId: $parent, name: $name)",
    **{
        scope: f"createService(environmentId: $parent, type: {scope}, name: $name)"
        for scope in SERVICE_SCOPES
    },
}
RENAME = f"""mutation ($holder: SecretHolderRef!, $name: String!) {{
    payload: renameHolder(holder: $holder, name: $name) {{ holder {{ id name }} {ERRORS} }} }}"""
NAMES_THAT_ARE_NONE = ["", " ", "x" * 256, "a\nb", "a\0b", " a", "a "]


async def _made(world: World, scope: Scope, name: str, parent_id: str | None = None) -> Json:
    above = scope.parent
    declared = ", $parent: ID!" if above else ""
    variables = {"name": name} | ({"parent": parent_id or world.holders[above]} if above else {})
    document = f"""mutation ($name: String!{declared}) {{ payload: {CREATIONS[scope]} {{
        holder {{ __typename id name }} {ERRORS} }} }}"""
    payload: Json = (await world.graphql.ask(document, variables))["payload"]
    return payload


async def _renamed(world: World, scope: Scope, holder_id: str, name: str) -> Json:
    variables = {"holder": {scope.id_argument: holder_id}, "name": name}
    payload: Json = (await world.graphql.ask(RENAME, variables))["payload"]
    return payload


@pytest.mark.parametrize("scope", HOLDER_SCOPES)
async def test_a_holder_of_every_kind_can_be_made_and_holds_secrets(
    shared_world: World, key: str, scope: Scope
) -> None:
    payload = await _made(shared_world, scope, key)

    holder = payload["holder"]
    assert payload["errors"] == []
    assert (holder["__typename"], holder["name"]) == (scope.camel_name, key)
    assert is_canonical_id(holder["id"])
    secret = await shared_world.rest.create(scope, holder["id"], key=key, value="x")
    assert await shared_world.stored_value(secret.row["id"]) == "x"


@pytest.mark.parametrize("scope", HOLDER_SCOPES)
async def test_a_new_holder_is_found_below_its_parent(
    shared_world: World, key: str, scope: Scope
) -> None:
    made = (await _made(shared_world, scope, key))["holder"]

    answer = await shared_world.graphql.ask(
        """query ($id: ID!) { node(id: $id) { __typename id
            ... on Environment { project { id } } ... on Service { environment { id } } } }""",
        {"id": made["id"]},
    )

    above = {
        Scope.PROJECT: {},
        Scope.ENVIRONMENT: {"project": {"id": shared_world.demo.project_id}},
    }.get(scope, {"environment": {"id": shared_world.demo.environment_id}})
    assert answer["node"] == {"__typename": scope.camel_name, "id": made["id"], **above}


@pytest.mark.parametrize("scope", HOLDER_SCOPES)
async def test_a_name_is_taken_once_a_place_and_kind(
    shared_world: World, key: str, scope: Scope
) -> None:
    await _made(shared_world, scope, key)

    again = await _made(shared_world, scope, key)

    assert again["holder"] is None
    assert again["errors"] == [
        {"__typename": "ConflictError", "code": "CONFLICT", "path": ["name"]}
    ]


async def test_other_places_and_kinds_may_have_the_same_name(shared_world: World, key: str) -> None:
    demo = shared_world.demo
    await _made(shared_world, Scope.JOB, key)

    payloads = [
        await _made(shared_world, Scope.CONTAINER, key),
        await _made(shared_world, Scope.JOB, key, demo.other_environment_id),
        await _made(shared_world, Scope.ENVIRONMENT, key),
        await _made(shared_world, Scope.ENVIRONMENT, key, demo.other_project_id),
        await _made(shared_world, Scope.PROJECT, key),
    ]

    assert [payload["errors"] for payload in payloads] == [[]] * 5


@pytest.mark.parametrize("scope", [Scope.PROJECT, Scope.ENVIRONMENT, Scope.HELM])
@pytest.mark.parametrize("name", NAMES_THAT_ARE_NONE)
async def test_what_is_no_name_is_refused(shared_world: World, scope: Scope, name: str) -> None:
    payload = await _made(shared_world, scope, name)

    assert payload["holder"] is None
    assert payload["errors"][0] == {
        "__typename": "InputError",
        "code": "BAD_USER_INPUT",
        "path": ["name"],
    }


@pytest.mark.parametrize("scope", [Scope.ENVIRONMENT, Scope.JOB])
@pytest.mark.parametrize("kind", ["unknown", "malformed", "another kind", "a secret"])
async def test_a_parent_that_is_not_there_is_not_found(
    *, shared_world: World, key: str, scope: Scope, kind: str
) -> None:
    parent_id = {
        "unknown": new_id(),
        "malformed": "no-uuid",
        "another kind": shared_world.demo.job_id,
        "a secret": shared_world.demo.built_in_secret_id,
    }[kind]

    payload = await _made(shared_world, scope, key, parent_id)

    above = str(scope.parent).lower()
    assert payload["errors"] == [
        {"__typename": "NotFoundError", "code": "NOT_FOUND", "path": [f"{above}Id"]}
    ]


async def test_a_database_holds_no_secrets(shared_world: World, key: str) -> None:
    payload = (
        await shared_world.graphql.ask(
            f"""mutation ($id: ID!, $name: String!) {{
                payload: createService(environmentId: $id, type: DATABASE, name: $name) {{
                    holder {{ id }} {ERRORS} }} }}""",
            {"id": shared_world.demo.environment_id, "name": key},
        )
    )["payload"]

    assert payload["holder"] is None
    assert payload["errors"] == [
        {"__typename": "InputError", "code": "BAD_USER_INPUT", "path": ["type"]}
    ]


@pytest.mark.rule("W2")
@pytest.mark.parametrize("scope", HOLDER_SCOPES)
async def test_a_holder_of_every_kind_can_be_renamed(
    shared_world: World, key: str, scope: Scope
) -> None:
    """The rows of a service tell its new name."""
    made = (await _made(shared_world, scope, key))["holder"]
    secret = await shared_world.rest.create(scope, made["id"], key=key)

    payload = await _renamed(shared_world, scope, made["id"], f"{key} renamed")

    assert payload == {"holder": {"id": made["id"], "name": f"{key} renamed"}, "errors": []}
    (row,) = (
        row
        for row in await shared_world.rest.visible(scope, made["id"])
        if row["id"] == secret.row["id"]
    )
    assert row.get("service_name") == (f"{key} renamed" if scope.is_service else None)


async def test_a_name_that_is_taken_cannot_be_taken_by_a_rename(
    shared_world: World, key: str
) -> None:
    made = (await _made(shared_world, Scope.JOB, key))["holder"]
    await _made(shared_world, Scope.JOB, f"{key} taken")

    payload = await _renamed(shared_world, Scope.JOB, made["id"], f"{key} taken")

    assert (payload["holder"], payload["errors"][0]["code"]) == (None, "CONFLICT")


async def test_a_rename_to_the_name_it_has_changes_nothing(shared_world: World, key: str) -> None:
    made = (await _made(shared_world, Scope.JOB, key))["holder"]

    payload = await _renamed(shared_world, Scope.JOB, made["id"], key)

    assert payload == {"holder": {"id": made["id"], "name": key}, "errors": []}


@pytest.mark.parametrize("name", NAMES_THAT_ARE_NONE)
async def test_a_rename_to_what_is_no_name_is_refused(shared_world: World, name: str) -> None:
    payload = await _renamed(shared_world, Scope.JOB, shared_world.demo.job_id, name)

    assert payload["errors"][0]["path"] == ["name"]


async def test_a_rename_of_what_is_not_there_is_not_found(shared_world: World) -> None:
    payload = await _renamed(shared_world, Scope.CONTAINER, shared_world.demo.job_id, "name")

    assert payload["errors"] == [
        {"__typename": "NotFoundError", "code": "NOT_FOUND", "path": ["holder"]}
    ]
