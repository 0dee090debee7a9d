"""Why a service sees what it sees under a key, or why nothing."""

from typing import Any

import pytest

from gateway.domain.drafts import HolderReference, SecretDraft
from gateway.domain.holders import new_id
from gateway.domain.principals import Principal
from gateway.domain.scopes import Scope
from gateway.services.effective import MAX_ELSEWHERE
from tests.operations.places import PLACES
from tests.world import World

pytestmark = pytest.mark.asyncio(loop_scope="module")

PROJECT = PLACES["the project"]
ENVIRONMENT = PLACES["the environment"]
JOB = PLACES["the job"]
Json = dict[str, Any]
DOCUMENT = """query ($id: ID!, $key: String!) { explainSecret(serviceId: $id, key: $key) {
    key absence rule
    effective { key provenance secret { id } shadows { id } resolvesTo { id } }
    aliasHops { id key }
    elsewhere { id scope }
} }"""


async def _reported(world: World, key: str, service_id: str | None = None) -> Json | None:
    variables = {"id": service_id or world.demo.job_id, "key": key}
    result: Json | None = (await world.graphql.ask(DOCUMENT, variables))["explainSecret"]
    return result


async def _explained(world: World, key: str) -> Json:
    result = await _reported(world, key)
    assert result
    return result


@pytest.mark.rule("R1")
async def test_the_winner_and_what_it_hides_are_reported(shared_world: World, key: str) -> None:
    target = await shared_world.rest.create(*PROJECT(shared_world), key=key)
    middle = await shared_world.rest.override(*ENVIRONMENT(shared_world), target.row["id"])
    nearest = await shared_world.rest.override(*JOB(shared_world), target.row["id"])

    result = await _explained(shared_world, key)

    assert result["key"] == key
    assert result["absence"] is None
    assert result["effective"]["secret"]["id"] == nearest.row["id"]
    assert [shadow["id"] for shadow in result["effective"]["shadows"]] == [
        middle.row["id"],
        target.row["id"],
    ]
    assert result["aliasHops"] == []
    assert "service over environment over project over built-in" in result["rule"]
    assert "an override" in result["rule"]


@pytest.mark.rule("R1")
@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("the job", "defined on the service itself"),
        ("the environment", "a wider scope, which the service inherits"),
        ("the project", "a wider scope, which the service inherits"),
    ],
)
async def test_the_rule_says_where_it_comes_from(
    *, shared_world: World, key: str, place: str, words: str
) -> None:
    await shared_world.rest.create(*PLACES[place](shared_world), key=key)

    result = await _explained(shared_world, key)

    assert "only secret in the chain" in result["rule"]
    assert words in result["rule"]


@pytest.mark.rule("R1")
async def test_an_alias_is_reported_with_what_it_leads_to(shared_world: World, key: str) -> None:
    """By id, whatever overrides the target's key."""
    target = await shared_world.rest.create(*PROJECT(shared_world), key=key)
    await shared_world.rest.alias(*PROJECT(shared_world), target.row["id"], key=f"{key}_ALIAS")
    await shared_world.rest.override(*JOB(shared_world), target.row["id"])

    result = await _explained(shared_world, f"{key}_ALIAS")

    assert result["aliasHops"] == [{"id": target.row["id"], "key": key}]
    assert result["effective"]["provenance"] == "ALIAS"
    assert "by id" in result["rule"]


@pytest.mark.rule("R1")
async def test_what_is_there_may_be_elsewhere_too(shared_world: World, key: str) -> None:
    await shared_world.rest.create(*JOB(shared_world), key=key)
    theirs = await shared_world.rest.create(*PLACES["a sibling job"](shared_world), key=key)

    result = await _explained(shared_world, key)

    assert result["absence"] is None
    assert result["elsewhere"] == [{"id": theirs.row["id"], "scope": "JOB"}]


ABSENCES = [
    ("a sibling job", "ON_A_SIBLING", "another service of the environment"),
    ("a sibling container", "ON_A_SIBLING", "another service of the environment"),
    ("another environment", "IN_ANOTHER_ENVIRONMENT", "another environment of the project"),
    ("another project", "IN_ANOTHER_PROJECT", "another project"),
    ("a job of another project", "IN_ANOTHER_PROJECT", "another project"),
]


@pytest.mark.rule("R1")
@pytest.mark.parametrize(("place", "absence", "words"), ABSENCES)
async def test_why_a_key_is_not_there_is_reported(
    *, shared_world: World, key: str, place: str, absence: str, words: str
) -> None:
    made = await shared_world.rest.create(*PLACES[place](shared_world), key=key)

    result = await _explained(shared_world, key)

    assert (result["effective"], result["absence"]) == (None, absence)
    assert words in result["rule"]
    assert [secret["id"] for secret in result["elsewhere"]] == [made.row["id"]]


@pytest.mark.rule("R1")
async def test_a_key_that_nobody_has_was_never_defined(shared_world: World, key: str) -> None:
    result = await _explained(shared_world, key)

    assert (result["effective"], result["absence"]) == (None, "NEVER_DEFINED")
    assert result["elsewhere"] == []


@pytest.mark.rule("R1")
async def test_the_nearest_place_decides(shared_world: World, key: str) -> None:
    for place, _, _ in reversed(ABSENCES[1:]):
        await shared_world.rest.create(*PLACES[place](shared_world), key=key)

    result = await _explained(shared_world, key)

    assert result["absence"] == "ON_A_SIBLING"


@pytest.mark.rule("R1")
async def test_the_nearest_place_decides_however_many_there_are(world: World) -> None:
    """Only some of many are told, but all of them count."""
    services, principal = world.runtime.services, Principal.operator(world.demo.organization_id)
    for number in range(MAX_ELSEWHERE):
        project = await services.for_principal(principal).administration.create_holder(
            kind=Scope.PROJECT, name=f"project {number}"
        )
        await services.for_principal(principal).secrets.create(
            holder_reference=HolderReference(Scope.PROJECT, project.id),
            draft=SecretDraft(key="SHARED"),
        )
    await world.rest.create(*PLACES["a sibling job"](world), key="SHARED")

    result = await _explained(world, "SHARED")

    assert len(result["elsewhere"]) == MAX_ELSEWHERE
    assert result["absence"] == "ON_A_SIBLING"


@pytest.mark.rule("R1")
@pytest.mark.parametrize(
    "service_id",
    [
        lambda _: new_id(),
        lambda _: "no-uuid",
        lambda world: world.demo.project_id,
        lambda world: world.demo.environment_id,
        lambda world: world.demo.built_in_secret_id,
    ],
    ids=["unknown", "malformed", "a project", "an environment", "a secret"],
)
async def test_what_is_no_service_has_no_explanation(
    shared_world: World, key: str, service_id: Any
) -> None:
    result = await _reported(shared_world, key, service_id(shared_world))

    assert result is None


@pytest.mark.rule("C2")
@pytest.mark.parametrize("key", ["", "1KEY", "KE Y", "K" * 256, "KEY\n"])
async def test_what_no_key_could_be_is_refused(shared_world: World, key: str) -> None:
    variables = {"id": shared_world.demo.job_id, "key": key}

    response = await shared_world.client.post(
        "/graphql", json={"query": DOCUMENT, "variables": variables}
    )

    answer = response.json()
    assert answer["data"] == {"explainSecret": None}
    assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


@pytest.mark.rule("R1")
async def test_the_key_of_a_built_in_can_be_asked_about(shared_world: World) -> None:
    """Though no caller may write it."""
    result = await _reported(shared_world, "QOVERY_NOTHING")

    assert result
    assert result["absence"] == "NEVER_DEFINED"
