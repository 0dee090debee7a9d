"""Calls of the mutations on claim rules, and what comes of them."""

from typing import Any, Final

import httpx

from gateway.domain.holders import new_id

CREATE: Final = """mutation ($issuer: String!, $conditions: [ClaimConditionInput!]!, $role: Role!,
        $holder: SecretHolderRef, $days: Int, $key: String, $dryRun: Boolean) {
    payload: createClaimRule(name: "a rule", issuer: $issuer, conditions: $conditions, role: $role,
        holder: $holder, days: $days, idempotencyKey: $key, dryRun: $dryRun) {
        claimRule { id name issuer role holder { id } conditions { claim pattern } expiresAt
            createdBy { kind id } }
        errors { code path } } }"""
DELETE: Final = """mutation ($id: ID!) {
    payload: deleteClaimRule(claimRuleId: $id) { claimRule { id } errors { code path } } }"""
LIST: Final = "{ claimRules(first: 100) { nodes { id holder { id } } } }"
ISSUER: Final = "https://issuer.example"


async def posted(client: httpx.AsyncClient, document: str, **variables: Any) -> Any:
    body = {"query": document, "variables": variables}
    return (await client.post("/graphql", json=body)).json()


async def created(client: httpx.AsyncClient, **changes: Any) -> Any:
    sent = {"issuer": ISSUER, "conditions": conditions_on(groups=new_id()), "role": "VIEWER"}
    return await posted(client, CREATE, **{**sent, **changes})


async def done(client: httpx.AsyncClient, **changes: Any) -> Any:
    payload = (await created(client, **changes))["data"]["payload"]
    assert payload["errors"] == []
    return payload["claimRule"]


def outcome_of(answer: Any) -> tuple[str, Any]:
    if "errors" in answer:
        return answer["errors"][0]["extensions"]["code"], answer["errors"][0]["message"]
    (error,) = answer["data"]["payload"]["errors"]
    return error["code"], error["path"]


def conditions_on(**claims: str) -> list[dict[str, str]]:
    return [{"claim": claim, "pattern": pattern} for claim, pattern in claims.items()]
