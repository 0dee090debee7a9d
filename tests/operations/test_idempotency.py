"""Sent again under the same idempotency key, a request has one effect and one answer."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import pytest

from gateway.domain.permissions import Role
from gateway.domain.scopes import Scope
from tests.world import World

Json = dict[str, Any]
STATUSES = {
    "CONFLICT": HTTPStatus.CONFLICT,
    "IDEMPOTENCY_CONFLICT": HTTPStatus.CONFLICT,
    "BAD_USER_INPUT": HTTPStatus.BAD_REQUEST,
}
ANSWER = """secret { id key version createdAt aliasedSecret { id } overriddenSecret { id } }
    errors { code message path }"""


@dataclass(frozen=True, slots=True)
class Keyed:
    """Sends creations at the job under an idempotency key; answers with a status and a row."""

    world: World
    is_rest: bool

    async def create(self, once: str, /, **body: object) -> tuple[int, Json]:
        """Create a secret."""
        return await self._send(once, "createJobSecret", "SecretInput", body)

    async def alias(self, once: str, target_id: str, /, **body: object) -> tuple[int, Json]:
        """Create an alias."""
        return await self._send(once, "createJobSecretAlias", "SecretAliasInput", body, target_id)

    async def override(self, once: str, target_id: str, /, **body: object) -> tuple[int, Json]:
        """Create an override."""
        return await self._send(
            once, "createJobSecretOverride", "SecretOverrideInput", body, target_id
        )

    async def _send(
        self, once: str, name: str, kind: str, body: Mapping[str, object], target_id: str = ""
    ) -> tuple[int, Json]:
        if self.is_rest:
            return await self._by_rest(once, name, body, target_id)
        declared, passed = (", $t: ID!", "secretId: $t, ") if target_id else ("", "")
        document = f"""mutation ($job: ID!, $once: String!, $input: {kind}!{declared}) {{
            payload: {name}(jobId: $job, {passed}input: $input, idempotencyKey: $once) {{
                {ANSWER} }} }}"""
        variables = {"job": self.world.demo.job_id, "once": once, "input": body}
        answer = await self.world.graphql.ask(
            document, variables | ({"t": target_id} if target_id else {})
        )
        payload = answer["payload"]
        if payload["errors"]:
            return STATUSES[payload["errors"][0]["code"]], payload["errors"][0]
        return HTTPStatus.CREATED, payload["secret"]

    async def _by_rest(
        self, once: str, name: str, body: Mapping[str, object], target_id: str
    ) -> tuple[int, Json]:
        suffix = name.removeprefix("createJobSecret").lower()
        path = f"/job/{self.world.demo.job_id}/secret"
        response = await self.world.client.post(
            f"{path}/{target_id}/{suffix}" if target_id else path,
            json=body,
            headers={"Idempotency-Key": once},
        )
        return response.status_code, response.json()


@pytest.fixture(params=[False, True], ids=["graphql", "rest"])
def keyed(request: pytest.FixtureRequest, world: World) -> Keyed:
    """Each face in turn."""
    return Keyed(world, request.param)


async def _keys(world: World) -> list[str]:
    return [row["key"] for row in await world.rest.visible(Scope.JOB, world.demo.job_id)]


async def test_the_same_creation_has_one_effect_and_one_answer(world: World, keyed: Keyed) -> None:
    first = await keyed.create("once", key="KEY", value="x")

    again = await keyed.create("once", key="KEY", value="x")

    assert first[0] == HTTPStatus.CREATED
    assert again == first
    assert (await _keys(world)).count("KEY") == 1


async def test_the_same_alias_has_one_effect_and_one_answer(world: World, keyed: Keyed) -> None:
    first = await keyed.alias(
        "once", world.demo.built_in_secret_id, key="ALIAS", description="Once"
    )

    again = await keyed.alias(
        "once", world.demo.built_in_secret_id, key="ALIAS", description="Once"
    )

    assert first[0] == HTTPStatus.CREATED
    assert again == first
    assert (await _keys(world)).count("ALIAS") == 1


async def test_the_same_override_has_one_effect_and_one_answer(world: World, keyed: Keyed) -> None:
    target = await world.rest.create(Scope.PROJECT, world.demo.project_id, key="TARGET")
    target_id = target.row["id"]
    first = await keyed.override("once", target_id, value="x")

    again = await keyed.override("once", target_id, value="x")

    assert first[0] == HTTPStatus.CREATED
    assert again == first
    assert (await _keys(world)).count("TARGET") == 2


async def test_without_a_key_the_same_creation_is_a_conflict(world: World) -> None:
    at = (Scope.JOB, world.demo.job_id)
    await world.rest.create(*at, key="KEY", value="x")

    again = await world.rest.create(*at, key="KEY", value="x")

    assert again.status is HTTPStatus.CONFLICT


@pytest.mark.parametrize(
    "other",
    [
        {"key": "OTHER", "value": "x"},
        {"key": "KEY", "value": "y"},
        {"key": "KEY"},
        {"key": "KEY", "value": "x", "description": "Other"},
    ],
    ids=str,
)
async def test_another_body_under_the_same_key_is_a_conflict(
    world: World, keyed: Keyed, other: Json
) -> None:
    await keyed.create("once", key="KEY", value="x")
    before = await _keys(world)

    status, answer = await keyed.create("once", **other)

    assert (status, answer["code"]) == (HTTPStatus.CONFLICT, "IDEMPOTENCY_CONFLICT")
    assert "idempotency key" in (answer.get("detail") or answer["message"])
    assert await _keys(world) == before


async def test_another_operation_under_the_same_key_is_a_conflict(
    world: World, keyed: Keyed
) -> None:
    await keyed.create("once", key="KEY")

    status, _ = await keyed.alias("once", world.demo.built_in_secret_id, key="KEY")

    assert status == HTTPStatus.CONFLICT
    assert (await _keys(world)).count("KEY") == 1


async def test_both_faces_know_the_same_keys(world: World) -> None:
    status, made = await Keyed(world, is_rest=True).create("once", key="KEY")

    again, answer = await Keyed(world, is_rest=False).create("once", key="KEY")

    assert (status, again) == (HTTPStatus.CREATED, HTTPStatus.CREATED)
    assert answer["id"] == made["id"]


async def test_another_caller_may_use_the_same_key(world: World) -> None:
    path, header = f"/job/{world.demo.job_id}/secret", {"Idempotency-Key": "once"}
    other = await world.client_with(Role.EDITOR)
    await world.client.post(path, json={"key": "MINE"}, headers=header)

    theirs = await other.post(path, json={"key": "THEIRS"}, headers=header)

    assert theirs.status_code == HTTPStatus.CREATED
    assert theirs.json()["key"] == "THEIRS"


async def test_what_was_refused_is_not_remembered(world: World, keyed: Keyed) -> None:
    at = (Scope.JOB, world.demo.job_id)
    there = await world.rest.create(*at, key="KEY")
    refused, _ = await keyed.create("once", key="KEY")
    await world.rest.delete(*at, there.row["id"])

    status, _ = await keyed.create("once", key="KEY")

    assert (refused, status) == (HTTPStatus.CONFLICT, HTTPStatus.CREATED)


async def test_many_at_once_have_one_effect_and_one_answer(world: World, keyed: Keyed) -> None:
    answers = await asyncio.gather(*(keyed.create("once", key="KEY") for _ in range(10)))

    assert {status for status, _ in answers} == {HTTPStatus.CREATED}
    assert len({answer["id"] for _, answer in answers}) == 1
    assert (await _keys(world)).count("KEY") == 1


async def test_an_import_whose_rows_fail_has_one_answer(world: World) -> None:
    """The errors of rows come back as what they were, with the facts of their types."""
    job = world.demo.job_id
    below = await world.rest.create(Scope.JOB, job, key="BELOW")
    await world.rest.create(Scope.PROJECT, world.demo.project_id, key="ABOVE")
    document = """mutation ($job: ID!, $secrets: [ImportSecretInput!]!) { payload: importSecrets(
        holder: { jobId: $job }, overwrite: true, idempotencyKey: "once", secrets: $secrets
    ) { rows { key action secret { id version } } errors { __typename code message path
        ... on SecretKeyConflictError { key projectId existing { id } } } } }"""
    keys = {"BELOW": "PROJECT", "ABOVE": "JOB", "1BAD": "JOB", "FRESH": "JOB", "HELM": "HELM"}
    sent = [{"key": key, "scope": scope, "value": "v"} for key, scope in keys.items()]

    answers = [
        (await world.graphql.ask(document, {"job": job, "secrets": sent}))["payload"]
        for _ in range(2)
    ]

    assert answers[0] == answers[1]
    actions = [row["action"] for row in answers[0]["rows"]]
    assert actions == ["FAILED", "OVERRIDDEN", "FAILED", "CREATED", "FAILED"]
    conflict = answers[0]["errors"][0]
    assert (conflict["key"], conflict["existing"]["id"]) == ("BELOW", below.row["id"])


@pytest.mark.rule("H2", "R4")
async def test_a_repeated_answer_has_the_warnings_that_came_last(world: World) -> None:
    """Unknown names are looked for once all else is written."""
    document = """mutation ($id: ID!) { createJobSecret(
        jobId: $id, input: { key: "REFERRING", value: "{{NOT_THERE}}" }, idempotencyKey: "once"
    ) { secret { id } warnings { code message path } } }"""

    answers = [await world.graphql.ask(document, {"id": world.demo.job_id}) for _ in range(2)]

    assert answers[0] == answers[1]
    assert [warning["code"] for warning in answers[0]["createJobSecret"]["warnings"]] == [
        "REFERENCE_UNKNOWN"
    ]


async def test_a_repeated_answer_has_its_warnings(world: World) -> None:
    made = await world.rest.create(Scope.JOB, world.demo.job_id, key="KEY", value="x")
    document = """mutation ($id: ID!) { editSecret(
        secretId: $id, input: { key: "KEY", value: "" }, idempotencyKey: "once"
    ) { secret { version } errors { code } warnings { code message path } } }"""

    answers = [await world.graphql.ask(document, {"id": made.row["id"]}) for _ in range(2)]

    assert answers[0] == answers[1]
    assert [warning["code"] for warning in answers[0]["editSecret"]["warnings"]] == [
        "VALUE_EMPTIED"
    ]


async def test_a_lost_permission_is_not_answered_again(world: World) -> None:
    """The control is the first answer: the same token, before it lost its role."""
    made = await world.rest.create(Scope.JOB, world.demo.job_id, key="KEY")
    editor = await world.client_with(Role.EDITOR)
    path, header = f"/variable/{made.row['id']}", {"Idempotency-Key": "once"}
    first = await editor.put(path, json={"key": "KEY", "value": "x"}, headers=header)
    data = await world.graphql.ask("{ grants { edges { node { id granteeName } } } }", {})
    (grant,) = [
        edge["node"]["id"]
        for edge in data["grants"]["edges"]
        if edge["node"]["granteeName"] == f"a {Role.EDITOR}"
    ]
    await world.graphql.ask(
        "mutation ($id: ID!) { revokeRole(grantId: $id) { errors { code } } }", {"id": grant}
    )

    again = await editor.put(path, json={"key": "KEY", "value": "x"}, headers=header)

    assert (first.status_code, again.status_code) == (HTTPStatus.OK, HTTPStatus.FORBIDDEN)


@pytest.mark.parametrize("key", ["", " ", "a b", "x" * 256, "caf\xe9"])
async def test_what_no_header_carries_is_no_key(world: World, key: str) -> None:
    keyed = Keyed(world, is_rest=False)

    status, answer = await keyed.create(key, key="KEY")

    assert (status, answer["path"]) == (HTTPStatus.BAD_REQUEST, ["idempotencyKey"])
    assert "KEY" not in await _keys(world)
