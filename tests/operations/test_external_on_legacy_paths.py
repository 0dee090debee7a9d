"""The legacy paths never show a name that their clients' enums do not have."""

from http import HTTPStatus
from typing import Any

import pytest

from gateway.domain.scopes import LEGACY_SCOPES, Scope
from tests.world import World

pytestmark = pytest.mark.asyncio(loop_scope="module")

Json = dict[str, Any]
REGISTER = """mutation ($at: SecretHolderRef!, $input: ProvidedSecretInput!) {
    registerProvidedSecret(holder: $at, input: $input) { secret { id } } }"""


async def _registered(world: World, **fields: object) -> str:
    at = {"projectId": world.demo.project_id}
    answer = await world.graphql.ask(REGISTER, {"at": at, "input": {"value": "v", **fields}})
    secret_id: str = answer["registerProvidedSecret"]["secret"]["id"]
    return secret_id


async def _referring(world: World, target_id: str, kind: str, scope: Scope, **fields: str) -> str:
    named = {f"{kind}_scope": scope, f"{kind}_parent_id": world.holders[scope]}
    response = await world.client.post(f"/variable/{target_id}/{kind}", json=fields | named)
    assert response.status_code == HTTPStatus.CREATED, response.text
    secret_id: str = response.json()["id"]
    return secret_id


async def _listed(world: World, path: str) -> dict[str, Json]:
    response = await world.client.get(path)
    assert response.status_code == HTTPStatus.OK
    return {row["id"]: row for row in response.json()["results"]}


@pytest.mark.rule("X2")
@pytest.mark.parametrize("scope", LEGACY_SCOPES)
async def test_legacy_lists_leave_out_what_is_external(
    shared_world: World, key: str, scope: Scope
) -> None:
    """The secret, an alias and an override of it, and an alias of that override."""
    external = await _registered(shared_world, key=key)
    hidden = {external, await _referring(shared_world, external, "alias", scope, key=f"{key}_A")}
    if scope is not Scope.PROJECT:
        override = await _referring(shared_world, external, "override", scope, value="own")
        alias = await _referring(shared_world, override, "alias", scope, key=f"{key}_B")
        hidden |= {override, alias}
    plain = await shared_world.rest.create(scope, shared_world.holders[scope], key=f"{key}_PLAIN")
    holder_id = shared_world.holders[scope]

    legacy = await _listed(shared_world, f"/{scope.lower()}/{holder_id}/secret")
    whole = await _listed(shared_world, f"/variable?parent_id={holder_id}&scope={scope}")

    assert plain.row["id"] in legacy
    assert hidden & legacy.keys() == set()
    assert hidden <= whole.keys()


@pytest.mark.rule("X2")
@pytest.mark.parametrize("suffix", ["/alias", "/override", ""], ids=["alias", "override", "edit"])
async def test_legacy_paths_refuse_to_refer_to_what_is_external(
    shared_world: World, key: str, suffix: str
) -> None:
    """The answer would have a name that the client cannot read. `/variable` takes it."""
    external = await _registered(shared_world, key=key)
    scope = Scope.PROJECT if not suffix else Scope.JOB
    path = f"/{scope.lower()}/{shared_world.holders[scope]}/secret/{external}{suffix}"
    body = {"key": f"{key}_X"} if suffix != "/override" else {"value": "x"}
    method = "POST" if suffix else "PUT"

    refused = await shared_world.client.request(method, path, json=body)

    assert refused.status_code == HTTPStatus.BAD_REQUEST
    assert "/variable" in refused.json()["detail"]
    whole = await _listed(
        shared_world, f"/variable?parent_id={shared_world.holders[scope]}&scope={scope}"
    )
    assert [row["key"] for row in whole.values() if row["key"].startswith(key)] == [key]


@pytest.mark.rule("A3")
async def test_an_external_secret_of_another_project_is_not_found(
    shared_world: World, key: str
) -> None:
    """As on every path, also where the caller can see it."""
    external = await _registered(shared_world, key=key)
    path = f"/job/{shared_world.demo.foreign_job_id}/secret/{external}/alias"

    response = await shared_world.client.post(path, json={"key": key})

    assert response.status_code == HTTPStatus.NOT_FOUND


@pytest.mark.rule("X5")
async def test_legacy_rows_leave_out_a_newer_type_of_service(shared_world: World, key: str) -> None:
    """A built-in secret can come from an agentic workflow; `/variable` says so."""
    workflow_id = shared_world.demo.agentic_workflow_id
    source = {"id": workflow_id, "name": "support", "type": "AGENTIC_WORKFLOW"}
    built_in = await _registered(shared_world, key=f"QOVERY_{key}", source=source)
    holder_id = shared_world.demo.job_id

    legacy = await _listed(shared_world, f"/job/{holder_id}/secret")
    newer = await _listed(shared_world, f"/variable?parent_id={holder_id}&scope=JOB")

    assert "service_type" not in legacy[built_in]
    assert legacy[built_in]["service_id"] == workflow_id
    assert newer[built_in]["service_type"] == "AGENTIC_WORKFLOW"
