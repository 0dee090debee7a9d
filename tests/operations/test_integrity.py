"""Rows that were written past the gateway are refused when they are used."""

import sqlite3
from contextlib import closing
from http import HTTPStatus
from pathlib import Path

import pytest

from gateway.config.types import LogFormat
from gateway.domain.errors import ErrorCode, IntegrityFault
from gateway.domain.permissions import Role
from gateway.domain.scopes import Scope
from gateway.storage.audit.row_macs import AUDITED, Covered, RowMacs
from tests.operations.canaries import all_logs
from tests.world import World

OTHER = "0d9c6a0e-5f1b-4c61-9a53-6f2d8f1c7b10"
DELIVER = "query ($id: ID!) { runtimeSecrets(serviceId: $id) { key value } }"
# Each keeps every constraint of the table.
EDITS = {
    "renamed": "UPDATE secret SET key = 'RENAMED' WHERE id = :alias",
    "retargeted": """UPDATE secret SET target_id = (SELECT id FROM secret WHERE key = 'OTHER_KEY')
        WHERE id = :alias""",
    "moved to another holder": "UPDATE secret SET holder_id = :sibling WHERE id = :alias",
    "moved in the order": "UPDATE secret SET list_rank = list_rank + 1 WHERE id = :alias",
    "rolled back": "UPDATE secret SET version = version + 1 WHERE id = :alias",
    "owned by another": "UPDATE secret SET owned_by = 'Vault' WHERE id = :alias",
    "without its MAC": "UPDATE secret SET mac = NULL WHERE id = :alias",
    "with another row's MAC": """UPDATE secret SET mac =
        (SELECT mac FROM secret WHERE key = 'OTHER_KEY') WHERE id = :alias""",
    "no time any more": "UPDATE secret SET created_at = 'never' WHERE id = :alias",
    "of another kind": "UPDATE secret SET version = x'00' WHERE id = :alias",
}


@pytest.fixture
async def alias_id(world: World) -> str:
    """An alias on the job, and a second secret that it might be turned to."""
    target = await world.rest.create(
        Scope.PROJECT, world.demo.project_id, key="OWN_KEY", value="of the project"
    )
    await world.rest.create(
        Scope.PROJECT, world.demo.project_id, key="OTHER_KEY", value="not for the job"
    )
    made = await world.rest.alias(Scope.JOB, world.demo.job_id, target.row["id"], key="ALIASED")
    alias_id: str = made.row["id"]
    return alias_id


def _execute(data_dir: Path, statement: str, **names: str) -> None:
    with closing(sqlite3.connect(data_dir / "secrets.db")) as connection, connection:
        connection.execute("PRAGMA ignore_check_constraints = ON")
        assert connection.execute(statement, names).rowcount == 1


@pytest.mark.rule("S55")
@pytest.mark.parametrize("statement", EDITS.values(), ids=EDITS.keys())
async def test_an_edited_row_is_refused_at_use_and_raises_an_alarm(
    world: World, data_dir: Path, alias_id: str, statement: str
) -> None:
    holder = world.demo.other_job_id if "holder_id" in statement else world.demo.job_id
    before = await world.client.get(f"/job/{holder}/secret")
    names = {"alias": alias_id, "sibling": world.demo.other_job_id}
    _execute(
        data_dir, statement, **{name: names[name] for name in names if f":{name}" in statement}
    )

    with all_logs(LogFormat.JSON) as logs:
        listed = await world.client.get(f"/job/{holder}/secret")
        delivered = await world.client.post(
            "/graphql", json={"query": DELIVER, "variables": {"id": holder}}
        )

    assert before.status_code == HTTPStatus.OK
    assert listed.status_code == HTTPStatus.SERVICE_UNAVAILABLE
    assert listed.json()["code"] == ErrorCode.UNAVAILABLE
    assert delivered.json()["errors"][0]["extensions"]["code"] == ErrorCode.UNAVAILABLE
    assert "not for the job" not in delivered.text
    assert "integrity_fault" in logs.getvalue()


async def test_a_retargeted_alias_would_show_another_value(
    world: World, data_dir: Path, alias_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control of the test above: without the check of MACs."""
    _execute(data_dir, EDITS["retargeted"], alias=alias_id)
    monkeypatch.setattr(RowMacs, "ensure_sound", lambda *_: None)

    delivered = await world.graphql.ask(DELIVER, {"id": world.demo.job_id})

    assert {"key": "ALIASED", "value": "not for the job"} in delivered["runtimeSecrets"]


@pytest.mark.rule("S55")
async def test_an_inserted_row_is_refused(world: World, data_dir: Path, alias_id: str) -> None:
    copied = """INSERT INTO secret SELECT :other, organization_id, project_id, holder_id,
        holder_kind, scope, variable_type, list_rank, 'INSERTED', mount_path, description,
        enable_interpolation_in_file, target_id, target_type, source_service_id,
        source_service_name, source_service_type, owned_by, version, created_at, updated_at,
        value_version, mac FROM secret WHERE id = :alias"""
    _execute(data_dir, copied, other=OTHER, alias=alias_id)

    listed = await world.client.get(f"/job/{world.demo.job_id}/secret")

    assert listed.status_code == HTTPStatus.SERVICE_UNAVAILABLE


async def test_an_older_value_put_back_is_refused(world: World, data_dir: Path) -> None:
    """The box itself opens, it is only not the secret's any more."""
    at = Scope.JOB, world.demo.job_id
    made = await world.rest.create(*at, key="KEY", value="first")
    secret_id = made.row["id"]
    find = "SELECT value_version, ciphertext FROM sealed_value WHERE secret_id = ?"
    with closing(sqlite3.connect(data_dir / "secrets.db")) as connection:
        version, box = connection.execute(find, (secret_id,)).fetchone()
    await world.rest.edit(*at, secret_id, key="KEY", value="second")
    assert await world.stored_value(secret_id) == "second"

    with closing(sqlite3.connect(data_dir / "secrets.db")) as connection, connection:
        connection.execute(
            "UPDATE sealed_value SET value_version = ?, ciphertext = ? WHERE secret_id = ?",
            (version, box, secret_id),
        )

    with pytest.raises(IntegrityFault):
        await world.stored_value(secret_id)


async def test_a_value_that_was_taken_away_is_no_empty_value(world: World, data_dir: Path) -> None:
    made = await world.rest.create(Scope.JOB, world.demo.job_id, key="KEY", value="value")
    _execute(data_dir, "DELETE FROM sealed_value WHERE secret_id = :id", id=made.row["id"])

    answer = await world.client.post(
        "/graphql", json={"query": DELIVER, "variables": {"id": world.demo.job_id}}
    )

    assert answer.json()["errors"][0]["extensions"]["code"] == ErrorCode.UNAVAILABLE


async def test_an_edited_override_is_not_renamed_with_its_target(
    world: World, data_dir: Path
) -> None:
    """A rename writes the override's row anew, which must not make a stranger's edit sound."""
    target = await world.rest.create(Scope.PROJECT, world.demo.project_id, key="KEY", value="wide")
    override = await world.rest.override(
        Scope.JOB, world.demo.job_id, target.row["id"], value="narrow"
    )
    edit = "UPDATE secret SET description = 'edited' WHERE id = :id"
    _execute(data_dir, edit, id=override.row["id"])

    refused = await world.rest.edit(
        Scope.PROJECT, world.demo.project_id, target.row["id"], key="NEXT"
    )

    assert refused.status is HTTPStatus.SERVICE_UNAVAILABLE


TOKEN_EDITS = {
    "of another role": "UPDATE role_grant SET role = 'ADMIN' WHERE token_id = :id",
    "with a grant's MAC gone": "UPDATE role_grant SET mac = NULL WHERE token_id = :id",
    "not expiring": "UPDATE api_token SET expires_at = '2999-01-01 00:00:00.000000' WHERE id = :id",
    "not revoked": "UPDATE api_token SET revoked_at = NULL, name = 'x' WHERE id = :id",
    "of another organization": "UPDATE api_token SET organization_id = :other WHERE id = :id",
    "without its MAC": "UPDATE api_token SET mac = NULL WHERE id = :id",
}


@pytest.mark.rule("S55")
@pytest.mark.parametrize("statement", TOKEN_EDITS.values(), ids=TOKEN_EDITS.keys())
async def test_an_edited_token_is_refused(world: World, data_dir: Path, statement: str) -> None:
    client = await world.client_with(Role.VIEWER)
    listed = await world.client.get(f"/job/{world.demo.job_id}/secret")
    other = await world.runtime.operator.organizations.create(name="Other")
    tokens = await world.runtime.operator.tokens.of_organization(world.demo.organization_id)
    (token_id,) = [token.id for token, _ in tokens if token.name == f"a {Role.VIEWER}"]
    names = {"id": token_id, "other": other.id}
    _execute(
        data_dir, statement, **{name: names[name] for name in names if f":{name}" in statement}
    )

    refused = await client.get(f"/job/{world.demo.job_id}/secret")

    assert listed.status_code == HTTPStatus.OK
    assert refused.status_code == HTTPStatus.SERVICE_UNAVAILABLE


@pytest.mark.rule("S55")
async def test_a_revoked_token_cannot_be_brought_back(world: World, data_dir: Path) -> None:
    client = await world.client_with(Role.VIEWER)
    tokens = await world.runtime.operator.tokens.of_organization(world.demo.organization_id)
    (token_id,) = [token.id for token, _ in tokens if token.name == f"a {Role.VIEWER}"]
    await world.runtime.operator.tokens.revoke(token_id)
    revoked = await client.get(f"/job/{world.demo.job_id}/secret")
    _execute(data_dir, "UPDATE api_token SET revoked_at = NULL WHERE id = :id", id=token_id)

    refused = await client.get(f"/job/{world.demo.job_id}/secret")

    assert revoked.status_code == HTTPStatus.UNAUTHORIZED
    assert refused.status_code == HTTPStatus.SERVICE_UNAVAILABLE


async def test_what_the_gateway_itself_changes_stays_sound(world: World) -> None:
    """The control of all above: every kind of change, and all is read again."""
    at = Scope.JOB, world.demo.job_id
    wide = Scope.PROJECT, world.demo.project_id
    target = await world.rest.create(*wide, key="KEY", value="wide")
    await world.rest.override(*at, target.row["id"], value="narrow")
    await world.rest.alias(*at, target.row["id"], key="ALIASED")
    await world.rest.edit(*wide, target.row["id"], key="NEXT", value="wider", description="new")

    listed = await world.client.get(f"/job/{world.demo.job_id}/secret")
    delivered = await world.graphql.ask(DELIVER, {"id": world.demo.job_id})

    assert listed.status_code == HTTPStatus.OK
    assert {"key": "NEXT", "value": "narrow"} in delivered["runtimeSecrets"]
    assert {"key": "ALIASED", "value": "wider"} in delivered["runtimeSecrets"]


def test_a_mac_covers_every_column_that_decides_something() -> None:
    assert {
        f"{covered.table.name}.{name}"
        for covered in AUDITED.values()
        for name in {*covered.table.c.keys()} - {*covered.names, "mac"}
    } == {
        *("api_token.last_used_at", "holder.parent_id", "holder.parent_kind", "holder.created_at"),
        # The wrapping of a data key is bound to the key and its project.
        *("data_key.kek_id", "data_key.wrapped", "data_key.state", "data_key.seal_count"),
    }
    assert {covered.names[0] for covered in AUDITED.values()} == {"id", "secret_id"}


@pytest.mark.parametrize("covered", AUDITED.values(), ids=lambda item: item.table.name)
def test_a_mac_depends_on_every_column_and_its_table(covered: Covered) -> None:
    macs = RowMacs(bytes(32))
    plain = [f"{name}" for name in covered.names]
    changed = [[*plain[:at], "changed", *plain[at + 1 :]] for at in range(len(plain))]

    others = {macs.of(covered, item) for item in changed} | {RowMacs(b"k" * 32).of(covered, plain)}

    assert len(others) == len(plain) + 1
    assert macs.of(covered, plain) not in others
