"""References inside values, resolved at delivery."""

from http import HTTPStatus

import pytest

from gateway.domain.scopes import Scope
from tests.operations.places import PLACES
from tests.world import World

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.unmeasured]

PROJECT = PLACES["the project"]
DOCUMENT = "query ($id: ID!) { runtimeSecrets(serviceId: $id) { key value } }"


async def _delivered(world: World, job_id: str) -> dict[str, str]:
    secrets = (await world.graphql.ask(DOCUMENT, {"id": job_id}))["runtimeSecrets"]
    return {secret["key"]: secret["value"] for secret in secrets}


async def _values(world: World, job_id: str, **values: str) -> dict[str, str]:
    """Make a secret for each value and return what is delivered for them."""
    for key, value in values.items():
        made = await world.rest.create(Scope.JOB, job_id, key=key, value=value)
        assert made.code is None
    delivered = await _delivered(world, job_id)
    return {key: delivered[key] for key in values}


@pytest.mark.rule("R3")
@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("{{NAME}}", "x"),
        ("a{{NAME}}b{{NAME}}c", "axbxc"),
        ("{{NAME}}{{NAME}}", "xx"),
        ("{{{NAME}}}", "{x}"),
        ("{{UNKNOWN}}", "{{UNKNOWN}}"),
        ("{{name}}", "{{name}}"),
        ("{{ NAME }}", "{{ NAME }}"),
        ("{NAME}", "{NAME}"),
        ("{{NAME}", "{{NAME}"),
        ("{{}}", "{{}}"),
        ("{{1NAME}}", "{{1NAME}}"),
        (
            "{{NAM\N{LATIN CAPITAL LETTER E WITH ACUTE}}}",
            "{{NAM\N{LATIN CAPITAL LETTER E WITH ACUTE}}}",
        ),
        ("$NAME ${NAME} %NAME%", "$NAME ${NAME} %NAME%"),
        (r"\{{NAME}}", "{{NAME}}"),
        (r"\{{UNKNOWN}}", "{{UNKNOWN}}"),
        (r"\{{ no key }}", "{{ no key }}"),
        (r"\\{{NAME}}", r"\x"),
        (r"\\{{UNKNOWN}}", r"\{{UNKNOWN}}"),
        (r"\\\{{NAME}}", r"\{{NAME}}"),
        (r"\\{{{NAME}}}", r"\{x}"),
        (r"\{{{NAME}}}", "{{{NAME}}}"),
        (r"C:\dir \n \{NAME} {{NAME}}\\", r"C:\dir \n \{NAME} x\\"),
    ],
)
async def test_a_reference_is_replaced_and_what_is_none_stays(
    *, shared_world: World, fresh_job: str, value: str, expected: str
) -> None:
    values = await _values(shared_world, fresh_job, NAME="x", KEY=value)

    assert values["KEY"] == expected


@pytest.mark.rule("R3")
async def test_references_are_replaced_at_any_depth(shared_world: World, fresh_job: str) -> None:
    values = await _values(shared_world, fresh_job, A="{{B}}-a", B="{{C}}-b", C="{{D}}-c", D="d")

    assert values["A"] == "d-c-b-a"


@pytest.mark.rule("R3")
async def test_what_a_value_becomes_is_not_read_again(shared_world: World, fresh_job: str) -> None:
    """Two values that meet do not make a reference."""
    values = await _values(shared_world, fresh_job, LEFT="{{", NAME="x", KEY="{{LEFT}}NAME}}")

    assert values["KEY"] == "{{NAME}}"


CYCLES = {
    "itself": {"A": "{{A}}"},
    "each other": {"A": "a{{B}}", "B": "b{{A}}"},
    "three": {"A": "{{B}}", "B": "{{C}}", "C": "{{A}}"},
}


@pytest.mark.rule("R3")
@pytest.mark.parametrize("values", CYCLES.values(), ids=CYCLES)
async def test_what_refers_to_itself_stays_as_it_is(
    shared_world: World, fresh_job: str, values: dict[str, str]
) -> None:
    """A cycle guard."""
    assert await _values(shared_world, fresh_job, **values) == values


@pytest.mark.rule("R3")
async def test_a_cycle_leaves_the_rest_of_a_value_alone(
    shared_world: World, fresh_job: str
) -> None:
    values = await _values(
        shared_world,
        fresh_job,
        A="{{B}}-{{PLAIN}}",
        B="{{A}}",
        PLAIN="x",
        OUTSIDE="{{PLAIN}}-{{A}}",
    )

    assert values == {"A": "{{B}}-x", "B": "{{A}}", "PLAIN": "x", "OUTSIDE": "x-{{A}}"}


@pytest.mark.rule("R1", "R3")
async def test_a_reference_is_to_what_the_service_sees(
    shared_world: World, fresh_job: str, key: str
) -> None:
    """An inherited value takes in the service's own override."""
    target = await shared_world.rest.create(*PROJECT(shared_world), key=key, value="wide")
    await shared_world.rest.create(
        *PROJECT(shared_world), key=f"{key}_URL", value=f"http://{{{{{key}}}}}/"
    )
    await shared_world.rest.override(Scope.JOB, fresh_job, target.row["id"], value="narrow")

    mine = await _delivered(shared_world, fresh_job)
    others = await _delivered(shared_world, shared_world.demo.other_job_id)

    assert mine[f"{key}_URL"] == "http://narrow/"
    assert others[f"{key}_URL"] == "http://wide/"


@pytest.mark.rule("R1", "R3")
async def test_a_reference_to_an_alias_is_to_its_targets_value(
    shared_world: World, fresh_job: str
) -> None:
    built_in_id = shared_world.demo.built_in_secret_id
    await shared_world.rest.alias(Scope.JOB, fresh_job, built_in_id, key="PASSWORD")

    values = await _values(shared_world, fresh_job, URL="postgres://u:{{PASSWORD}}@db")

    assert values["URL"] == "postgres://u:demo-database-password@db"


@pytest.mark.rule("R3")
async def test_the_store_keeps_the_text(shared_world: World, fresh_job: str) -> None:
    made = await shared_world.rest.create(Scope.JOB, fresh_job, key="KEY", value="{{NAME}}")
    await _values(shared_world, fresh_job, NAME="x")

    assert await shared_world.stored_value(made.row["id"]) == "{{NAME}}"


@pytest.mark.rule("R3")
async def test_values_that_double_each_other_are_bounded(
    shared_world: World, fresh_job: str
) -> None:
    """Thirty lines that would fill any memory; refused, and not with a fault."""
    await shared_world.rest.create(Scope.JOB, fresh_job, key="LAUGH_0", value="ha" * 1024)
    for number in range(1, 30):
        twice = f"{{{{LAUGH_{number - 1}}}}}" * 2
        await shared_world.rest.create(Scope.JOB, fresh_job, key=f"LAUGH_{number}", value=twice)

    response = await shared_world.client.post(
        "/graphql", json={"query": DOCUMENT, "variables": {"id": fresh_job}}
    )

    assert response.status_code == HTTPStatus.OK
    assert response.json()["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
    assert len(response.content) < 1_000
