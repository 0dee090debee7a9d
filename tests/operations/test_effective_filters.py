"""Filters, orders and pages of what a service sees; the filter is on the winners."""

from typing import Any

import pytest

from gateway.domain.scopes import Scope
from tests.operations.places import PLACES
from tests.world import World

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.unmeasured]

PROJECT = PLACES["the project"]
JOB = PLACES["the job"]
Json = dict[str, Any]


async def _keys(world: World, arguments: str, **variables: object) -> list[str]:
    declared = "$id: ID!, $prefix: String, $after: String, $before: String"
    answer = await world.graphql.ask(
        f"""query ({declared}) {{ service(id: $id) {{ effectiveSecrets({arguments}) {{
            edges {{ cursor node {{ key }} }} }} }} p: __typename
            x: service(id: $id) {{ a: effectiveSecrets(
                filter: {{ keyPrefix: $prefix }}, after: $after, before: $before, first: 0
            ) {{ pageInfo {{ hasNextPage }} }} }} }}""",
        {"id": world.demo.job_id, **variables},
    )
    return [edge["node"]["key"] for edge in answer["service"]["effectiveSecrets"]["edges"]]


async def _overridden(world: World, key: str) -> None:
    target = await world.rest.create(*PROJECT(world), key=f"{key}_OVERRIDDEN")
    await world.rest.override(*JOB(world), target.row["id"])
    await world.rest.create(*PROJECT(world), key=f"{key}_INHERITED")
    await world.rest.create(*JOB(world), key=f"{key}_OWN")
    await world.rest.alias(*JOB(world), target.row["id"], key=f"{key}_ALIAS")


@pytest.mark.rule("R1")
@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("scopes: [JOB]", {"OVERRIDDEN", "OWN", "ALIAS"}),
        ("scopes: [PROJECT]", {"INHERITED"}),
        ("variableTypes: [VALUE]", {"INHERITED", "OWN"}),
        ("variableTypes: [OVERRIDE]", {"OVERRIDDEN"}),
        ("variableTypes: [ALIAS, OVERRIDE]", {"OVERRIDDEN", "ALIAS"}),
        ("scopes: [PROJECT], variableTypes: [ALIAS]", set()),
        ("scopes: []", set()),
    ],
)
async def test_what_is_hidden_is_not_found_by_a_filter(
    *, shared_world: World, key: str, wanted: str, found: set[str]
) -> None:
    """The overridden VALUE does not come up in place of what wins."""
    await _overridden(shared_world, key)

    keys = await _keys(
        shared_world, f"filter: {{ keyPrefix: $prefix, {wanted} }}", prefix=f"{key}_"
    )

    assert set(keys) == {f"{key}_{name}" for name in found}


@pytest.mark.rule("R1")
async def test_a_page_goes_on_where_the_one_before_ended(shared_world: World, key: str) -> None:
    await _overridden(shared_world, key)
    document = """query ($id: ID!, $prefix: String!, $after: String) { service(id: $id) {
        effectiveSecrets(first: 2, after: $after, filter: { keyPrefix: $prefix }) {
            totalCount edges { node { key } } pageInfo { endCursor hasNextPage }
        } } }"""
    variables = {"id": shared_world.demo.job_id, "prefix": f"{key}_"}

    first = (await shared_world.graphql.ask(document, variables))["service"]["effectiveSecrets"]
    after = {"after": first["pageInfo"]["endCursor"]}
    second = (await shared_world.graphql.ask(document, variables | after))["service"][
        "effectiveSecrets"
    ]

    keys = [edge["node"]["key"] for page in (first, second) for edge in page["edges"]]
    assert keys == [f"{key}_{name}" for name in ("ALIAS", "INHERITED", "OVERRIDDEN", "OWN")]
    assert (first["pageInfo"]["hasNextPage"], second["pageInfo"]["hasNextPage"]) == (True, False)
    assert (first["totalCount"], second["totalCount"]) == (4, 4)


@pytest.mark.rule("R1")
async def test_the_last_ones_can_be_asked_for(shared_world: World, key: str) -> None:
    await _overridden(shared_world, key)

    keys = await _keys(shared_world, "last: 2, filter: { keyPrefix: $prefix }", prefix=f"{key}_")

    assert keys == [f"{key}_OVERRIDDEN", f"{key}_OWN"]


@pytest.mark.rule("R1")
@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("{ field: KEY, direction: DESC }", ["OWN", "OVERRIDDEN", "INHERITED", "ALIAS"]),
        ("{ field: SCOPE }", ["INHERITED", "OWN", "OVERRIDDEN", "ALIAS"]),
        ("{ field: CREATED_AT }", ["OVERRIDDEN", "INHERITED", "OWN", "ALIAS"]),
    ],
)
async def test_the_winners_are_what_is_ordered(
    *, shared_world: World, key: str, order: str, expected: list[str]
) -> None:
    await _overridden(shared_world, key)

    keys = await _keys(
        shared_world, f"orderBy: {order}, filter: {{ keyPrefix: $prefix }}", prefix=f"{key}_"
    )

    assert keys == [f"{key}_{name}" for name in expected]


@pytest.mark.rule("R1")
async def test_a_project_and_an_environment_see_nothing_at_run_time(shared_world: World) -> None:
    """Only what runs does."""
    answer = await shared_world.graphql.ask(
        "query ($p: ID!, $e: ID!) { project: service(id: $p) { id } env: service(id: $e) { id } }",
        {"p": shared_world.holders[Scope.PROJECT], "e": shared_world.holders[Scope.ENVIRONMENT]},
    )

    assert answer == {"project": None, "env": None}
