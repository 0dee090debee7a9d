"""How much one tenant can have: the same refusal on both faces."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from gateway.domain.scopes import Scope
from gateway.services.demo import Demo
from tests.world import World, open_world

pytestmark = pytest.mark.rule("S76")

TOKEN: Final = """mutation { payload: createApiToken(name: "one more", role: VIEWER) {
    apiToken { id } errors { code path ... on QuotaExceededError { maximum } } } }"""
USER: Final = """mutation { payload: registerUser(issuer: "https://i.example", subject: "s",
    displayName: "One more") {
    user { id } errors { code path ... on QuotaExceededError { maximum } } } }"""
PROJECT: Final = """mutation { payload: createProject(name: "one more") {
    holder { id } errors { code path ... on QuotaExceededError { maximum } } } }"""
SERVICE: Final = """mutation ($id: ID!) { payload: createService(environmentId: $id, type: JOB,
    name: "one more") {
    holder { id } errors { code path ... on QuotaExceededError { maximum } } } }"""
IMPORT: Final = """mutation ($id: ID!) { payload: importSecrets(holder: {jobId: $id},
    overwrite: false, secrets: [{key: "ONE_MORE", value: "v"}]) {
    rows { action } errors { code path ... on QuotaExceededError { maximum } } } }"""
CREATE: Final = """mutation ($id: ID!, $input: SecretInput!) { payload: createJobSecret(
    jobId: $id, input: $input) {
    secret { id } errors { code path ... on QuotaExceededError { maximum } } } }"""
CASES: Final[Mapping[str, tuple[str, str, list[str]]]] = {
    "tokens": ("max_tokens_per_organization", TOKEN, ["name"]),
    "projects": ("max_projects_per_organization", PROJECT, ["name"]),
    "services": ("max_holders_per_project", SERVICE, ["name"]),
    "secrets": ("max_secrets_per_holder", CREATE, ["input", "key"]),
    "imported": ("max_secrets_per_holder", IMPORT, ["secrets", "0", "key"]),
}


def _quota(setting: str, maximum: int) -> dict[str, Any]:
    return {setting: maximum}


async def _payload(world: World, document: str) -> Any:
    demo = world.demo
    holder_id = demo.environment_id if document == SERVICE else demo.job_id
    variables = {"id": holder_id, "input": {"key": "ONE_MORE", "value": "v"}}
    needed = {name: value for name, value in variables.items() if f"${name}" in document}
    body = {"query": document, "variables": needed}
    answer = (await world.client.post("/graphql", json=body)).json()
    return answer["data"]["payload"]


@pytest.mark.parametrize("case", CASES)
async def test_one_more_than_the_quota_is_refused(
    template: tuple[Path, Demo], data_dir: Path, case: str
) -> None:
    setting, document, path = CASES[case]
    async with open_world(data_dir, template[1], **_quota(setting, 1)) as world:
        payload = await _payload(world, document)

    assert payload["errors"] == [{"code": "QUOTA_EXCEEDED", "path": path, "maximum": 1}]


@pytest.mark.parametrize("case", CASES)
async def test_below_the_quota_it_is_created(
    template: tuple[Path, Demo], data_dir: Path, case: str
) -> None:
    """The control arm."""
    setting, document, _ = CASES[case]
    async with open_world(data_dir, template[1], **_quota(setting, 1_000)) as world:
        payload = await _payload(world, document)

    assert payload["errors"] == []


@pytest.mark.parametrize("face", ["graphql", "rest"])
async def test_no_kind_of_secret_is_created_beyond_the_quota(
    template: tuple[Path, Demo], data_dir: Path, face: str
) -> None:
    """Values, aliases and overrides count alike, and both faces answer alike."""
    async with open_world(data_dir, template[1], max_secrets_per_holder=1) as world:
        asked, at = getattr(world, face), (Scope.JOB, world.demo.job_id)
        above = await asked.visible(Scope.PROJECT, world.demo.project_id)
        target = next(row["id"] for row in above if row["variable_type"] == "VALUE")
        outcomes = [
            await asked.create(*at, key="ONE_MORE"),
            await asked.alias(*at, target, key="ONE_MORE"),
            await asked.override(*at, target),
        ]

    assert {(outcome.code, outcome.status) for outcome in outcomes} == {("QUOTA_EXCEEDED", 409)}


async def test_users_have_a_quota(template: tuple[Path, Demo], data_dir: Path) -> None:
    async with open_world(data_dir, template[1], max_users_per_organization=1) as world:
        first = await _payload(world, USER)
        second = await _payload(world, USER.replace('"s"', '"another"'))

    assert first["errors"] == []
    assert second["errors"] == [{"code": "QUOTA_EXCEEDED", "path": ["displayName"], "maximum": 1}]


async def test_a_revoked_token_makes_room(template: tuple[Path, Demo], data_dir: Path) -> None:
    async with open_world(data_dir, template[1], max_tokens_per_organization=10) as world:
        made = []
        payload = await _payload(world, TOKEN)
        while not payload["errors"]:
            made.append(payload["apiToken"]["id"])
            payload = await _payload(world, TOKEN)
        await world.runtime.operator.tokens.revoke(made[0])
        again = await _payload(world, TOKEN)

    assert again["errors"] == []
