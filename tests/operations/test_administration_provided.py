"""Secrets that are not written by callers: of the platform, and of an external manager."""

import json
from typing import Any

import pytest

from gateway.domain.scopes import HOLDER_SCOPES, Scope, ServiceType
from tests.operations.places import PLACES
from tests.world import World

pytestmark = pytest.mark.asyncio(loop_scope="module")

Json = dict[str, Any]
REGISTER = """mutation ($holder: SecretHolderRef!, $input: ProvidedSecretInput!) {
    payload: registerProvidedSecret(holder: $holder, input: $input) {
        secret { id key scope variableType ownedBy description serviceId serviceName serviceType
            version holder { id } }
        errors { code path } } }"""
ROTATE = """mutation ($id: ID!, $value: String!) {
    payload: rotateProvidedSecret(secretId: $id, value: $value) {
        secret { id version } errors { code path } } }"""
SOURCE = {"id": "5f0c9a0e-3b1d-4a55-8f3e-6c2d7b1a9e40", "name": "orders-db", "type": "DATABASE"}
JOB = PLACES["the job"]


async def _registered(world: World, scope: Scope, **fields: object) -> Json:
    body = {"value": "provided", **fields}
    variables = {"holder": {scope.id_argument: world.holders[scope]}, "input": body}
    # Not by httpx, which cannot encode a lone surrogate.
    response = await world.client.post(
        "/graphql",
        content=json.dumps({"query": REGISTER, "variables": variables}),
        headers={"Content-Type": "application/json"},
    )
    answer = response.json()
    assert "errors" not in answer, answer
    payload: Json = answer["data"]["payload"]
    return payload


async def _rotated(world: World, secret_id: str, value: str) -> Json:
    answer = await world.graphql.ask(ROTATE, {"id": secret_id, "value": value})
    payload: Json = answer["payload"]
    return payload


@pytest.mark.rule("W2")
@pytest.mark.parametrize("scope", HOLDER_SCOPES)
async def test_a_built_in_is_seen_from_where_it_was_registered(
    shared_world: World, key: str, scope: Scope
) -> None:
    """With the service that it comes from."""
    payload = await _registered(shared_world, scope, key=f"QOVERY_{key}", source=SOURCE)

    secret = payload["secret"]
    assert payload["errors"] == []
    assert (secret["scope"], secret["variableType"]) == ("BUILT_IN", "BUILT_IN")
    assert secret["holder"]["id"] == shared_world.holders[scope]
    result = (secret["serviceId"], secret["serviceName"], secret["serviceType"])
    assert result == tuple(SOURCE.values())
    rows = await shared_world.rest.visible(scope, shared_world.holders[scope])
    assert secret["id"] in [row["id"] for row in rows]
    assert await shared_world.stored_value(secret["id"]) == "provided"


@pytest.mark.parametrize("scope", HOLDER_SCOPES)
async def test_an_external_secret_belongs_to_its_holder(
    shared_world: World, key: str, scope: Scope
) -> None:
    payload = await _registered(
        shared_world, scope, key=key, ownedBy="Vault", description="Synchronized"
    )

    secret = payload["secret"]
    assert (secret["scope"], secret["variableType"]) == (scope, "EXTERNAL_SECRET")
    assert (secret["ownedBy"], secret["description"]) == ("Vault", "Synchronized")
    assert secret["serviceId"] == (shared_world.holders[scope] if scope.is_service else None)


@pytest.mark.rule("W4")
@pytest.mark.parametrize("kind", ServiceType)
async def test_a_built_in_may_come_from_every_kind_of_service(
    shared_world: World, key: str, kind: ServiceType
) -> None:
    payload = await _registered(
        shared_world, Scope.ENVIRONMENT, key=f"QOVERY_{key}", source=SOURCE | {"type": kind}
    )

    assert payload["secret"]["serviceType"] == kind


@pytest.mark.rule("C3")
async def test_a_key_that_is_taken_is_refused(shared_world: World, key: str) -> None:
    await shared_world.rest.create(*JOB(shared_world), key=key)

    built_in = await _registered(shared_world, Scope.ENVIRONMENT, key=key, source=SOURCE)
    external = await _registered(shared_world, Scope.PROJECT, key=key)

    assert [error["code"] for error in built_in["errors"]] == ["CONFLICT"]
    assert [error["code"] for error in external["errors"]] == ["CONFLICT"]


@pytest.mark.rule("A5", "C1", "C2", "C9")
@pytest.mark.parametrize(
    "wrong",
    [
        {"key": "1KEY"},
        {"key": "QOVERY_KEY"},
        {"value": "a\0b"},
        {"value": "x" * (64 * 1024 + 1)},
        {"description": "x" * 256},
        {"ownedBy": " "},
        {"ownedBy": "a\nb"},
        {"source": SOURCE | {"name": ""}},
        {"source": SOURCE | {"name": "a\nb"}},
        {"source": SOURCE | {"id": ""}},
        {"source": SOURCE | {"id": "no-uuid"}},
        {"source": SOURCE | {"id": "a\0b"}},
        {"source": SOURCE | {"id": "\ud800"}},
        {"source": SOURCE | {"id": "x" * 100}},
    ],
    ids=lambda wrong: f"{next(iter(wrong))} {str(wrong)[:70]!a}",
)
async def test_what_is_against_the_rules_is_refused(
    shared_world: World, key: str, wrong: Json
) -> None:
    """An id of a service is a UUID here as anywhere."""
    payload = await _registered(shared_world, Scope.ENVIRONMENT, **{"key": key, **wrong})

    assert payload["secret"] is None
    assert payload["errors"][0]["code"] == "BAD_USER_INPUT"


async def test_a_rotation_is_the_next_value(shared_world: World, key: str) -> None:
    made = (await _registered(shared_world, Scope.JOB, key=key, source=SOURCE))["secret"]

    payload = await _rotated(shared_world, made["id"], "next")

    assert payload == {"secret": {"id": made["id"], "version": 2}, "errors": []}
    assert await shared_world.stored_value(made["id"]) == "next"


@pytest.mark.rule("C9")
@pytest.mark.parametrize("value", ["a\0b", "x" * (64 * 1024 + 1)], ids=["NUL", "a byte more"])
async def test_a_rotation_to_what_is_no_value_is_refused(
    shared_world: World, key: str, value: str
) -> None:
    made = (await _registered(shared_world, Scope.JOB, key=key))["secret"]

    payload = await _rotated(shared_world, made["id"], value)

    assert payload["errors"] == [{"code": "BAD_USER_INPUT", "path": ["value"]}]
    assert await shared_world.stored_value(made["id"]) == "provided"


async def test_what_a_caller_wrote_is_not_rotated(shared_world: World, key: str) -> None:
    made = await shared_world.rest.create(*JOB(shared_world), key=key, value="mine")

    payload = await _rotated(shared_world, made.row["id"], "next")

    assert payload["errors"] == [{"code": "NOT_FOUND", "path": ["secretId"]}]
    assert await shared_world.stored_value(made.row["id"]) == "mine"


@pytest.mark.rule("C5")
@pytest.mark.parametrize("value", ["new", "", "provided"])
async def test_an_external_secrets_value_cannot_be_edited(
    shared_world: World, key: str, value: str
) -> None:
    """Its manager keeps it; key and description are the caller's."""
    made = (await _registered(shared_world, Scope.HELM, key=key))["secret"]
    at = (Scope.HELM, shared_world.demo.helm_id)

    refused = await shared_world.rest.edit(*at, made["id"], key=key, value=value)
    edited = await shared_world.rest.edit(*at, made["id"], key=f"{key}_NEW", description="New")

    assert refused.status == 400
    assert (edited.row["key"], edited.row["description"]) == (f"{key}_NEW", "New")
    assert await shared_world.stored_value(made["id"]) == "provided"
