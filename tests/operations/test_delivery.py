"""What a service gets at run time, with values."""

from typing import Any

import pytest

from gateway.domain.scopes import SERVICE_SCOPES, Scope
from tests.operations.places import PLACES
from tests.world import World

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.unmeasured]

PROJECT = PLACES["the project"]
ENVIRONMENT = PLACES["the environment"]
JOB = PLACES["the job"]
LIMIT = 64 * 1024
Json = dict[str, Any]
DOCUMENT = """query ($id: ID!) {
    runtimeSecrets(serviceId: $id) { key value file { mountPath content } } }"""


async def _delivered(world: World, service_id: str | None = None) -> dict[str, Json]:
    variables = {"id": service_id or world.demo.job_id}
    secrets = (await world.graphql.ask(DOCUMENT, variables))["runtimeSecrets"]
    assert [secret["key"] for secret in secrets] == sorted(secret["key"] for secret in secrets)
    return {secret["key"]: secret for secret in secrets}


async def _value(world: World, key: str, service_id: str | None = None) -> str:
    value: str = (await _delivered(world, service_id))[key]["value"]
    return value


@pytest.mark.rule("R1", "R2")
async def test_the_demo_is_delivered_as_a_whole(shared_world: World) -> None:
    delivered = await _delivered(shared_world, shared_world.demo.other_job_id)

    assert {key: value["value"] for key, value in delivered.items()} == {
        "BILLING_API_KEY": "demo-payment-key",
        "ERROR_REPORT_DSN": "https://demo@errors.invalid/1",
        "PAYMENT_API_KEY": "demo-live-payment-key",
        "QOVERY_POSTGRESQL_ZF83A_PASSWORD": "demo-database-password",
        "SMTP_PASSWORD": "demo-smtp",
        "TLS_CERTIFICATE": "/etc/tls/shop.pem",
        "TRACING_API_KEY": "demo-tracing",
    }
    assert delivered["TLS_CERTIFICATE"]["file"] == {
        "mountPath": "/etc/tls/shop.pem",
        "content": "demo certificate",
    }


@pytest.mark.rule("R1")
@pytest.mark.parametrize("scope", SERVICE_SCOPES)
async def test_every_kind_of_service_gets_its_own(
    shared_world: World, key: str, scope: Scope
) -> None:
    await shared_world.rest.create(scope, shared_world.holders[scope], key=key, value="mine")

    assert await _value(shared_world, key, shared_world.holders[scope]) == "mine"


@pytest.mark.rule("R1")
async def test_the_nearest_value_is_delivered(shared_world: World, key: str) -> None:
    """Service over environment over project."""
    target = await shared_world.rest.create(*PROJECT(shared_world), key=key, value="project")
    wide = await _value(shared_world, key)
    await shared_world.rest.override(
        *ENVIRONMENT(shared_world), target.row["id"], value="environment"
    )
    middle = await _value(shared_world, key)
    await shared_world.rest.override(*JOB(shared_world), target.row["id"], value="job")

    assert (wide, middle, await _value(shared_world, key)) == ("project", "environment", "job")
    assert await _value(shared_world, key, shared_world.demo.container_id) == "environment"


@pytest.mark.rule("R1")
async def test_an_alias_delivers_its_targets_value_whatever_overrides_the_key(
    shared_world: World, key: str
) -> None:
    """By id."""
    target = await shared_world.rest.create(*PROJECT(shared_world), key=key, value="wide")
    await shared_world.rest.alias(*PROJECT(shared_world), target.row["id"], key=f"{key}_ALIAS")
    override = await shared_world.rest.override(
        *JOB(shared_world), target.row["id"], value="narrow"
    )
    await shared_world.rest.alias(*JOB(shared_world), override.row["id"], key=f"{key}_OTHER")

    delivered = await _delivered(shared_world)

    values = [delivered[name]["value"] for name in (key, f"{key}_ALIAS", f"{key}_OTHER")]
    assert values == ["narrow", "wide", "narrow"]


@pytest.mark.rule("A4", "R1")
async def test_an_alias_of_a_built_in_delivers_the_platforms_value(shared_world: World) -> None:
    """The main use of aliases."""
    value = await _value(shared_world, "DATABASE_PASSWORD", shared_world.demo.application_id)

    assert value == "demo-database-password"


@pytest.mark.rule("A2", "R1")
async def test_a_rotated_value_shows_through_an_alias(shared_world: World, key: str) -> None:
    registered = await shared_world.graphql.ask(
        """mutation ($id: ID!, $key: String!) { registerProvidedSecret(
            holder: { environmentId: $id }, input: { key: $key, value: "first" }
        ) { secret { id } } }""",
        {"id": shared_world.demo.environment_id, "key": key},
    )
    secret_id = registered["registerProvidedSecret"]["secret"]["id"]
    await shared_world.graphql.alias(*JOB(shared_world), secret_id, key=f"{key}_ALIAS")

    await shared_world.graphql.ask(
        'mutation ($id: ID!) { rotateProvidedSecret(secretId: $id, value: "next") '
        "{ secret { id } } }",
        {"id": secret_id},
    )

    assert await _value(shared_world, f"{key}_ALIAS") == "next"


@pytest.mark.rule("O3", "R2")
async def test_an_override_of_a_file_is_a_file_at_the_same_place(
    shared_world: World, key: str
) -> None:
    target = await shared_world.rest.create(
        *PROJECT(shared_world), key=key, value="wide", mount_path=f"/etc/{key}"
    )
    await shared_world.rest.override(*JOB(shared_world), target.row["id"], value="narrow")

    delivered = (await _delivered(shared_world))[key]

    assert delivered["value"] == f"/etc/{key}"
    assert delivered["file"] == {"mountPath": f"/etc/{key}", "content": "narrow"}


@pytest.mark.rule("R2")
async def test_an_alias_of_a_file_holds_its_path(shared_world: World, key: str) -> None:
    """The content goes to the file."""
    target = await shared_world.rest.create(
        *PROJECT(shared_world), key=key, value="content", mount_path=f"/etc/{key}"
    )
    await shared_world.rest.alias(*JOB(shared_world), target.row["id"], key=f"{key}_ALIAS")

    delivered = (await _delivered(shared_world))[f"{key}_ALIAS"]

    assert delivered["value"] == f"/etc/{key}"


@pytest.mark.rule("C9", "S45")
async def test_a_value_goes_round_unchanged(shared_world: World, key: str) -> None:
    """64 KiB of all kinds of text, sealed and opened."""
    sample = "\N{KEY}é€\r\n\t\x01\x7f\N{ZERO WIDTH JOINER}e\N{COMBINING ACUTE ACCENT} \\n\"'`$%{"
    value = sample * (LIMIT // len(sample.encode()))
    value += "x" * (LIMIT - len(value.encode()))
    await shared_world.rest.create(*JOB(shared_world), key=key, value=value)
    await shared_world.rest.create(
        *JOB(shared_world), key=f"{key}_FILE", value=value, mount_path=f"/etc/{key}"
    )

    delivered = await _delivered(shared_world)

    assert len(value.encode()) == LIMIT
    assert delivered[key]["value"] == value
    assert delivered[f"{key}_FILE"]["file"]["content"] == value


@pytest.mark.rule("C1", "C5", "S45")
async def test_an_empty_value_is_delivered_as_such(shared_world: World, key: str) -> None:
    await shared_world.rest.create(*JOB(shared_world), key=key)

    assert await _value(shared_world, key) == ""


@pytest.mark.rule("R1")
async def test_what_hangs_elsewhere_is_not_delivered(shared_world: World, key: str) -> None:
    for place in ("a sibling job", "a sibling container", "another environment", "another project"):
        await shared_world.rest.create(*PLACES[place](shared_world), key=key, value=place)

    assert key not in await _delivered(shared_world)


@pytest.mark.rule("R1")
async def test_more_keys_than_a_page_has_are_all_delivered(
    shared_world: World, fresh_job: str
) -> None:
    keys = [f"MANY_{number:03}" for number in range(250)]
    document = """mutation ($holder: SecretHolderRef!, $secrets: [ImportSecretInput!]!) {
        importSecrets(holder: $holder, secrets: $secrets, overwrite: false) {
            errors { message } } }"""
    secrets = [{"key": key, "value": key.lower()} for key in keys]
    await shared_world.graphql.ask(document, {"holder": {"jobId": fresh_job}, "secrets": secrets})

    delivered = await _delivered(shared_world, fresh_job)

    assert {key: delivered[key]["value"] for key in keys} == {key: key.lower() for key in keys}
