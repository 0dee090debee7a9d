"""Holders and users that were written past the gateway are refused when they are used."""

import sqlite3
from contextlib import closing
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from gateway.domain.drafts import DEFAULT_WRITE_OPTIONS, HolderReference
from gateway.domain.errors import IntegrityFault
from gateway.domain.grants import GranteeKind, GranteeReference
from gateway.domain.permissions import Role
from gateway.domain.principals import Principal
from gateway.domain.scopes import Scope
from gateway.storage.audit.row_macs import RowMacs
from tests.world import World, user_principal

OWN: Final = "0d9c6a0e-5f1b-4c61-9a53-6f2d8f1c7b10"
DELIVER: Final = "query ($id: ID!) { runtimeSecrets(serviceId: $id) { key value } }"
PERSON: Final = {"issuer": "https://login.example", "subject": "somebody"}
STRANGER: Final = {"issuer": "https://login.example", "subject": "a stranger"}


def _execute(data_dir: Path, statement: str, **names: str) -> None:
    with closing(sqlite3.connect(data_dir / "secrets.db")) as connection, connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        used = {name: value for name, value in names.items() if f":{name}" in statement}
        assert connection.execute(statement, used).rowcount == 1


async def _delivered(client: httpx.AsyncClient, service_id: str) -> Any:
    body = {"query": DELIVER, "variables": {"id": service_id}}
    return (await client.post("/graphql", json=body)).json()


def _codes(answer: Any) -> list[str]:
    return [error["extensions"]["code"] for error in answer["errors"]]


HOLDER_EDITS: Final = {
    "renamed": "UPDATE holder SET name = 'forged' WHERE id = :job",
    "without its MAC": "UPDATE holder SET mac = NULL WHERE id = :job",
    "with another row's MAC": """UPDATE holder SET mac =
        (SELECT mac FROM holder WHERE id = :sibling) WHERE id = :job""",
    "of another kind": "UPDATE holder SET kind = 'CONTAINER', name = 'c' WHERE id = :job",
}


@pytest.mark.rule("S55")
@pytest.mark.parametrize("statement", HOLDER_EDITS.values(), ids=HOLDER_EDITS.keys())
async def test_an_edited_holder_is_refused_with_all_that_hangs_on_it(
    world: World, data_dir: Path, statement: str
) -> None:
    """The control is what hangs elsewhere, which is served."""
    demo = world.demo
    await world.rest.create(Scope.JOB, demo.job_id, key="KEY", value="v")
    _execute(data_dir, statement, job=demo.job_id, sibling=demo.other_job_id)

    listed = await world.client.get(f"/job/{demo.job_id}/secret")
    elsewhere = await world.client.get(f"/job/{demo.other_job_id}/secret")

    assert listed.status_code == HTTPStatus.SERVICE_UNAVAILABLE
    assert elsewhere.status_code == HTTPStatus.OK


@pytest.mark.rule("S55")
async def test_an_inserted_holder_is_refused(world: World, data_dir: Path) -> None:
    """Although it carries the MAC of a real one."""
    columns = "parent_id, parent_kind, project_id, environment_id, created_at, mac"
    _execute(
        data_dir,
        f"""INSERT INTO holder (id, kind, name, organization_id, {columns})
        SELECT :own, kind, 'own', organization_id, {columns} FROM holder WHERE id = :job""",  # noqa: S608 - the text above
        own=OWN,
        job=world.demo.job_id,
    )

    listed = await world.client.get(f"/job/{OWN}/secret")

    assert listed.status_code == HTTPStatus.SERVICE_UNAVAILABLE


def _move(data_dir: Path, job_id: str, environment_id: str) -> None:
    moved = "UPDATE holder SET environment_id = :to, parent_id = :to WHERE id = :job"
    _execute(data_dir, moved, job=job_id, to=environment_id)


@pytest.mark.rule("S55")
async def test_a_service_that_was_moved_gives_its_values_to_nobody(
    world: World, data_dir: Path
) -> None:
    """Who may deliver in one environment could have services moved there."""
    staging = HolderReference(Scope.ENVIRONMENT, world.demo.other_environment_id)
    client = await world.client_with(Role.RUNTIME, on=staging)
    before = await _delivered(client, world.demo.job_id)

    _move(data_dir, world.demo.job_id, staging.id)

    assert _codes(before) == ["NOT_FOUND"]
    assert _codes(await _delivered(client, world.demo.job_id)) == ["UNAVAILABLE"]


async def test_without_the_check_a_moved_service_gives_its_values_away(
    world: World, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control of the test above."""
    staging = HolderReference(Scope.ENVIRONMENT, world.demo.other_environment_id)
    client = await world.client_with(Role.RUNTIME, on=staging)
    await world.rest.create(Scope.JOB, world.demo.job_id, key="OWN_KEY", value="of production")
    monkeypatch.setattr(RowMacs, "ensure_sound", lambda *_: None)

    _move(data_dir, world.demo.job_id, staging.id)

    result = await _delivered(client, world.demo.job_id)
    assert {"key": "OWN_KEY", "value": "of production"} in result["data"]["runtimeSecrets"]


@pytest.mark.rule("S55")
async def test_a_grant_whose_place_was_deleted_is_not_one_on_everything(
    world: World, data_dir: Path
) -> None:
    """A grant without a place is the whole organization's."""
    place = HolderReference(Scope.TERRAFORM, world.demo.terraform_id)
    client = await world.client_with(Role.RUNTIME, on=place)
    before = await _delivered(client, world.demo.job_id)

    _execute(data_dir, "DELETE FROM holder WHERE id = :id", id=place.id)

    assert _codes(before) == ["NOT_FOUND"]
    assert _codes(await _delivered(client, world.demo.job_id)) == ["UNAVAILABLE"]


async def test_a_grant_without_a_place_is_one_on_everything(world: World) -> None:
    """The control of the test above."""
    client = await world.client_with(Role.RUNTIME)

    result = await _delivered(client, world.demo.job_id)

    assert result["data"]["runtimeSecrets"]


@pytest.mark.rule("S55")
async def test_an_alias_whose_target_was_deleted_is_no_empty_value(
    world: World, data_dir: Path
) -> None:
    """Before, it has the target's."""
    target = await world.rest.create(Scope.PROJECT, world.demo.project_id, key="KEY", value="v")
    await world.rest.alias(Scope.JOB, world.demo.job_id, target.row["id"], key="ALIASED")
    before = await _delivered(world.client, world.demo.job_id)

    _execute(data_dir, "DELETE FROM secret WHERE id = :id", id=target.row["id"])

    assert {"key": "ALIASED", "value": "v"} in before["data"]["runtimeSecrets"]
    assert _codes(await _delivered(world.client, world.demo.job_id)) == ["UNAVAILABLE"]


@pytest.mark.rule("S55")
async def test_a_rename_does_not_make_an_edit_sound(world: World, data_dir: Path) -> None:
    """It writes the row anew, and looks at it before."""
    demo = world.demo
    _execute(data_dir, HOLDER_EDITS["renamed"], job=demo.job_id)

    refused = await world.client.post(
        "/graphql",
        json={
            "query": """mutation ($id: ID!) {
                renameHolder(holder: { jobId: $id }, name: "new") { holder { id } } }""",
            "variables": {"id": demo.job_id},
        },
    )

    assert _codes(refused.json()) == ["UNAVAILABLE"]


async def test_a_renamed_holder_stays_sound(world: World) -> None:
    """The control of the test above."""
    document = """mutation ($id: ID!) {
        renameHolder(holder: { jobId: $id }, name: "new") { holder { name } } }"""

    result = await world.graphql.ask(document, {"id": world.demo.job_id})
    listed = await world.client.get(f"/job/{world.demo.job_id}/secret")

    assert result["renameHolder"]["holder"] == {"name": "new"}
    assert listed.status_code == HTTPStatus.OK


@pytest.fixture
async def person(world: World) -> str:
    """A registered user who may look at everything."""
    services, operator = world.runtime.services, Principal.operator(world.demo.organization_id)
    user = await services.for_principal(operator).identities.register(
        display_name="P", options=DEFAULT_WRITE_OPTIONS, **PERSON
    )
    grantee = GranteeReference(kind=GranteeKind.USER, id=user.id)
    await services.for_principal(operator).grants.grant(grantee=grantee, role=Role.VIEWER, on=None)
    return user.id


USER_EDITS: Final = {
    "of another identity": "UPDATE user_account SET subject = 'a stranger' WHERE id = :user",
    "of another name": "UPDATE user_account SET display_name = 'x' WHERE id = :user",
    "without its MAC": "UPDATE user_account SET mac = NULL WHERE id = :user",
    "inserted": """INSERT INTO user_account (id, organization_id, issuer, subject, display_name,
        created_at, mac) SELECT :own, organization_id, issuer, 'a stranger', display_name,
        created_at, mac FROM user_account WHERE id = :user""",
}


@pytest.mark.rule("S55")
@pytest.mark.parametrize("statement", USER_EDITS.values(), ids=USER_EDITS.keys())
async def test_an_edited_user_is_refused(
    world: World, data_dir: Path, person: str, statement: str
) -> None:
    """As whoever it now is, and in lists."""
    before = await user_principal(world.runtime, **PERSON)
    _execute(data_dir, statement, user=person, own=OWN)
    now = STRANGER if "stranger" in statement else PERSON

    listed = await world.client.post(
        "/graphql", json={"query": "{ users { totalCount edges { node { id } } } }"}
    )

    assert before.id == person
    assert _codes(listed.json()) == ["UNAVAILABLE"]
    with pytest.raises(IntegrityFault):
        await user_principal(world.runtime, **now)


async def test_without_the_check_an_edited_user_lets_a_stranger_in(
    world: World, data_dir: Path, person: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control of the test above."""
    _execute(data_dir, USER_EDITS["of another identity"], user=person)
    monkeypatch.setattr(RowMacs, "ensure_sound", lambda *_: None)

    stranger = await user_principal(world.runtime, **STRANGER)

    assert stranger.grants[0].role is Role.VIEWER
