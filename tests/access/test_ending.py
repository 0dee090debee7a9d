"""The end of a token is brought forward, and never put off."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx
import pytest

from gateway.domain.holders import new_id
from gateway.domain.permissions import Role
from gateway.domain.tokens import InvalidEnd, TokenHasEnded
from tests.patience import until
from tests.world import World

pytestmark = pytest.mark.asyncio(loop_scope="module")

CREATE: Final = """mutation ($role: Role!, $holder: SecretHolderRef, $days: Int) {
    payload: createApiToken(name: "ending", role: $role, holder: $holder, days: $days) {
        token apiToken { id } errors { code } } }"""
END: Final = """mutation ($id: ID!, $at: DateTime!, $keep: Boolean, $dry: Boolean, $once: String) {
    payload: endApiToken(
        tokenId: $id, at: $at, keepCreated: $keep, dryRun: $dry, idempotencyKey: $once
    ) {
        apiToken { id expiresAt } alsoEnded { id expiresAt }
        errors { __typename code message path } } }"""
REVOKE: Final = "mutation ($id: ID!) { revokeApiToken(tokenId: $id) { errors { code } } }"
EVENTS: Final = """{ auditEvents(first: 2, filter: {actions: [TOKEN_CHANGED]}) {
    nodes { subjectId details } } }"""


async def _answer(client: httpx.AsyncClient, document: str, **variables: Any) -> Any:
    body = {"query": document, "variables": variables}
    return (await client.post("/graphql", json=body)).json()


async def _made(client: httpx.AsyncClient, **fields: Any) -> Any:
    answer = await _answer(client, CREATE, **({"role": "ADMIN"} | fields))
    return answer["data"]["payload"]


async def _ended(client: httpx.AsyncClient, made: Any, at: datetime, **fields: Any) -> Any:
    variables = {"id": made["apiToken"]["id"], "at": at.isoformat(), **fields}
    return (await _answer(client, END, **variables))["data"]["payload"]


def _in(**duration: float) -> datetime:
    return datetime.now(UTC) + timedelta(**duration)


def _moment(token: Any) -> datetime:
    return datetime.fromisoformat(token["expiresAt"])


async def _statuses(world: World, made: Any) -> list[int]:
    """Return how each face answers a token."""
    client = world.client_for(made["token"])
    path = f"/job/{world.demo.job_id}/secret"
    answers = (await client.post("/graphql", json={"query": "{ __typename }"}), client.get(path))
    return [answers[0].status_code, (await answers[1]).status_code]


async def _refused_at(world: World, made: Any) -> datetime | None:
    """Return when both faces refuse a token; None if they do not."""
    return datetime.now(UTC) if await _statuses(world, made) == [401, 401] else None


async def test_a_token_works_until_its_new_end(shared_world: World) -> None:
    made = await _made(shared_world.client)
    later = await _made(shared_world.client)
    await _ended(shared_world.client, later, _in(hours=1))

    payload = await _ended(shared_world.client, made, end := _in(seconds=0.5))

    refused_at: datetime = await until(lambda: _refused_at(shared_world, made))
    assert (payload["errors"], _moment(payload["apiToken"])) == ([], end)
    assert refused_at >= end
    assert await _statuses(shared_world, later) == [200, 200]


async def test_what_it_created_ends_with_it(shared_world: World) -> None:
    root = await _made(shared_world.client)
    child = await _made(shared_world.client_for(root["token"]))
    short = await _made(shared_world.client_for(child["token"]))
    await _ended(shared_world.client, short, _in(minutes=5))

    payload = await _ended(shared_world.client, root, end := _in(hours=1))

    # What ends before is left as it is.
    assert [token["id"] for token in payload["alsoEnded"]] == [child["apiToken"]["id"]]
    assert {_moment(token) for token in (payload["apiToken"], *payload["alsoEnded"])} == {end}


async def test_what_it_created_can_be_kept(shared_world: World) -> None:
    root = await _made(shared_world.client)
    child = await _made(shared_world.client_for(root["token"]))

    payload = await _ended(shared_world.client, root, end := _in(seconds=0.5), keep=True)

    refused_at: datetime = await until(lambda: _refused_at(shared_world, root))
    assert refused_at >= end
    assert payload["alsoEnded"] == []
    assert await _statuses(shared_world, child) == [200, 200]


async def test_an_end_is_never_put_off(shared_world: World) -> None:
    made = await _made(shared_world.client, days=1)

    refused = await _ended(shared_world.client, made, _in(days=2))
    past = await _ended(shared_world.client, made, _in(seconds=-1))
    nearer = await _ended(shared_world.client, made, end := _in(hours=1))
    again = await _ended(shared_world.client, made, end)

    for payload in (refused, past):
        (error,) = payload["errors"]
        assert (error["__typename"], error["code"]) == ("InputError", "BAD_USER_INPUT")
        assert error["path"] == ["at"]
    assert _moment(nearer["apiToken"]) == _moment(again["apiToken"]) == end


async def test_a_token_that_has_ended_is_a_conflict(shared_world: World) -> None:
    made = await _made(shared_world.client)
    await _answer(shared_world.client, REVOKE, id=made["apiToken"]["id"])

    (error,) = (await _ended(shared_world.client, made, _in(hours=1)))["errors"]

    assert (error["__typename"], error["path"]) == ("ConflictError", ["tokenId"])


async def test_the_change_is_in_the_log_and_a_dry_run_and_a_repetition_are_not(
    shared_world: World,
) -> None:
    made = await _made(shared_world.client)
    before = (await _answer(shared_world.client, EVENTS))["data"]["auditEvents"]["nodes"]

    tried = await _ended(shared_world.client, made, end := _in(hours=1), dry=True)
    unchanged = (await _answer(shared_world.client, EVENTS))["data"]["auditEvents"]["nodes"]
    first = await _ended(shared_world.client, made, end, once="end-1")
    second = await _ended(shared_world.client, made, end, once="end-1")
    newest, older = (await _answer(shared_world.client, EVENTS))["data"]["auditEvents"]["nodes"]

    assert (before, tried["errors"]) == (unchanged, [])
    assert (newest["subjectId"], older) == (made["apiToken"]["id"], before[0])
    assert "expires_at" in newest["details"]
    assert first == second == tried


async def test_only_who_could_revoke_a_token_can_end_it(shared_world: World) -> None:
    job = {"jobId": shared_world.demo.job_id}
    wide, narrow = await _made(shared_world.client), await _made(shared_world.client, holder=job)
    of_job = shared_world.client_for((await _made(shared_world.client, holder=job))["token"])
    editor = await shared_world.client_with(Role.EDITOR)

    (unseen,) = (await _ended(of_job, wide, _in(hours=1)))["errors"]
    (unknown,) = (await _ended(of_job, {"apiToken": {"id": new_id()}}, _in(hours=1)))["errors"]
    seen = await _ended(of_job, narrow, _in(hours=1))
    variables = {"id": narrow["apiToken"]["id"], "at": _in(hours=1).isoformat()}
    forbidden = await _answer(editor, END, **variables)

    assert (unseen["code"], unknown["code"], seen["errors"]) == ("NOT_FOUND", "NOT_FOUND", [])
    assert forbidden["errors"][0]["extensions"]["code"] == "FORBIDDEN"


async def test_nothing_ends_where_one_of_them_has_more_than_the_caller(
    shared_world: World,
) -> None:
    project = {"projectId": shared_world.demo.project_id}
    root = await _made(shared_world.client, holder=project)
    child = await _made(shared_world.client_for(root["token"]), holder=project)
    grant = """mutation ($id: ID!) { grantRole(grantee: {tokenId: $id}, role: EDITOR) {
        errors { code } } }"""
    await _answer(shared_world.client, grant, id=child["apiToken"]["id"])
    beside = shared_world.client_for((await _made(shared_world.client, holder=project))["token"])
    variables = {"id": root["apiToken"]["id"], "at": _in(hours=1).isoformat()}

    refused = await _answer(beside, END, **variables)
    kept = await _ended(beside, root, _in(hours=1), keep=True)

    assert refused["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert (kept["errors"], kept["alsoEnded"]) == ([], [])


async def test_the_operator_ends_a_token_of_any_organization(shared_world: World) -> None:
    root = await _made(shared_world.client)
    child = await _made(shared_world.client_for(root["token"]))
    token_id, tokens = root["apiToken"]["id"], shared_world.runtime.operator.tokens

    ending = await tokens.end(token_id, at=(end := _in(hours=1)))

    assert (ending.ended.expires_at, ending.created[0].id) == (end, child["apiToken"]["id"])
    with pytest.raises(InvalidEnd):
        await tokens.end(token_id, at=_in(hours=2))
    await tokens.revoke(token_id)
    with pytest.raises(TokenHasEnded):
        await tokens.end(token_id, at=_in(minutes=1))
