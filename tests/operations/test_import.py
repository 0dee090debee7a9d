"""What becomes of each row of an import."""

from typing import Any

import pytest

from gateway.domain.drafts import HolderReference, ProvidedDraft
from gateway.domain.holders import new_id
from gateway.domain.principals import Principal
from gateway.domain.scopes import HOLDER_SCOPES, Scope, ServiceType
from gateway.domain.secrets import ServiceReference
from tests.operations.places import PLACES
from tests.world import World

pytestmark = pytest.mark.asyncio(loop_scope="module")

DOCUMENT = """mutation ($holder: SecretHolderRef!, $secrets: [ImportSecretInput!]!, $over: Boolean!
) {
    importSecrets(holder: $holder, secrets: $secrets, overwrite: $over) {
        totalCount
        holder { id }
        imported { id }
        rows { key action secret { id scope variableType version overriddenSecret { id } } }
        errors { code message path }
    } }"""
Json = dict[str, Any]
JOB = PLACES["the job"]
ENVIRONMENT = PLACES["the environment"]
PROJECT = PLACES["the project"]


async def _imported(world: World, scope: Scope, holder_id: str, *rows: Json, over: bool) -> Json:
    variables = {"holder": {scope.id_argument: holder_id}, "secrets": rows, "over": over}
    payload: Json = (await world.graphql.ask(DOCUMENT, variables))["importSecrets"]
    return payload


@pytest.mark.rule("V4")
@pytest.mark.parametrize("scope", HOLDER_SCOPES)
async def test_a_new_key_is_created(shared_world: World, key: str, scope: Scope) -> None:
    """At the holder itself, unless the row says where."""
    holder_id = shared_world.holders[scope]

    payload = await _imported(
        shared_world, scope, holder_id, {"key": key, "value": "new"}, over=False
    )

    row = payload["rows"][0]
    assert (row["action"], row["secret"]["scope"]) == ("CREATED", scope)
    assert payload["holder"]["id"] == holder_id
    assert payload["imported"] == [{"id": row["secret"]["id"]}]
    assert await shared_world.stored_value(row["secret"]["id"]) == "new"


@pytest.mark.rule("V4")
@pytest.mark.parametrize("scope", [Scope.PROJECT, Scope.ENVIRONMENT, Scope.JOB])
async def test_a_row_goes_to_the_holder_of_the_chain_that_its_scope_names(
    shared_world: World, key: str, scope: Scope
) -> None:
    payload = await _imported(
        shared_world, *JOB(shared_world), {"key": key, "scope": scope, "value": "x"}, over=False
    )

    rows = await shared_world.rest.visible(scope, shared_world.holders[scope])
    assert payload["rows"][0]["action"] == "CREATED"
    assert [row["scope"] for row in rows if row["key"] == key] == [scope]


@pytest.mark.rule("V4")
@pytest.mark.parametrize(
    "scope", [Scope.BUILT_IN, Scope.APPLICATION, Scope.CONTAINER, Scope.AGENTIC_WORKFLOW]
)
async def test_a_scope_that_the_chain_does_not_have_fails_the_row(
    shared_world: World, key: str, scope: Scope
) -> None:
    payload = await _imported(
        shared_world, *JOB(shared_world), {"key": key, "scope": scope}, over=True
    )

    assert payload["rows"] == [{"key": key, "action": "FAILED", "secret": None}]
    assert payload["errors"][0]["path"] == ["secrets", "0", "scope"]


@pytest.mark.rule("V4")
async def test_the_same_key_at_the_same_scope_is_updated_if_that_is_asked_for(
    shared_world: World, key: str
) -> None:
    there = await shared_world.rest.create(*JOB(shared_world), key=key, value="old")

    payload = await _imported(
        shared_world, *JOB(shared_world), {"key": key, "value": "new"}, over=True
    )

    row = payload["rows"][0]
    assert (row["action"], row["secret"]["id"]) == ("UPDATED", there.row["id"])
    assert row["secret"]["version"] == 2
    assert await shared_world.stored_value(there.row["id"]) == "new"


@pytest.mark.rule("V4")
async def test_the_same_key_at_the_same_scope_is_skipped_if_not(
    shared_world: World, key: str
) -> None:
    there = await shared_world.rest.create(*JOB(shared_world), key=key, value="old")

    payload = await _imported(
        shared_world, *JOB(shared_world), {"key": key, "value": "new"}, over=False
    )

    assert payload["rows"][0]["action"] == "SKIPPED"
    assert (payload["imported"], payload["errors"]) == ([], [])
    assert await shared_world.stored_value(there.row["id"]) == "old"


@pytest.mark.rule("V4")
@pytest.mark.parametrize("over", [True, False])
@pytest.mark.parametrize("place", ["the project", "the environment"])
async def test_a_key_of_a_higher_scope_is_overridden(
    *, shared_world: World, key: str, place: str, over: bool
) -> None:
    """Whether or not rows of the same scope would be updated."""
    there = await shared_world.rest.create(*PLACES[place](shared_world), key=key, value="wide")

    payload = await _imported(
        shared_world, *JOB(shared_world), {"key": key, "value": "narrow"}, over=over
    )

    row = payload["rows"][0]
    assert (row["action"], row["secret"]["variableType"]) == ("OVERRIDDEN", "OVERRIDE")
    assert row["secret"]["overriddenSecret"]["id"] == there.row["id"]
    assert await shared_world.stored_value(row["secret"]["id"]) == "narrow"
    assert await shared_world.stored_value(there.row["id"]) == "wide"


@pytest.mark.rule("V4")
async def test_an_override_of_the_same_scope_is_updated(shared_world: World, key: str) -> None:
    target = await shared_world.rest.create(*PROJECT(shared_world), key=key, value="wide")
    override = await shared_world.rest.override(*JOB(shared_world), target.row["id"], value="old")

    payload = await _imported(
        shared_world, *JOB(shared_world), {"key": key, "value": "new"}, over=True
    )

    assert payload["rows"][0]["action"] == "UPDATED"
    assert await shared_world.stored_value(override.row["id"]) == "new"
    assert await shared_world.stored_value(target.row["id"]) == "wide"


@pytest.mark.rule("O3", "V4")
async def test_what_is_overridden_above_is_overridden_by_its_target(
    shared_world: World, key: str
) -> None:
    """Both overrides target the VALUE."""
    target = await shared_world.rest.create(*PROJECT(shared_world), key=key, value="wide")
    await shared_world.rest.override(*ENVIRONMENT(shared_world), target.row["id"], value="narrow")

    payload = await _imported(
        shared_world, *JOB(shared_world), {"key": key, "value": "x"}, over=True
    )

    assert payload["rows"][0]["secret"]["overriddenSecret"]["id"] == target.row["id"]


@pytest.mark.rule("V4")
async def test_a_key_of_a_lower_scope_fails_the_row(shared_world: World, key: str) -> None:
    there = await shared_world.rest.create(*JOB(shared_world), key=key, value="low")

    payload = await _imported(
        shared_world, *ENVIRONMENT(shared_world), {"key": key, "value": "high"}, over=True
    )

    assert payload["rows"][0]["action"] == "FAILED"
    assert payload["errors"][0]["code"] == "CONFLICT"
    assert await shared_world.stored_value(there.row["id"]) == "low"


@pytest.mark.rule("V4")
@pytest.mark.parametrize("place", ["the project", "the environment", "the job"])
@pytest.mark.parametrize("is_rest", [False, True], ids=["graphql", "rest"])
async def test_a_file_does_not_get_its_mount_path_as_its_content(
    *, shared_world: World, key: str, place: str, is_rest: bool
) -> None:
    """An export shows the path in place of the content; another value is a content."""
    path = f"/etc/{key}"
    at = PLACES[place](shared_world)
    file = await shared_world.rest.create(*at, key=key, value="content", mount_path=path)
    send = _imported_over_rest if is_rest else _actions

    refused = await send(shared_world, {"key": key, "value": path})
    control = await send(shared_world, {"key": key, "value": f"{path}.other"})

    assert refused == ["FAILED"]
    assert control != ["FAILED"]
    is_own = place == "the job"
    assert (await shared_world.stored_value(file.row["id"]) == "content") is not is_own


async def _actions(world: World, row: Json) -> list[str]:
    payload = await _imported(world, *JOB(world), row, over=True)
    return [item["action"] for item in payload["rows"]]


async def _imported_over_rest(world: World, row: Json) -> list[str]:
    _, job_id = JOB(world)
    sent = {"name": row["key"], "value": row["value"], "scope": "JOB", "is_secret": True}
    answer = await world.client.post(
        f"/job/{job_id}/environmentVariable/import", json={"overwrite": True, "vars": [sent]}
    )
    found = answer.json()["successful_imported_variables"]
    return ["IMPORTED" for _ in found] or ["FAILED"]


@pytest.mark.rule("A6", "V4")
async def test_an_alias_is_not_given_a_value(shared_world: World, key: str) -> None:
    target = await shared_world.rest.create(*PROJECT(shared_world), key=key, value="kept")
    await shared_world.rest.alias(*JOB(shared_world), target.row["id"], key=f"{key}_ALIAS")

    payload = await _imported(
        shared_world, *JOB(shared_world), {"key": f"{key}_ALIAS", "value": "new"}, over=True
    )

    assert payload["rows"][0]["action"] == "FAILED"
    assert await shared_world.stored_value(target.row["id"]) == "kept"


@pytest.mark.rule("O3", "V4")
async def test_an_alias_of_a_higher_scope_is_not_overridden(shared_world: World, key: str) -> None:
    target = await shared_world.rest.create(*PROJECT(shared_world), key=key)
    await shared_world.rest.alias(*ENVIRONMENT(shared_world), target.row["id"], key=f"{key}_ALIAS")

    payload = await _imported(
        shared_world, *JOB(shared_world), {"key": f"{key}_ALIAS", "value": "x"}, over=True
    )

    assert payload["rows"][0]["action"] == "FAILED"
    assert payload["errors"][0]["code"] == "NOT_OVERRIDABLE"


@pytest.mark.rule("C6", "V4")
@pytest.mark.parametrize("place", ["the environment", "the job"])
@pytest.mark.parametrize("is_built_in", [True, False], ids=["BUILT_IN", "EXTERNAL_SECRET"])
async def test_a_provided_secret_is_not_written_by_an_import(
    *, shared_world: World, key: str, place: str, is_built_in: bool
) -> None:
    """Its key may be one that callers could have."""
    demo = shared_world.demo
    source = ServiceReference(id=new_id(), name="db", type=ServiceType.DATABASE)
    there = await shared_world.runtime.services.for_principal(
        Principal.operator(demo.organization_id)
    ).administration.register(
        holder_reference=HolderReference(*ENVIRONMENT(shared_world)),
        draft=ProvidedDraft(key=key, value="platform", source=source if is_built_in else None),
    )
    row = {"key": key, "value": "mine", "scope": "ENVIRONMENT"}

    payload = await _imported(shared_world, *PLACES[place](shared_world), row, over=True)

    assert await shared_world.stored_value(there.id) == "platform"
    assert payload["rows"][0]["action"] == "FAILED"
