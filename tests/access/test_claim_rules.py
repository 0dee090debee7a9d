"""Nobody gives more by a claim rule than they have, nor where they have it not."""

from typing import Any

import httpx
import pytest

from gateway.domain.claim_rules import MAX_CLAIM_RULES
from gateway.domain.holders import new_id
from gateway.domain.permissions import Role
from gateway.domain.scopes import Scope
from tests.access.territories import Territory
from tests.world import World

pytestmark = pytest.mark.asyncio(loop_scope="module")

CREATE = """mutation ($issuer: String!, $conditions: [ClaimConditionInput!]!, $role: Role!,
        $holder: SecretHolderRef, $days: Int, $key: String, $dryRun: Boolean) {
    payload: createClaimRule(name: "a rule", issuer: $issuer, conditions: $conditions, role: $role,
        holder: $holder, days: $days, idempotencyKey: $key, dryRun: $dryRun) {
        claimRule { id name issuer role holder { id } conditions { claim pattern } expiresAt
            createdBy { kind id } }
        errors { code path } } }"""
DELETE = """mutation ($id: ID!) {
    payload: deleteClaimRule(claimRuleId: $id) { claimRule { id } errors { code path } } }"""
LIST = "{ claimRules(first: 100) { nodes { id holder { id } } } }"
_ISSUER = "https://issuer.example"


async def _posted(client: httpx.AsyncClient, document: str, **variables: Any) -> Any:
    body = {"query": document, "variables": variables}
    return (await client.post("/graphql", json=body)).json()


async def _created(client: httpx.AsyncClient, **changes: Any) -> Any:
    sent = {"issuer": _ISSUER, "conditions": _conditions(groups=new_id()), "role": "VIEWER"}
    return await _posted(client, CREATE, **{**sent, **changes})


async def _done(client: httpx.AsyncClient, **changes: Any) -> Any:
    payload = (await _created(client, **changes))["data"]["payload"]
    assert payload["errors"] == []
    return payload["claimRule"]


def _outcome(answer: Any) -> tuple[str, Any]:
    if "errors" in answer:
        return answer["errors"][0]["extensions"]["code"], answer["errors"][0]["message"]
    (error,) = answer["data"]["payload"]["errors"]
    return error["code"], error["path"]


def _conditions(**claims: str) -> list[dict[str, str]]:
    return [{"claim": claim, "pattern": pattern} for claim, pattern in claims.items()]


async def test_a_rule_is_created_listed_and_deleted(shared_world: World, inside: Territory) -> None:
    admin = await inside.client(shared_world, Role.ADMIN)
    job = {"jobId": inside.ids["jobId"]}

    made = await _done(
        admin, conditions=_conditions(ref="main", groups="a"), role="RUNTIME", holder=job, days=1
    )
    listed = (await _posted(admin, LIST))["data"]["claimRules"]["nodes"]
    gone = (await _posted(admin, DELETE, id=made["id"]))["data"]["payload"]
    left = (await _posted(admin, LIST))["data"]["claimRules"]["nodes"]
    again = _outcome(await _posted(admin, DELETE, id=made["id"]))

    assert (made["role"], made["holder"], made["issuer"]) == (
        "RUNTIME",
        {"id": job["jobId"]},
        _ISSUER,
    )
    assert made["conditions"] == _conditions(groups="a", ref="main")
    assert made["expiresAt"]
    assert made["createdBy"] == {"kind": "TOKEN", "id": made["createdBy"]["id"]}
    assert {"id": made["id"], "holder": {"id": job["jobId"]}} in listed
    assert gone == {"claimRule": {"id": made["id"]}, "errors": []}
    assert made["id"] not in str(left)
    assert again == ("NOT_FOUND", ["claimRuleId"])


@pytest.mark.rule("S22", "S81")
@pytest.mark.parametrize("role", [Role.VIEWER, Role.EDITOR, Role.RUNTIME, Role.AUDITOR])
async def test_only_administrators_make_rules(
    shared_world: World, inside: Territory, role: Role
) -> None:
    client = await inside.client(shared_world, role)

    code, message = _outcome(await _created(client, holder={"jobId": inside.ids["jobId"]}))

    assert code == "FORBIDDEN"
    assert "access:manage" in message


@pytest.mark.rule("S22", "S81")
async def test_a_rule_gives_nothing_above_its_creator_or_beside_it(
    shared_world: World, inside: Territory, outside: Territory
) -> None:
    """Above, what it sees is forbidden; beside, there is nothing. The last is the control."""
    admin = await inside.client(shared_world, Role.ADMIN, on=Scope.ENVIRONMENT)

    outcomes = [
        _outcome(await _created(admin))[0],
        _outcome(await _created(admin, holder={"projectId": inside.ids["projectId"]}))[0],
        _outcome(await _created(admin, holder={"projectId": outside.ids["projectId"]}))[0],
        _outcome(await _created(admin, holder={"jobId": inside.ids["jobId"]}, role="OPERATOR"))[0],
    ]

    assert outcomes == ["FORBIDDEN", "FORBIDDEN", "NOT_FOUND", "FORBIDDEN"]
    assert (await _done(admin, holder={"jobId": inside.ids["jobId"]}))["id"]


@pytest.mark.rule("S22", "S81")
async def test_a_rule_that_one_could_not_make_cannot_be_deleted_or_seen(
    shared_world: World, inside: Territory, outside: Territory
) -> None:
    admin = await inside.client(shared_world, Role.ADMIN)
    operator = await shared_world.client_with(Role.OPERATOR)
    raised = await _done(operator, role="OPERATOR", holder={"jobId": inside.ids["jobId"]})
    wide = await _done(operator)

    outcomes = [
        _outcome(await _posted(admin, DELETE, id=each))[0]
        for each in (raised["id"], wide["id"], outside.ids["claimRuleId"], "none")
    ]
    listed = str((await _posted(admin, LIST))["data"])

    assert outcomes == ["FORBIDDEN", "NOT_FOUND", "NOT_FOUND", "NOT_FOUND"]
    assert raised["id"] in listed
    assert wide["id"] not in listed
    assert outside.ids["claimRuleId"] not in listed


async def test_the_same_rule_is_not_made_twice(shared_world: World) -> None:
    """Conditions in another order are the same; another role is not."""
    admin, sent = shared_world.client, _conditions(groups="twice", ref="main")
    await _done(admin, conditions=sent)

    again = await _created(admin, conditions=sent[::-1])

    assert _outcome(again) == ("CONFLICT", ["conditions"])
    assert (await _done(admin, conditions=sent, role="EDITOR"))["id"]


async def test_a_rule_is_made_once_under_an_idempotency_key(shared_world: World) -> None:
    admin, sent = shared_world.client, _conditions(groups="once")

    first = await _done(admin, conditions=sent, key="rule")
    repeated = await _done(admin, conditions=sent, key="rule")
    other = _outcome(await _created(admin, conditions=_conditions(groups="else"), key="rule"))

    assert first["id"] == repeated["id"]
    assert other == ("IDEMPOTENCY_CONFLICT", ["idempotencyKey"])


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"conditions": []}, "conditions"),
        ({"conditions": _conditions(sub="*")}, "conditions"),
        ({"issuer": "https://gitlab.com", "conditions": _conditions(ref="main")}, "conditions"),
        ({"issuer": ""}, "issuer"),
        ({"issuer": "https://i\0"}, "issuer"),
        ({"days": 0}, "days"),
        ({"days": 3_651}, "days"),
    ],
)
async def test_a_rule_without_meaning_is_refused(
    shared_world: World, changes: dict[str, Any], path: str
) -> None:
    refused = _outcome(await _created(shared_world.client, **changes))

    assert refused == ("BAD_USER_INPUT", [path])


async def test_rules_are_bounded(
    shared_world: World, inside: Territory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sign-ins read those of their issuer. The test lowers the maximum to what is there."""
    rows = (await _posted(shared_world.client, LIST))["data"]["claimRules"]["nodes"]
    assert inside.ids["claimRuleId"] in str(rows)
    monkeypatch.setattr("gateway.services.claim_rules.MAX_CLAIM_RULES", len(rows) + 1)

    last = await _done(shared_world.client)
    refused = _outcome(await _created(shared_world.client))

    assert last["id"]
    assert refused == ("CONFLICT", None)
    assert len(rows) < MAX_CLAIM_RULES
