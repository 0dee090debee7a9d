"""What a service sees at run time, and how it comes by it."""

from typing import Any

import pytest

from gateway.domain.scopes import SERVICE_SCOPES, Scope
from tests.operations.places import PLACES
from tests.world import World

pytestmark = pytest.mark.asyncio(loop_scope="module")

PROJECT = PLACES["the project"]
ENVIRONMENT = PLACES["the environment"]
JOB = PLACES["the job"]
Json = dict[str, Any]
DOCUMENT = """query ($id: ID!, $keys: [String!]) { service(id: $id) {
    effectiveSecrets(filter: { keys: $keys }) { totalCount edges { node {
        key provenance
        secret { id key }
        resolvesTo { id key variableType scope mountPath secret { id } }
        shadows { id scope }
        definedAt { id }
    } } } } }"""


async def _entries(world: World, *keys: str, service_id: str | None = None) -> list[Json]:
    variables = {"id": service_id or world.demo.job_id, "keys": keys}
    found = (await world.graphql.ask(DOCUMENT, variables))["service"]["effectiveSecrets"]
    assert found["totalCount"] == len(found["edges"])
    return [edge["node"] for edge in found["edges"]]


async def _entry(world: World, key: str, service_id: str | None = None) -> Json:
    (entry,) = await _entries(world, key, service_id=service_id)
    return entry


@pytest.mark.rule("R1")
@pytest.mark.parametrize("scope", SERVICE_SCOPES)
async def test_what_hangs_on_the_service_is_its_own(
    shared_world: World, key: str, scope: Scope
) -> None:
    service_id = shared_world.holders[scope]
    made = await shared_world.rest.create(scope, service_id, key=key)

    entry = await _entry(shared_world, key, service_id)

    assert entry["provenance"] == "OWN"
    assert entry["secret"] == {"id": made.row["id"], "key": key}
    assert entry["resolvesTo"]["id"] == made.row["id"]
    assert entry["shadows"] == []
    assert entry["definedAt"]["id"] == service_id


@pytest.mark.rule("R1")
@pytest.mark.parametrize("place", ["the environment", "the project"])
async def test_what_hangs_above_is_inherited(shared_world: World, key: str, place: str) -> None:
    scope, holder_id = PLACES[place](shared_world)
    made = await shared_world.rest.create(scope, holder_id, key=key)

    entry = await _entry(shared_world, key)

    assert (entry["provenance"], entry["secret"]["id"]) == ("INHERITED", made.row["id"])
    assert entry["definedAt"]["id"] == holder_id


@pytest.mark.rule("R1")
async def test_a_built_in_is_inherited(shared_world: World) -> None:
    built_in_id = shared_world.demo.built_in_secret_id
    result = await shared_world.graphql.ask(
        "query ($id: ID!) { secret(id: $id) { key } }", {"id": built_in_id}
    )

    entry = await _entry(shared_world, result["secret"]["key"])

    assert (entry["provenance"], entry["secret"]["id"]) == ("INHERITED", built_in_id)
    assert entry["resolvesTo"]["scope"] == "BUILT_IN"


@pytest.mark.rule("R1")
async def test_the_nearest_override_wins_and_shadows_the_others(
    shared_world: World, key: str
) -> None:
    """Service over environment over project."""
    target = await shared_world.rest.create(*PROJECT(shared_world), key=key)
    middle = await shared_world.rest.override(*ENVIRONMENT(shared_world), target.row["id"])
    nearest = await shared_world.rest.override(*JOB(shared_world), target.row["id"])

    entry = await _entry(shared_world, key)

    assert (entry["provenance"], entry["secret"]["id"]) == ("OVERRIDE", nearest.row["id"])
    assert entry["resolvesTo"]["id"] == nearest.row["id"]
    assert entry["definedAt"]["id"] == shared_world.demo.job_id
    assert entry["shadows"] == [
        {"id": middle.row["id"], "scope": "ENVIRONMENT"},
        {"id": target.row["id"], "scope": "PROJECT"},
    ]


@pytest.mark.rule("R1")
async def test_an_override_above_is_seen_by_every_service_below(
    shared_world: World, key: str
) -> None:
    target = await shared_world.rest.create(*PROJECT(shared_world), key=key)
    override = await shared_world.rest.override(*ENVIRONMENT(shared_world), target.row["id"])

    entries = [
        await _entry(shared_world, key, shared_world.holders[scope]) for scope in SERVICE_SCOPES
    ]

    assert {entry["secret"]["id"] for entry in entries} == {override.row["id"]}
    assert {entry["provenance"] for entry in entries} == {"OVERRIDE"}


@pytest.mark.rule("R1")
async def test_an_override_elsewhere_is_not_seen(shared_world: World, key: str) -> None:
    target = await shared_world.rest.create(*PROJECT(shared_world), key=key)
    for place in ("a sibling job", "a sibling container", "another environment"):
        await shared_world.rest.override(*PLACES[place](shared_world), target.row["id"])

    entry = await _entry(shared_world, key)

    assert (entry["provenance"], entry["secret"]["id"]) == ("INHERITED", target.row["id"])
    assert entry["shadows"] == []


@pytest.mark.rule("R1")
async def test_an_alias_leads_to_its_target(shared_world: World, key: str) -> None:
    """Under a key of its own."""
    target = await shared_world.rest.create(*PROJECT(shared_world), key=key)
    alias = await shared_world.rest.alias(
        *ENVIRONMENT(shared_world), target.row["id"], key=f"{key}_ALIAS"
    )

    entry = await _entry(shared_world, f"{key}_ALIAS")

    assert (entry["provenance"], entry["secret"]["id"]) == ("ALIAS", alias.row["id"])
    assert (entry["resolvesTo"]["id"], entry["resolvesTo"]["key"]) == (target.row["id"], key)
    assert entry["resolvesTo"]["secret"]["id"] == target.row["id"]
    assert entry["shadows"] == []


@pytest.mark.rule("R1")
async def test_an_alias_leads_to_its_target_by_id_whatever_overrides_its_key(
    shared_world: World, key: str
) -> None:
    """The literal wording."""
    target = await shared_world.rest.create(*PROJECT(shared_world), key=key)
    await shared_world.rest.alias(*PROJECT(shared_world), target.row["id"], key=f"{key}_ALIAS")
    override = await shared_world.rest.override(*JOB(shared_world), target.row["id"])

    entries = {entry["key"]: entry for entry in await _entries(shared_world, key, f"{key}_ALIAS")}

    assert entries[key]["resolvesTo"]["id"] == override.row["id"]
    assert entries[f"{key}_ALIAS"]["resolvesTo"]["id"] == target.row["id"]


@pytest.mark.rule("R1")
async def test_an_alias_of_an_override_leads_to_the_override(shared_world: World, key: str) -> None:
    target = await shared_world.rest.create(*PROJECT(shared_world), key=key)
    override = await shared_world.rest.override(*ENVIRONMENT(shared_world), target.row["id"])
    await shared_world.rest.alias(*JOB(shared_world), override.row["id"], key=f"{key}_ALIAS")

    entry = await _entry(shared_world, f"{key}_ALIAS")

    assert entry["resolvesTo"]["id"] == override.row["id"]
    assert entry["resolvesTo"]["variableType"] == "OVERRIDE"


@pytest.mark.rule("R2")
async def test_an_alias_of_a_file_says_where_the_file_is(shared_world: World, key: str) -> None:
    target = await shared_world.rest.create(*PROJECT(shared_world), key=key, mount_path="/etc/file")
    await shared_world.rest.alias(*JOB(shared_world), target.row["id"], key=f"{key}_ALIAS")

    entry = await _entry(shared_world, f"{key}_ALIAS")

    assert entry["resolvesTo"]["mountPath"] == "/etc/file"


@pytest.mark.rule("R1")
async def test_a_sibling_may_have_the_same_key(shared_world: World, key: str) -> None:
    own = await shared_world.rest.create(*JOB(shared_world), key=key)
    theirs = await shared_world.rest.create(*PLACES["a sibling job"](shared_world), key=key)

    mine = await _entry(shared_world, key)
    other = await _entry(shared_world, key, shared_world.demo.other_job_id)

    assert mine["secret"]["id"] == own.row["id"]
    assert other["secret"]["id"] == theirs.row["id"]


@pytest.mark.rule("R1")
async def test_every_key_is_there_once(shared_world: World, key: str) -> None:
    target = await shared_world.rest.create(*PROJECT(shared_world), key=key)
    await shared_world.rest.override(*JOB(shared_world), target.row["id"])
    answer = await shared_world.graphql.ask(
        """query ($id: ID!) { service(id: $id) {
            effectiveSecrets(first: 100) { edges { node { key } } }
            visibleSecrets(first: 100) { edges { node { key } } } } }""",
        {"id": shared_world.demo.job_id},
    )

    effective, visible = (
        [edge["node"]["key"] for edge in answer["service"][name]["edges"]]
        for name in ("effectiveSecrets", "visibleSecrets")
    )

    assert effective == sorted(set(visible))
    assert len(visible) > len(effective)


@pytest.mark.rule("A7", "R1")
async def test_a_deleted_override_uncovers_its_target(shared_world: World, key: str) -> None:
    target = await shared_world.rest.create(*PROJECT(shared_world), key=key)
    override = await shared_world.rest.override(*JOB(shared_world), target.row["id"])
    await shared_world.rest.delete(*JOB(shared_world), override.row["id"])

    entry = await _entry(shared_world, key)

    assert (entry["provenance"], entry["secret"]["id"]) == ("INHERITED", target.row["id"])
