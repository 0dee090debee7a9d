"""Rows as the wire has them, to the byte where real clients look."""

import re
from collections.abc import Mapping
from typing import Any

import pytest

from gateway.domain.scopes import LEGACY_SCOPES, Scope
from gateway.services.demo import BUILT_IN_KEY
from tests.world import World

pytestmark = pytest.mark.unmeasured

ALWAYS = {
    "id",
    "key",
    "scope",
    "description",
    "variable_type",
    "owned_by",
    "created_at",
    "updated_at",
}
OF_A_SERVICE = {"service_id", "service_name", "service_type"}
SOMETIMES = {"aliased_secret", "overridden_secret", "enable_interpolation_in_file"}
REFERENCE = {"id", "key", "mount_path", "scope", "variable_type", "description"}
RFC_3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
# As the original's lists of values have them, where each can occur.
SCOPES = {"BUILT_IN", "PROJECT", "ENVIRONMENT", "APPLICATION", "CONTAINER", "JOB"}
TYPES = {"VALUE", "ALIAS", "OVERRIDE", "BUILT_IN", "FILE", "EXTERNAL_SECRET"}
SERVICES = {"APPLICATION", "CONTAINER", "DATABASE", "JOB"}

Row = Mapping[str, Any]


async def _rows(world: World, scope: Scope = Scope.JOB) -> list[Row]:
    response = await world.client.get(f"/{scope.lower()}/{world.holders[scope]}/secret")
    rows: list[Row] = response.json()["results"]
    return rows


async def _row(world: World, key: str, variable_type: str, scope: Scope = Scope.JOB) -> Row:
    return next(
        row
        for row in await _rows(world, scope)
        if (row["key"], row["variable_type"]) == (key, variable_type)
    )


async def _created(world: World, **fields: object) -> Row:
    response = await world.client.post(f"/job/{world.demo.job_id}/secret", json=fields)
    row: Row = response.json()
    return row


@pytest.mark.rule("L1")
@pytest.mark.parametrize("scope", LEGACY_SCOPES)
async def test_a_list_is_an_object_with_its_rows(world: World, scope: Scope) -> None:
    response = await world.client.get(f"/{scope.lower()}/{world.holders[scope]}/secret")

    assert response.headers["content-type"] == "application/json"
    assert set(response.json()) == {"results"}
    assert isinstance(response.json()["results"], list)


@pytest.mark.rule("W1")
@pytest.mark.parametrize("scope", LEGACY_SCOPES)
async def test_no_field_is_null_and_none_that_must_be_there_is_missing(
    world: World, scope: Scope
) -> None:
    rows = await _rows(world, scope)

    assert rows
    assert all(set(row) >= ALWAYS for row in rows)
    assert [item for row in rows for item in row.values() if item is None] == []


@pytest.mark.rule("W3")
@pytest.mark.parametrize("scope", LEGACY_SCOPES)
async def test_a_row_has_no_field_that_the_original_has_not(world: World, scope: Scope) -> None:
    """Above all no value, and no mount path at the top, not even of a file."""
    fields = {name for row in await _rows(world, scope) for name in row}

    assert fields <= ALWAYS | OF_A_SERVICE | SOMETIMES


@pytest.mark.rule("W1", "W3")
async def test_a_created_row_is_like_a_listed_one(world: World) -> None:
    created = await _created(world, key="KEY", value="value", mount_path="/etc/key")

    assert created == await _row(world, "KEY", "FILE")
    assert set(created) == ALWAYS | OF_A_SERVICE


@pytest.mark.rule("W1")
@pytest.mark.parametrize("given", [{}, {"description": None}, {"description": ""}], ids=repr)
async def test_a_description_that_was_not_given_is_empty(
    world: World, given: Mapping[str, object]
) -> None:
    assert (await _created(world, key="KEY", **given))["description"] == ""


@pytest.mark.rule("W1")
async def test_moments_are_those_of_rfc_3339_with_a_zone(world: World) -> None:
    moments = [row[name] for row in await _rows(world) for name in ("created_at", "updated_at")]

    assert moments
    assert [moment for moment in moments if not RFC_3339.fullmatch(moment)] == []


@pytest.mark.rule("W1")
async def test_the_platform_owns_what_nothing_else_does(world: World) -> None:
    owners = {row["key"]: row["owned_by"] for row in await _rows(world)}

    at = {"parent_id": world.demo.environment_id, "scope": "ENVIRONMENT"}
    variables = (await world.client.get("/variable", params=at)).json()["results"]

    assert set(owners.values()) == {"QOVERY"}
    assert {row["key"] for row in variables if row["owned_by"] == "Vault"} == {"TRACING_API_KEY"}


@pytest.mark.rule("W2")
async def test_references_are_there_where_they_apply_only(world: World) -> None:
    rows = await _rows(world)

    assert {row["variable_type"] for row in rows if "aliased_secret" in row} == {"ALIAS"}
    assert {row["variable_type"] for row in rows if "overridden_secret" in row} == {"OVERRIDE"}


@pytest.mark.rule("A1", "O2", "W1")
@pytest.mark.parametrize(
    ("key", "variable_type", "reference", "target"),
    [
        ("BILLING_API_KEY", "ALIAS", "aliased_secret", "PAYMENT_API_KEY"),
        ("PAYMENT_API_KEY", "OVERRIDE", "overridden_secret", "PAYMENT_API_KEY"),
    ],
)
async def test_a_reference_says_its_target_without_nulls(
    world: World, key: str, variable_type: str, reference: str, target: str
) -> None:
    """The mount path is a text, empty where there is no file."""
    answer = (await _row(world, key, variable_type))[reference]

    assert answer == {
        "id": (await _row(world, target, "VALUE"))["id"],
        "key": target,
        "mount_path": "",
        "scope": "PROJECT",
        "variable_type": "VALUE",
        "description": "Sandbox",
    }


@pytest.mark.rule("A4", "W1", "W3")
async def test_a_reference_to_a_file_says_where_it_is(world: World) -> None:
    file = await _row(world, "TLS_CERTIFICATE", "FILE")

    response = await world.client.post(
        f"/job/{world.demo.job_id}/secret/{file['id']}/alias", json={"key": "ALIAS"}
    )

    assert response.json()["aliased_secret"]["mount_path"] == "/etc/tls/shop.pem"
    assert set(response.json()["aliased_secret"]) == REFERENCE
    assert "mount_path" not in response.json()


@pytest.mark.rule("W2")
async def test_a_row_of_a_service_names_it(world: World) -> None:
    row = await _row(world, "INVOICE_SIGNING_KEY", "VALUE")

    assert {name: row[name] for name in OF_A_SERVICE} == {
        "service_id": world.demo.job_id,
        "service_name": "nightly-invoices",
        "service_type": "JOB",
    }


@pytest.mark.rule("W2")
async def test_a_built_in_row_names_the_service_that_it_comes_from(world: World) -> None:
    row = await _row(world, BUILT_IN_KEY, "BUILT_IN")

    assert (row["service_type"], row["service_name"]) == ("DATABASE", "orders-db")
    assert row["service_id"] not in world.holders.values()


@pytest.mark.rule("W2")
@pytest.mark.parametrize("scope", [Scope.PROJECT, Scope.ENVIRONMENT])
async def test_a_row_of_a_wider_holder_names_no_service(world: World, scope: Scope) -> None:
    rows = [row for row in await _rows(world) if row["scope"] == scope]

    assert rows
    assert [row for row in rows if OF_A_SERVICE & set(row)] == []


@pytest.mark.rule("W1")
@pytest.mark.parametrize("is_enabled", [True, False])
async def test_a_switch_that_was_set_is_reported(world: World, *, is_enabled: bool) -> None:
    """False is something else than nothing."""
    created = await _created(world, key="KEY", enable_interpolation_in_file=is_enabled)

    assert created["enable_interpolation_in_file"] is is_enabled


@pytest.mark.rule("W4")
@pytest.mark.parametrize("scope", LEGACY_SCOPES)
async def test_enumerated_fields_have_the_originals_values(world: World, scope: Scope) -> None:
    rows = await _rows(world, scope)

    assert {row["scope"] for row in rows} <= SCOPES
    assert {row["variable_type"] for row in rows} <= TYPES
    assert {row["service_type"] for row in rows if "service_type" in row} <= SERVICES
    assert {row["variable_type"] for row in rows if row["scope"] == "BUILT_IN"} <= {"BUILT_IN"}
