"""Former states of secrets that were written past the gateway are refused when they are used."""

import json
import sqlite3
from contextlib import closing
from http import HTTPStatus
from pathlib import Path

import pytest

from gateway.config.types import LogFormat
from gateway.domain.errors import ErrorCode
from gateway.domain.scopes import Scope
from gateway.storage.audit.row_macs import RowMacs
from tests.operations.canaries import all_logs
from tests.operations.past import deleted_at, restore, roll_back, versions_of
from tests.world import World

VERSIONS = "query ($id: ID!) { secret(id: $id) { versions { nodes { version key } } } }"
DELETED = """query ($id: ID!) { node(id: $id) { ... on SecretHolder {
    deletedSecrets { nodes { key } } } } }"""
ROLLBACK = """mutation ($id: ID!) { rollbackSecret(secretId: $id, toVersion: 1) {
    secret { key } errors { code } } }"""
# Each keeps every constraint of the table.
EDITS = {
    "another key": "UPDATE secret_version SET state = replace(state, 'FORMER', 'FORGED')",
    "no JSON": "UPDATE secret_version SET state = '{'",
    "another value's version": "UPDATE secret_version SET value_version = 2",
    "another actor": "UPDATE secret_version SET actor_id = 'somebody'",
    "another time": "UPDATE secret_version SET ended_at = '2001-01-01', began_at = '2001-01-01'",
    "no time": "UPDATE secret_version SET began_at = 'never', ended_at = 'never'",
    "a number as time": "UPDATE secret_version SET began_at = 0, ended_at = 0",
    "another version": "UPDATE secret_version SET version = version + 1",
    "another ending": "UPDATE secret_version SET ended_how = 'DELETED'",
    "no MAC": "UPDATE secret_version SET mac = NULL",
    "a text as MAC": "UPDATE secret_version SET mac = 'text'",
}


def _execute(data_dir: Path, statement: str, *parameters: object) -> None:
    with closing(sqlite3.connect(data_dir / "secrets.db")) as connection, connection:
        connection.execute(statement, parameters)


@pytest.fixture
async def secret_id(world: World) -> str:
    """A secret of the job that had another key and value before."""
    at = Scope.JOB, world.demo.job_id
    made = await world.rest.create(*at, key="FORMER_KEY", value="former")
    await world.rest.edit(*at, made.row["id"], key="PRESENT_KEY", value="present")
    found: str = made.row["id"]
    return found


async def _codes(world: World, document: str, secret_id: str) -> list[str]:
    response = await world.client.post(
        "/graphql", json={"query": document, "variables": {"id": secret_id}}
    )
    return [error["extensions"]["code"] for error in response.json().get("errors", [])]


@pytest.mark.rule("S55")
@pytest.mark.parametrize("statement", EDITS.values(), ids=EDITS.keys())
async def test_an_edited_former_state_is_refused_and_nothing_else(
    world: World, data_dir: Path, secret_id: str, statement: str
) -> None:
    intact = [
        await _codes(world, VERSIONS, secret_id),
        (await roll_back(world.graphql, secret_id, 1, dry=True))["errors"],
    ]
    _execute(data_dir, statement)

    listed = await world.client.get(f"/job/{world.demo.job_id}/secret")

    assert intact == [[], []]
    assert await _codes(world, VERSIONS, secret_id) == [ErrorCode.UNAVAILABLE]
    assert listed.status_code == HTTPStatus.OK
    assert await world.stored_value(secret_id) == "present"


@pytest.mark.rule("S55")
async def test_an_edited_former_state_cannot_be_brought_back(
    world: World, data_dir: Path, secret_id: str
) -> None:
    _execute(data_dir, EDITS["another key"])

    assert await _codes(world, ROLLBACK, secret_id) == [ErrorCode.UNAVAILABLE]


async def test_an_edited_former_state_would_come_back(
    world: World, data_dir: Path, secret_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control of the tests above: without the check of MACs."""
    _execute(data_dir, EDITS["another key"])
    monkeypatch.setattr(RowMacs, "ensure_sound", lambda *_: None)

    payload = await roll_back(world.graphql, secret_id, 1)

    assert payload["secret"]["key"] == "FORGED_KEY"


@pytest.mark.rule("S52")
async def test_another_secrets_former_value_does_not_come_back(
    world: World, data_dir: Path, secret_id: str
) -> None:
    at = Scope.JOB, world.demo.job_id
    other = await world.rest.create(*at, key="OTHER", value="not this one")
    await world.rest.edit(*at, other.row["id"], key="OTHER", value="2")
    _execute(
        data_dir,
        """UPDATE secret_version SET ciphertext = (SELECT other.ciphertext
            FROM secret_version AS other WHERE other.secret_id = ?) WHERE secret_id = ?""",
        other.row["id"],
        secret_id,
    )

    assert await _codes(world, ROLLBACK, secret_id) == [ErrorCode.UNAVAILABLE]
    assert await world.stored_value(secret_id) == "present"


async def test_a_rollback_repairs_a_damaged_value(
    world: World, data_dir: Path, secret_id: str
) -> None:
    _execute(data_dir, "UPDATE sealed_value SET ciphertext = zeroblob(64)")
    damaged = await world.client.get(f"/runtime/{world.demo.job_id}/PRESENT_KEY")

    payload = await roll_back(world.graphql, secret_id, 1)

    assert damaged.status_code == HTTPStatus.SERVICE_UNAVAILABLE
    assert payload["errors"] == []
    assert await world.stored_value(secret_id) == "former"


@pytest.mark.rule("S52")
async def test_the_log_says_which_table_has_the_value_that_does_not_open(
    world: World, data_dir: Path, secret_id: str
) -> None:
    _execute(data_dir, "UPDATE secret_version SET ciphertext = zeroblob(64)")

    with all_logs(LogFormat.JSON) as logs:
        refused = await _codes(world, ROLLBACK, secret_id)

    faults = [json.loads(line) for line in logs.getvalue().splitlines() if "row_id" in line]
    assert refused == [ErrorCode.UNAVAILABLE]
    assert [(each["table"], each["row_id"]) for each in faults] == [("secret_version", secret_id)]


@pytest.mark.rule("S55")
async def test_a_secret_that_was_never_deleted_cannot_be_made_to_come_back(
    world: World, data_dir: Path, secret_id: str
) -> None:
    """A row of one secret does not do for another one."""
    at = Scope.JOB, world.demo.job_id
    await world.rest.delete(*at, secret_id)
    forged = "0d9c6a0e-5f1b-4c61-9a53-6f2d8f1c7b10"
    _execute(
        data_dir,
        "UPDATE secret_version SET secret_id = ? WHERE ended_how = 'DELETED'",
        forged,
    )
    document = "mutation ($id: ID!) { restoreSecret(secretId: $id) { errors { code } } }"

    assert await _codes(world, document, forged) == [ErrorCode.UNAVAILABLE]


@pytest.mark.rule("S55")
async def test_what_somebody_else_changed_does_not_become_a_former_state(
    world: World, data_dir: Path, secret_id: str
) -> None:
    """Its row would get the gateway's MAC. What refers to a deleted secret goes unread."""
    at = Scope.JOB, world.demo.job_id
    alias = await world.rest.alias(*at, secret_id, key="ALIAS")
    other = await world.rest.alias(*at, secret_id, key="OTHER_ALIAS")
    forge = "UPDATE secret SET description = 'forged' WHERE id = ?"
    _execute(data_dir, forge, alias.row["id"])

    await world.rest.delete(*at, secret_id)
    payload = await restore(world.graphql, secret_id)

    assert payload["errors"] == []
    assert [item["id"] for item in payload["alsoRestored"]] == [other.row["id"]]


async def test_a_removed_former_state_is_missing_in_the_list(
    world: World, data_dir: Path, secret_id: str
) -> None:
    """What the gateway does not find: the audit log still has the change."""
    _execute(data_dir, "DELETE FROM secret_version")

    assert [item["version"] for item in await versions_of(world.graphql, secret_id)] == [2]


async def test_a_living_secret_is_not_listed_as_deleted(
    world: World, data_dir: Path, secret_id: str
) -> None:
    """Also without the row that says that it was restored."""
    at = Scope.JOB, world.demo.job_id
    await world.rest.delete(*at, secret_id)
    deleted = await deleted_at(world.graphql, world.demo.job_id)
    await restore(world.graphql, secret_id)
    _execute(data_dir, "DELETE FROM secret_version WHERE ended_how = 'RESTORED'")

    found = await world.graphql.ask(
        "query ($id: ID!) { deletedSecret(id: $id) { key } }", {"id": secret_id}
    )
    again = await restore(world.graphql, secret_id)

    assert [item["id"] for item in deleted] == [secret_id]
    assert await deleted_at(world.graphql, world.demo.job_id) == []
    assert found["deletedSecret"] is None
    assert again["errors"][0]["message"] == f"Secret {secret_id} is not deleted."


async def test_a_damaged_deleted_secret_makes_the_list_unavailable_and_no_other_restoration(
    world: World, data_dir: Path, secret_id: str
) -> None:
    at = Scope.JOB, world.demo.job_id
    other = await world.rest.create(*at, key="OTHER", value="")
    await world.rest.delete(*at, secret_id)
    await world.rest.delete(*at, other.row["id"])
    before = await deleted_at(world.graphql, world.demo.job_id)
    _execute(data_dir, "UPDATE secret_version SET actor_id = 'x' WHERE secret_id = ?", secret_id)

    listed = await _codes(world, DELETED, world.demo.job_id)
    payload = await restore(world.graphql, other.row["id"])

    assert [item["id"] for item in before] == [other.row["id"], secret_id]
    assert listed == [ErrorCode.UNAVAILABLE]
    assert payload["errors"] == []


@pytest.mark.parametrize(("shift", "restored"), [(0, 1), (1, 0)])
async def test_what_is_said_to_have_ended_elsewhere_stays_deleted(
    world: World, data_dir: Path, secret_id: str, shift: int, restored: int
) -> None:
    """What the gateway does not find: the row is not read."""
    at = Scope.JOB, world.demo.job_id
    alias = await world.rest.alias(*at, secret_id, key="ALIAS")
    await world.rest.delete(*at, secret_id)
    _execute(
        data_dir,
        "UPDATE secret_version SET ended_in = ended_in + ? WHERE secret_id = ?",
        shift,
        alias.row["id"],
    )

    payload = await restore(world.graphql, secret_id)

    assert payload["errors"] == []
    assert len(payload["alsoRestored"]) == restored
