"""Ids that are none, or not spelled as ids are."""

import json
from collections.abc import Callable
from http import HTTPStatus

import pytest

from gateway.domain.errors import ErrorCode
from gateway.domain.holders import new_id
from gateway.domain.scopes import Scope
from tests.faces import Face
from tests.operations.answers import Send, comparable, graphql_alias, rest_alias
from tests.operations.places import PLACES
from tests.world import World

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.rule("S41")]

NIL = "00000000-0000-0000-0000-000000000000"
FACES = pytest.mark.parametrize("send", [graphql_alias, rest_alias])


@pytest.mark.rule("A5")
@FACES
async def test_the_nil_uuid_is_an_id_that_does_not_exist(shared_world: World, send: Send) -> None:
    here = PLACES["the job"](shared_world)

    refused = await send(shared_world.client, *here, NIL)

    assert comparable(refused) == comparable(await send(shared_world.client, *here, new_id()))


SPELLINGS: dict[str, Callable[[str], str]] = {
    "upper case": str.upper,
    "braces": lambda item: f"{{{item}}}",
    "no dashes": lambda item: item.replace("-", ""),
    "urn": lambda item: f"urn:uuid:{item}",
    "full-width digits": lambda item: item.translate({48 + n: 0xFF10 + n for n in range(10)}),
    "leading space": lambda item: f" {item}",
    "cut off": lambda item: item[:-1],
    "no id at all": lambda _: "not-an-id",
}


@pytest.mark.rule("A5")
@pytest.mark.parametrize("spell", SPELLINGS.values(), ids=SPELLINGS.keys())
async def test_another_spelling_of_a_targets_id_is_not_found(
    shared_world: World, shared_face: Face, spell: Callable[[str], str]
) -> None:
    demo = shared_world.demo

    refused = await shared_face.alias(
        Scope.JOB, demo.job_id, spell(demo.built_in_secret_id), key="ALIAS"
    )

    assert (refused.status, refused.code) == (HTTPStatus.NOT_FOUND, ErrorCode.NOT_FOUND)
    assert refused.detail == "No secret has that id."


@pytest.mark.rule("A5")
@pytest.mark.parametrize("spell", SPELLINGS.values(), ids=SPELLINGS.keys())
async def test_another_spelling_of_a_holders_id_is_not_found(
    shared_world: World, shared_face: Face, spell: Callable[[str], str]
) -> None:
    demo = shared_world.demo

    refused = await shared_face.alias(
        Scope.JOB, spell(demo.job_id), demo.built_in_secret_id, key="ALIAS"
    )

    assert (refused.status, refused.code) == (HTTPStatus.NOT_FOUND, ErrorCode.NOT_FOUND)
    assert refused.detail == "No job has that id."


@pytest.mark.rule("A5")
@pytest.mark.parametrize(("send", "newline"), [(graphql_alias, "\n"), (rest_alias, "%0A")])
async def test_a_targets_id_with_a_newline_behind_it_is_not_found(
    shared_world: World, send: Send, newline: str
) -> None:
    """In a path the newline is percent-encoded."""
    target_id = f"{shared_world.demo.built_in_secret_id}{newline}"

    refused = await send(shared_world.client, *PLACES["the job"](shared_world), target_id)

    assert "No secret has that id." in refused.text


@pytest.mark.rule("A5", "C8")
async def test_a_targets_id_that_utf8_cannot_carry_is_not_found(shared_world: World) -> None:
    """Only JSON can carry it."""
    here = PLACES["the job"](shared_world)
    document = """mutation ($holder: ID!, $target: ID!) {
        createJobSecretAlias(jobId: $holder, secretId: $target, input: { key: "ALIAS" }) {
            errors { code ... on NotFoundError { missingId } }
        } }"""

    response = await shared_world.client.post(
        "/graphql",
        content=json.dumps(
            {"query": document, "variables": {"holder": here[1], "target": "\ud800"}}
        ),
        headers={"Content-Type": "application/json"},
    )

    assert response.status_code < HTTPStatus.INTERNAL_SERVER_ERROR
    assert ErrorCode.INTERNAL not in response.text


@pytest.mark.rule("A5")
async def test_an_id_of_another_kind_of_holder_is_not_found(
    shared_world: World, shared_face: Face
) -> None:
    demo = shared_world.demo

    refused = await shared_face.alias(
        Scope.JOB, demo.container_id, demo.built_in_secret_id, key="ALIAS"
    )

    assert refused.code is ErrorCode.NOT_FOUND
    assert demo.container_id in refused.detail


@pytest.mark.rule("A5")
async def test_a_holder_is_no_target(shared_world: World, shared_face: Face) -> None:
    demo = shared_world.demo

    refused = await shared_face.alias(Scope.JOB, demo.job_id, demo.job_id, key="ALIAS")

    assert refused.code is ErrorCode.NOT_FOUND


@pytest.mark.rule("A5")
@pytest.mark.parametrize("method", ["PUT", "DELETE"])
async def test_an_empty_id_at_a_paths_end_is_not_found(world: World, method: str) -> None:
    path = f"/job/{world.demo.job_id}/secret/"

    answered = await world.client.request(method, path, json={"key": "ANY"})

    assert answered.status_code == 404


async def test_a_method_that_a_path_does_not_take_is_reported_all_that_it_takes(
    world: World,
) -> None:
    answered = await world.client.patch(f"/job/{world.demo.job_id}/secret", json={})

    assert answered.status_code == 405
    assert {"GET", "POST"} <= set(answered.headers["Allow"].split(", "))


async def test_a_line_break_at_a_paths_end_is_not_found(world: World) -> None:
    answered = await world.client.get(f"/job/{world.demo.job_id}/secret%0A")

    assert answered.status_code == 404
