"""An answer that was stored under an idempotency key is the one that was given."""

import sqlite3
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from gateway.config.types import LogFormat
from gateway.domain.errors import ErrorCode
from gateway.domain.permissions import Role
from gateway.storage.audit.row_macs import RowMacs
from tests.operations.canaries import all_logs
from tests.world import World

pytestmark = pytest.mark.rule("S71")

DOCUMENT = """mutation ($job: ID!, $input: SecretInput!) {
    payload: createJobSecret(jobId: $job, input: $input, idempotencyKey: "once") {
        secret { id key } errors { code } } }"""
EDITS = {
    "another key": "UPDATE idempotency SET answer = json_set(answer, '$.key', 'FORGED')",
    "another id": "UPDATE idempotency SET answer = json_set(answer, '$.id', 'forged')",
    "a longer life": "UPDATE idempotency SET created_at = '2999-01-01 00:00:00.000000'",
    "another request": "UPDATE idempotency SET fingerprint = zeroblob(32)",
    "no MAC": "UPDATE idempotency SET mac = NULL",
    "a secret's MAC": "UPDATE idempotency SET mac = (SELECT mac FROM secret LIMIT 1)",
}

MOVED = """UPDATE idempotency
    SET principal_id = (SELECT id FROM api_token WHERE name = 'a editor')"""


@pytest.fixture(params=[False, True], ids=["graphql", "rest"])
def is_rest(request: pytest.FixtureRequest) -> bool:
    """Each face in turn."""
    return bool(request.param)


async def _create(
    world: World, *, is_rest: bool, client: httpx.AsyncClient | None = None
) -> tuple[str, str]:
    """Send the same creation under the same key; return the error's code and the secret's key."""
    client = client or world.client
    body = {"key": "KEY", "value": "v"}
    if is_rest:
        path, header = f"/job/{world.demo.job_id}/secret", {"Idempotency-Key": "once"}
        result = (await client.post(path, json=body, headers=header)).json()
        return str(result.get("code")), str(result.get("key"))
    variables = {"job": world.demo.job_id, "input": body}
    answer = (
        await client.post("/graphql", json={"query": DOCUMENT, "variables": variables})
    ).json()
    if "errors" in answer:
        return answer["errors"][0]["extensions"]["code"], "None"
    return "None", answer["data"]["payload"]["secret"]["key"]


def _execute(data_dir: Path, statement: str) -> None:
    with closing(sqlite3.connect(data_dir / "secrets.db")) as connection, connection:
        assert connection.execute(statement).rowcount == 1


@pytest.mark.parametrize("statement", EDITS.values(), ids=EDITS.keys())
async def test_an_edited_answer_is_refused_and_raises_an_alarm(
    world: World, data_dir: Path, statement: str, *, is_rest: bool
) -> None:
    first = await _create(world, is_rest=is_rest)
    _execute(data_dir, statement)

    with all_logs(LogFormat.JSON) as logs:
        again = await _create(world, is_rest=is_rest)

    assert first == ("None", "KEY")
    assert again == (ErrorCode.UNAVAILABLE, "None")
    assert "integrity_fault" in logs.getvalue()


async def test_without_its_mac_a_forged_answer_would_be_reported(
    world: World, data_dir: Path, monkeypatch: pytest.MonkeyPatch, *, is_rest: bool
) -> None:
    """The control of the test above: without the check of MACs."""
    await _create(world, is_rest=is_rest)
    _execute(data_dir, EDITS["another key"])
    monkeypatch.setattr(RowMacs, "ensure_sound", lambda *_: None)

    assert await _create(world, is_rest=is_rest) == ("None", "FORGED")


@pytest.fixture
async def other(world: World, data_dir: Path, *, is_rest: bool) -> httpx.AsyncClient:
    """Another caller, to whom the first one's answer was moved."""
    await _create(world, is_rest=is_rest)
    client = await world.client_with(Role.EDITOR)
    _execute(data_dir, MOVED)
    return client


async def test_another_callers_answer_is_refused(
    world: World, other: httpx.AsyncClient, *, is_rest: bool
) -> None:
    """The row names whose answer it is, and its MAC covers that."""
    again = await _create(world, is_rest=is_rest, client=other)

    assert again == (ErrorCode.UNAVAILABLE, "None")


async def test_without_its_mac_another_caller_would_get_it(
    world: World, other: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, *, is_rest: bool
) -> None:
    """The control of the test above: without the check of MACs."""
    monkeypatch.setattr(RowMacs, "ensure_sound", lambda *_: None)

    assert await _create(world, is_rest=is_rest, client=other) == ("None", "KEY")
