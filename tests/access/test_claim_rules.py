"""Nobody gives more by a claim rule than they have, nor where they have it not."""

import pytest

from gateway.domain.permissions import Role
from gateway.domain.scopes import Scope
from tests.access.territories import Territory
from tests.operations.claim_rule_calls import DELETE, LIST, created, done, outcome_of, posted
from tests.world import World

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.rule("S22", "S81")
@pytest.mark.parametrize("role", [Role.VIEWER, Role.EDITOR, Role.RUNTIME, Role.AUDITOR])
async def test_only_administrators_make_rules(
    shared_world: World, inside: Territory, role: Role
) -> None:
    client = await inside.client(shared_world, role)

    code, message = outcome_of(await created(client, holder={"jobId": inside.ids["jobId"]}))

    assert code == "FORBIDDEN"
    assert "access:manage" in message


@pytest.mark.rule("S22", "S81")
async def test_a_rule_gives_nothing_above_its_creator_or_beside_it(
    shared_world: World, inside: Territory, outside: Territory
) -> None:
    """Above, what it sees is forbidden; beside, there is nothing. The last is the control."""
    admin = await inside.client(shared_world, Role.ADMIN, on=Scope.ENVIRONMENT)

    outcomes = [
        outcome_of(await created(admin))[0],
        outcome_of(await created(admin, holder={"projectId": inside.ids["projectId"]}))[0],
        outcome_of(await created(admin, holder={"projectId": outside.ids["projectId"]}))[0],
        outcome_of(await created(admin, holder={"jobId": inside.ids["jobId"]}, role="OPERATOR"))[0],
    ]

    assert outcomes == ["FORBIDDEN", "FORBIDDEN", "NOT_FOUND", "FORBIDDEN"]
    assert (await done(admin, holder={"jobId": inside.ids["jobId"]}))["id"]


@pytest.mark.rule("S22", "S81")
async def test_a_rule_that_one_could_not_make_cannot_be_deleted_or_seen(
    shared_world: World, inside: Territory, outside: Territory
) -> None:
    admin = await inside.client(shared_world, Role.ADMIN)
    operator = await shared_world.client_with(Role.OPERATOR)
    raised = await done(operator, role="OPERATOR", holder={"jobId": inside.ids["jobId"]})
    wide = await done(operator)

    outcomes = [
        outcome_of(await posted(admin, DELETE, id=each))[0]
        for each in (raised["id"], wide["id"], outside.ids["claimRuleId"], "none")
    ]
    listed = str((await posted(admin, LIST))["data"])

    assert outcomes == ["FORBIDDEN", "NOT_FOUND", "NOT_FOUND", "NOT_FOUND"]
    assert raised["id"] in listed
    assert wide["id"] not in listed
    assert outside.ids["claimRuleId"] not in listed
