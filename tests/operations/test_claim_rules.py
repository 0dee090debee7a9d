"""Claim rules over GraphQL: made, listed, deleted, and refused where they mean nothing."""

from typing import Any

import pytest

from gateway.domain.claim_rules import MAX_CLAIM_RULES
from gateway.domain.drafts import HolderReference
from gateway.domain.permissions import Role
from gateway.domain.scopes import Scope
from tests.operations.claim_rule_calls import (
    DELETE,
    ISSUER,
    LIST,
    conditions_on,
    created,
    done,
    outcome_of,
    posted,
)
from tests.world import World

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_rule_is_created_listed_and_deleted(shared_world: World) -> None:
    job = {"jobId": shared_world.demo.job_id}
    on = HolderReference(Scope.PROJECT, shared_world.demo.project_id)
    admin = await shared_world.client_with(Role.ADMIN, on=on)

    made = await done(
        admin, conditions=conditions_on(ref="main", groups="a"), role="RUNTIME", holder=job, days=1
    )
    listed = (await posted(admin, LIST))["data"]["claimRules"]["nodes"]
    gone = (await posted(admin, DELETE, id=made["id"]))["data"]["payload"]
    left = (await posted(admin, LIST))["data"]["claimRules"]["nodes"]
    again = outcome_of(await posted(admin, DELETE, id=made["id"]))

    assert (made["role"], made["holder"], made["issuer"]) == (
        "RUNTIME",
        {"id": job["jobId"]},
        ISSUER,
    )
    assert made["conditions"] == conditions_on(groups="a", ref="main")
    assert made["expiresAt"]
    assert made["createdBy"] == {"kind": "TOKEN", "id": made["createdBy"]["id"]}
    assert {"id": made["id"], "holder": {"id": job["jobId"]}} in listed
    assert gone == {"claimRule": {"id": made["id"]}, "errors": []}
    assert made["id"] not in str(left)
    assert again == ("NOT_FOUND", ["claimRuleId"])


async def test_the_same_rule_is_not_made_twice(shared_world: World) -> None:
    """Conditions in another order are the same; another role is not."""
    admin, sent = shared_world.client, conditions_on(groups="twice", ref="main")
    await done(admin, conditions=sent)

    again = await created(admin, conditions=sent[::-1])

    assert outcome_of(again) == ("CONFLICT", ["conditions"])
    assert (await done(admin, conditions=sent, role="EDITOR"))["id"]


async def test_a_rule_is_made_once_under_an_idempotency_key(shared_world: World) -> None:
    admin, sent = shared_world.client, conditions_on(groups="once")

    first = await done(admin, conditions=sent, key="rule")
    repeated = await done(admin, conditions=sent, key="rule")
    other = outcome_of(await created(admin, conditions=conditions_on(groups="else"), key="rule"))

    assert first["id"] == repeated["id"]
    assert other == ("IDEMPOTENCY_CONFLICT", ["idempotencyKey"])


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"conditions": []}, "conditions"),
        ({"conditions": conditions_on(sub="*")}, "conditions"),
        ({"issuer": "https://gitlab.com", "conditions": conditions_on(ref="main")}, "conditions"),
        ({"issuer": ""}, "issuer"),
        ({"issuer": "https://i\0"}, "issuer"),
        ({"days": 0}, "days"),
        ({"days": 3_651}, "days"),
    ],
)
async def test_a_rule_without_meaning_is_refused(
    shared_world: World, changes: dict[str, Any], path: str
) -> None:
    refused = outcome_of(await created(shared_world.client, **changes))

    assert refused == ("BAD_USER_INPUT", [path])


async def test_rules_are_bounded(shared_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sign-ins read those of their issuer. The test lowers the maximum to what is there."""
    rows = (await posted(shared_world.client, LIST))["data"]["claimRules"]["nodes"]
    monkeypatch.setattr("gateway.services.claim_rules.MAX_CLAIM_RULES", len(rows) + 1)

    last = await done(shared_world.client)
    refused = outcome_of(await created(shared_world.client))

    assert last["id"]
    assert refused == ("CONFLICT", None)
    assert len(rows) < MAX_CLAIM_RULES


async def test_conditions_of_an_issuer_are_bounded(
    shared_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sign-in is compared with all of them. Another issuer has its own maximum."""
    monkeypatch.setattr("gateway.domain.claim_rules.MAX_CONDITIONS_OF_ISSUER", 3)
    admin, issuer = shared_world.client, "https://bounded.example"
    two, three = conditions_on(groups="a", ref="b"), conditions_on(groups="a", ref="b", other="c")

    first = await done(admin, issuer=issuer, conditions=two)
    refused = outcome_of(await created(admin, issuer=issuer, conditions=two, role="EDITOR"))
    elsewhere = await done(admin, issuer=f"{issuer}/other", conditions=three)

    assert first["id"] != elsewhere["id"]
    assert refused == ("CONFLICT", ["conditions"])
