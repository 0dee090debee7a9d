"""Changing only the version that was seen: `expectedVersion`, and how versions grow."""

from typing import Any

import pytest

from gateway.domain.drafts import HolderReference, ProvidedDraft
from gateway.domain.principals import Principal
from gateway.domain.scopes import LEGACY_SCOPES, Scope
from tests.operations.places import PLACES
from tests.world import World

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.rule("C5")]

JOB = PLACES["the job"]
PROJECT = PLACES["the project"]
Json = dict[str, Any]
ERRORS = """errors { __typename code path
    ... on VersionConflictError { expectedVersion actualVersion } }"""
EDIT = f"""mutation ($id: ID!, $key: String!, $value: String, $version: Int) {{
    payload: editSecret(
        secretId: $id, input: {{ key: $key, value: $value }}, expectedVersion: $version
    ) {{ secret {{ version }} {ERRORS} }} }}"""
DELETE = f"""mutation ($id: ID!, $version: Int) {{
    payload: deleteSecret(secretId: $id, expectedVersion: $version) {{
        deletedSecretIds {ERRORS} }} }}"""
ROTATE = f"""mutation ($id: ID!, $version: Int) {{
    payload: rotateProvidedSecret(secretId: $id, value: "next", expectedVersion: $version) {{
        secret {{ version }} {ERRORS} }} }}"""


async def _payload(world: World, document: str, **variables: object) -> Json:
    payload: Json = (await world.graphql.ask(document, variables))["payload"]
    return payload


async def _version(world: World, secret_id: str) -> int:
    answer = await world.graphql.ask(
        "query ($id: ID!) { secret(id: $id) { version } }", {"id": secret_id}
    )
    version: int = answer["secret"]["version"]
    return version


def _conflict(expected: int, actual: int) -> Json:
    return {
        "__typename": "VersionConflictError",
        "code": "VERSION_CONFLICT",
        "path": ["expectedVersion"],
        "expectedVersion": expected,
        "actualVersion": actual,
    }


async def test_every_edit_makes_the_next_version(shared_world: World, key: str) -> None:
    made = await shared_world.rest.create(*JOB(shared_world), key=key)
    secret_id = made.row["id"]
    first = await _version(shared_world, secret_id)

    edits = [await _payload(shared_world, EDIT, id=secret_id, key=key) for _ in range(3)]

    assert first == 1
    assert [edit["secret"]["version"] for edit in edits] == [2, 3, 4]


async def test_the_version_that_was_seen_is_changed(shared_world: World, key: str) -> None:
    made = await shared_world.rest.create(*JOB(shared_world), key=key, value="old")

    payload = await _payload(shared_world, EDIT, id=made.row["id"], key=key, value="new", version=1)

    assert payload == {"secret": {"version": 2}, "errors": []}
    assert await shared_world.stored_value(made.row["id"]) == "new"


@pytest.mark.parametrize("expected", [0, -1, 1, 3, 2**31 - 1])
async def test_another_version_is_not_changed(shared_world: World, key: str, expected: int) -> None:
    made = await shared_world.rest.create(*JOB(shared_world), key=key, value="old")
    await _payload(shared_world, EDIT, id=made.row["id"], key=key, value="seen")

    payload = await _payload(
        shared_world, EDIT, id=made.row["id"], key=f"{key}_NEW", value="lost", version=expected
    )

    assert payload == {"secret": None, "errors": [_conflict(expected, 2)]}
    assert await _version(shared_world, made.row["id"]) == 2
    assert await shared_world.stored_value(made.row["id"]) == "seen"


async def test_another_version_is_not_deleted(shared_world: World, key: str) -> None:
    made = await shared_world.rest.create(*JOB(shared_world), key=key, value="kept")

    refused = await _payload(shared_world, DELETE, id=made.row["id"], version=2)
    kept = await shared_world.stored_value(made.row["id"])
    deleted = await _payload(shared_world, DELETE, id=made.row["id"], version=1)

    assert refused == {"deletedSecretIds": [], "errors": [_conflict(2, 1)]}
    assert kept == "kept"
    assert deleted == {"deletedSecretIds": [made.row["id"]], "errors": []}


@pytest.mark.parametrize("scope", LEGACY_SCOPES)
@pytest.mark.parametrize("operation", ["edit", "delete"])
async def test_the_named_mutations_look_at_the_version_too(
    *, shared_world: World, key: str, scope: Scope, operation: str
) -> None:
    holder_id = shared_world.holders[scope]
    made = await shared_world.rest.create(scope, holder_id, key=key)
    given = "input: { key: $key }, " if operation == "edit" else ""
    declared = ", $key: String!" if operation == "edit" else ""
    document = f"""mutation ($holder: ID!, $id: ID!{declared}) {{
        payload: {operation}{scope.camel_name}Secret(
            {scope.id_argument}: $holder, secretId: $id, {given} expectedVersion: 9
        ) {{ {ERRORS} }} }}"""
    variables = {"holder": holder_id, "id": made.row["id"]}

    payload = await _payload(
        shared_world, document, **variables, **({"key": key} if operation == "edit" else {})
    )

    assert payload["errors"] == [_conflict(9, 1)]


async def test_a_rotation_looks_at_the_version_too(shared_world: World, key: str) -> None:
    demo = shared_world.demo
    made = await shared_world.runtime.services.for_principal(
        Principal.operator(demo.organization_id)
    ).administration.register(
        holder_reference=HolderReference(Scope.JOB, demo.job_id),
        draft=ProvidedDraft(key=key, value="first"),
    )

    refused = await _payload(shared_world, ROTATE, id=made.id, version=2)
    before = await shared_world.stored_value(made.id)
    rotated = await _payload(shared_world, ROTATE, id=made.id, version=1)

    assert refused["errors"] == [_conflict(2, 1)]
    assert before == "first"
    assert rotated == {"secret": {"version": 2}, "errors": []}
    assert await shared_world.stored_value(made.id) == "next"


@pytest.mark.rule("O1")
async def test_a_rename_of_the_target_is_a_new_version_of_its_overrides(
    shared_world: World, key: str
) -> None:
    """Their key changed, so who saw them before must look again."""
    target = await shared_world.rest.create(*PROJECT(shared_world), key=key)
    override = await shared_world.rest.override(*JOB(shared_world), target.row["id"], value="x")
    alias = await shared_world.rest.alias(*JOB(shared_world), target.row["id"], key=f"{key}_A")

    await _payload(shared_world, EDIT, id=target.row["id"], key=f"{key}_NEW")

    assert await _version(shared_world, override.row["id"]) == 2
    assert await _version(shared_world, alias.row["id"]) == 1


async def test_an_edit_of_the_targets_value_is_no_new_version_of_what_refers_to_it(
    shared_world: World, key: str
) -> None:
    target = await shared_world.rest.create(*PROJECT(shared_world), key=key)
    override = await shared_world.rest.override(*JOB(shared_world), target.row["id"], value="x")

    await _payload(shared_world, EDIT, id=target.row["id"], key=key, value="new")

    assert await _version(shared_world, override.row["id"]) == 1


async def test_what_was_refused_is_no_new_version(shared_world: World, key: str) -> None:
    made = await shared_world.rest.create(*JOB(shared_world), key=key)

    await _payload(shared_world, EDIT, id=made.row["id"], key="1BROKEN", version=1)

    assert await _version(shared_world, made.row["id"]) == 1


async def test_a_missing_secret_is_missing_whatever_version_is_expected(
    shared_world: World, key: str
) -> None:
    made = await shared_world.rest.create(*JOB(shared_world), key=key)
    await _payload(shared_world, DELETE, id=made.row["id"])

    again = await _payload(shared_world, DELETE, id=made.row["id"], version=1)

    assert [error["code"] for error in again["errors"]] == ["NOT_FOUND"]
