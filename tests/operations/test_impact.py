"""What refers to a secret, and which services a change of it would reach."""

import pytest

from tests.operations.places import PLACES
from tests.world import World

pytestmark = pytest.mark.asyncio(loop_scope="module")

PROJECT = PLACES["the project"]
ENVIRONMENT = PLACES["the environment"]
JOB = PLACES["the job"]
# By name, as the demo has them below its environment.
SERVICES = [
    "cart",
    "ingress",
    "network",
    "newsletter",
    "nightly-invoices",
    "storefront",
    "support",
]
DOCUMENT = """query ($id: ID!) { secret(id: $id) {
    edit: impact(of: EDIT) { totalCount edges { node { name } } }
    delete: impact(of: DELETE) { totalCount edges { node { name } } }
    byDefault: impact { totalCount }
} }"""


async def _impact(world: World, secret_id: str) -> tuple[list[str], list[str]]:
    answer = (await world.graphql.ask(DOCUMENT, {"id": secret_id}))["secret"]
    edit, delete = (
        [edge["node"]["name"] for edge in answer[change]["edges"]] for change in ("edit", "delete")
    )
    assert (answer["edit"]["totalCount"], answer["delete"]["totalCount"]) == (
        len(edit),
        len(delete),
    )
    assert answer["byDefault"]["totalCount"] == len(delete)
    return edit, delete


def _without(*names: str) -> list[str]:
    return [name for name in SERVICES if name not in names]


@pytest.mark.rule("R1")
@pytest.mark.parametrize("place", ["the project", "the environment"])
async def test_a_wide_secret_matters_to_all_below_it(
    shared_world: World, key: str, place: str
) -> None:
    made = await shared_world.rest.create(*PLACES[place](shared_world), key=key)

    assert await _impact(shared_world, made.row["id"]) == (SERVICES, SERVICES)


@pytest.mark.rule("R1")
async def test_a_services_own_secret_matters_to_it_alone(shared_world: World, key: str) -> None:
    made = await shared_world.rest.create(*JOB(shared_world), key=key)

    assert await _impact(shared_world, made.row["id"]) == (
        ["nightly-invoices"],
        ["nightly-invoices"],
    )


@pytest.mark.rule("R1")
async def test_a_secret_of_a_place_without_services_matters_to_none(
    shared_world: World, key: str
) -> None:
    made = await shared_world.rest.create(*PLACES["another environment"](shared_world), key=key)

    assert await _impact(shared_world, made.row["id"]) == ([], [])


@pytest.mark.rule("A7", "R1")
async def test_a_service_that_overrides_it_is_reached_by_a_deletion_only(
    shared_world: World, key: str
) -> None:
    """The override has a value of its own, and goes with its target."""
    target = await shared_world.rest.create(*PROJECT(shared_world), key=key)
    await shared_world.rest.override(*JOB(shared_world), target.row["id"])

    assert await _impact(shared_world, target.row["id"]) == (_without("nightly-invoices"), SERVICES)


@pytest.mark.rule("A7", "R1")
async def test_an_override_of_the_environment_hides_its_target_from_all_below(
    shared_world: World, key: str
) -> None:
    target = await shared_world.rest.create(*PROJECT(shared_world), key=key)
    await shared_world.rest.override(*ENVIRONMENT(shared_world), target.row["id"])

    assert await _impact(shared_world, target.row["id"]) == ([], SERVICES)


@pytest.mark.rule("R1")
async def test_an_override_matters_where_it_wins(shared_world: World, key: str) -> None:
    target = await shared_world.rest.create(*PROJECT(shared_world), key=key)
    middle = await shared_world.rest.override(*ENVIRONMENT(shared_world), target.row["id"])
    nearest = await shared_world.rest.override(*JOB(shared_world), target.row["id"])

    others = _without("nightly-invoices")
    assert await _impact(shared_world, middle.row["id"]) == (others, others)
    assert await _impact(shared_world, nearest.row["id"]) == (["nightly-invoices"],) * 2


@pytest.mark.rule("R1")
async def test_an_alias_carries_an_edit_past_an_override(shared_world: World, key: str) -> None:
    """It leads to its target by id."""
    target = await shared_world.rest.create(*PROJECT(shared_world), key=key)
    await shared_world.rest.override(*ENVIRONMENT(shared_world), target.row["id"])
    await shared_world.rest.alias(*JOB(shared_world), target.row["id"], key=f"{key}_ALIAS")

    edit, delete = await _impact(shared_world, target.row["id"])

    assert edit == ["nightly-invoices"]
    assert delete == SERVICES


@pytest.mark.rule("A7", "R1")
async def test_an_alias_of_an_override_is_reached_by_a_deletion_only(
    shared_world: World, key: str
) -> None:
    """It goes with the override, which goes with its target."""
    target = await shared_world.rest.create(*PROJECT(shared_world), key=key)
    override = await shared_world.rest.override(*JOB(shared_world), target.row["id"])
    await shared_world.rest.alias(*JOB(shared_world), override.row["id"], key=f"{key}_ALIAS")

    edit, _ = await _impact(shared_world, target.row["id"])

    assert edit == _without("nightly-invoices")
    assert await _impact(shared_world, override.row["id"]) == (["nightly-invoices"],) * 2


@pytest.mark.rule("R1")
async def test_an_alias_matters_where_it_is_seen(shared_world: World, key: str) -> None:
    target = await shared_world.rest.create(*PROJECT(shared_world), key=key)
    alias = await shared_world.rest.alias(*JOB(shared_world), target.row["id"], key=f"{key}_ALIAS")

    assert await _impact(shared_world, alias.row["id"]) == (["nightly-invoices"],) * 2


@pytest.mark.rule("R1")
async def test_a_built_in_matters_to_all_that_see_it(shared_world: World) -> None:
    assert await _impact(shared_world, shared_world.demo.built_in_secret_id) == (SERVICES, SERVICES)


@pytest.mark.rule("R1")
async def test_the_services_come_in_pages(shared_world: World, key: str) -> None:
    """By name."""
    made = await shared_world.rest.create(*PROJECT(shared_world), key=key)
    document = """query ($id: ID!, $after: String) { secret(id: $id) {
        impact(first: 4, after: $after) {
            edges { node { name } } pageInfo { hasNextPage endCursor } } } }"""

    first = (await shared_world.graphql.ask(document, {"id": made.row["id"]}))["secret"]["impact"]
    variables = {"id": made.row["id"], "after": first["pageInfo"]["endCursor"]}
    second = (await shared_world.graphql.ask(document, variables))["secret"]["impact"]

    assert [edge["node"]["name"] for edge in first["edges"] + second["edges"]] == SERVICES
    assert (first["pageInfo"]["hasNextPage"], second["pageInfo"]["hasNextPage"]) == (True, False)


@pytest.mark.rule("A7")
async def test_dependents_are_all_that_goes_with_it(shared_world: World, key: str) -> None:
    """By scope, targets before what refers to them."""
    target = await shared_world.rest.create(*PROJECT(shared_world), key=key)
    override = await shared_world.rest.override(*ENVIRONMENT(shared_world), target.row["id"])
    alias = await shared_world.rest.alias(*JOB(shared_world), target.row["id"], key=f"{key}_1")
    further = await shared_world.rest.alias(*JOB(shared_world), override.row["id"], key=f"{key}_2")

    answer = await shared_world.graphql.ask(
        """query ($id: ID!) { secret(id: $id) {
            dependents { totalCount edges { node { id } } } } }""",
        {"id": target.row["id"]},
    )

    dependents = answer["secret"]["dependents"]
    expected = [override.row["id"], alias.row["id"], further.row["id"]]
    assert [edge["node"]["id"] for edge in dependents["edges"]] == expected
    assert dependents["totalCount"] == 3


@pytest.mark.rule("A4", "A7")
async def test_an_alias_has_no_dependents(shared_world: World, key: str) -> None:
    target = await shared_world.rest.create(*PROJECT(shared_world), key=key)
    alias = await shared_world.rest.alias(*JOB(shared_world), target.row["id"], key=f"{key}_ALIAS")

    answer = await shared_world.graphql.ask(
        "query ($id: ID!) { secret(id: $id) { dependents { totalCount } } }",
        {"id": alias.row["id"]},
    )

    assert answer["secret"]["dependents"]["totalCount"] == 0
