"""Deleting what secrets hang on, and what goes with it."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from gateway.domain.holders import new_id
from gateway.domain.scopes import SERVICE_SCOPES, Scope
from tests.operations.places import PLACES
from tests.world import World

pytestmark = pytest.mark.unmeasured

Json = dict[str, Any]
DELETE = """mutation ($holder: SecretHolderRef!, $with: Boolean) {
    payload: deleteHolder(holder: $holder, withContent: $with) {
        deletedHolderIds deletedSecretIds
        errors { code path ... on HolderNotEmptyError { holderCount secretCount } } } }"""
CREATE = """mutation ($id: ID!, $name: String!) {
    createService(environmentId: $id, type: JOB, name: $name) { holder { id } } }"""


async def _deleted(
    world: World, scope: Scope, holder_id: str, *, with_content: bool | None = None
) -> Json:
    variables = {"holder": {scope.id_argument: holder_id}, "with": with_content}
    payload: Json = (await world.graphql.ask(DELETE, variables))["payload"]
    return payload


async def _job(world: World) -> str:
    variables = {"id": world.demo.environment_id, "name": f"job {new_id()}"}
    made: str = (await world.graphql.ask(CREATE, variables))["createService"]["holder"]["id"]
    return made


def _counted(data_dir: Path, statement: str, *parameters: str) -> int:
    path = f"file:{data_dir / 'secrets.db'}?mode=ro"
    with closing(sqlite3.connect(path, uri=True)) as connection:
        count: int = connection.execute(statement, parameters).fetchone()[0]
    return count


async def test_an_empty_holder_is_deleted(world: World) -> None:
    job_id = await _job(world)

    payload = await _deleted(world, Scope.JOB, job_id)

    again = await _deleted(world, Scope.JOB, job_id)
    assert payload == {"deletedHolderIds": [job_id], "deletedSecretIds": [], "errors": []}
    assert again["errors"] == [{"code": "NOT_FOUND", "path": ["holder"]}]


async def test_what_has_secrets_is_not_deleted_unless_that_is_asked_for(world: World) -> None:
    job_id = await _job(world)
    made = await world.rest.create(Scope.JOB, job_id, key="KEY", value="kept")

    refusals = [
        await _deleted(world, Scope.JOB, job_id, with_content=flag) for flag in (None, False)
    ]

    error = {"code": "NOT_EMPTY", "path": ["holder"], "holderCount": 0, "secretCount": 1}
    assert [payload["errors"] for payload in refusals] == [[error]] * 2
    assert await world.stored_value(made.row["id"]) == "kept"


async def test_what_has_holders_below_it_is_not_deleted_unless_that_is_asked_for(
    world: World,
) -> None:
    payload = await _deleted(world, Scope.ENVIRONMENT, world.demo.environment_id)

    assert payload["deletedHolderIds"] == []
    (error,) = payload["errors"]
    assert (error["code"], error["holderCount"]) == ("NOT_EMPTY", 7)
    assert error["secretCount"] > 0


async def test_with_a_service_go_its_secrets(world: World) -> None:
    job_id = await _job(world)
    ids = []
    for key in ("ONE", "TWO"):
        made = await world.rest.create(Scope.JOB, job_id, key=key)
        alias = await world.rest.alias(Scope.JOB, job_id, made.row["id"], key=f"{key}_ALIAS")
        ids += [made.row["id"], alias.row["id"]]
    before = await world.rest.visible(*PLACES["the job"](world))

    payload = await _deleted(world, Scope.JOB, job_id, with_content=True)

    assert payload["deletedHolderIds"] == [job_id]
    assert sorted(payload["deletedSecretIds"]) == sorted(ids)
    assert await world.rest.visible(*PLACES["the job"](world)) == before


async def test_with_an_environment_goes_all_below_it(world: World, data_dir: Path) -> None:
    demo = world.demo
    there = await world.rest.create(Scope.PROJECT, demo.project_id, key="STAYS", value="stays")
    for scope in (Scope.ENVIRONMENT, *SERVICE_SCOPES):
        await world.rest.override(scope, world.holders[scope], there.row["id"], value="goes")

    payload = await _deleted(world, Scope.ENVIRONMENT, demo.environment_id, with_content=True)

    gone = {world.holders[scope] for scope in (Scope.ENVIRONMENT, *SERVICE_SCOPES)}
    assert payload["deletedHolderIds"][0] == demo.environment_id
    assert set(payload["deletedHolderIds"]) == {*gone, demo.other_job_id}
    assert demo.built_in_secret_id in payload["deletedSecretIds"]
    assert await world.stored_value(there.row["id"]) == "stays"
    assert _counted(data_dir, "SELECT count(*) FROM secret WHERE scope = 'BUILT_IN'") == 0


async def test_with_a_project_goes_all_of_it_and_nothing_else(world: World, data_dir: Path) -> None:
    demo = world.demo
    apart = await world.rest.create(
        Scope.PROJECT, demo.other_project_id, key="APART", value="apart"
    )

    payload = await _deleted(world, Scope.PROJECT, demo.project_id, with_content=True)

    assert payload["errors"] == []
    assert len(payload["deletedHolderIds"]) == 10
    for table in ("holder", "secret"):
        counted = f"SELECT count(*) FROM {table} WHERE project_id = ?"  # noqa: S608 - fixed names
        assert _counted(data_dir, counted, demo.project_id) == 0
    assert await world.stored_value(apart.row["id"]) == "apart"


async def test_with_a_project_goes_its_data_key(world: World, data_dir: Path) -> None:
    """What a backup holds of its values stays sealed."""
    counted = "SELECT count(*) FROM data_key WHERE project_id = ?"
    before = _counted(data_dir, counted, world.demo.project_id)
    others = _counted(data_dir, "SELECT count(*) FROM data_key")

    await _deleted(world, Scope.PROJECT, world.demo.project_id, with_content=True)

    assert before == 1
    assert _counted(data_dir, counted, world.demo.project_id) == 0
    assert _counted(data_dir, "SELECT count(*) FROM data_key") == others - 1
    assert _counted(data_dir, "SELECT count(*) FROM sealed_value") == 0


async def test_an_empty_projects_data_key_goes_too(world: World, data_dir: Path) -> None:
    made = await world.graphql.ask(
        'mutation { createProject(name: "empty") { holder { id } } }', {}
    )
    project_id = made["createProject"]["holder"]["id"]
    counted = "SELECT count(*) FROM data_key WHERE project_id = ?"
    before = _counted(data_dir, counted, project_id)

    payload = await _deleted(world, Scope.PROJECT, project_id)

    assert payload["deletedHolderIds"] == [project_id]
    assert (before, _counted(data_dir, counted, project_id)) == (1, 0)


async def test_a_name_is_free_again(world: World) -> None:
    await _deleted(world, Scope.PROJECT, world.demo.project_id, with_content=True)

    again = await world.graphql.ask(
        'mutation { createProject(name: "shop") { holder { id } errors { code } } }', {}
    )

    assert again["createProject"]["errors"] == []
    project_id = again["createProject"]["holder"]["id"]
    made = await world.rest.create(Scope.PROJECT, project_id, key="KEY", value="new")
    assert await world.stored_value(made.row["id"]) == "new"


@pytest.mark.parametrize("scope", [Scope.PROJECT, Scope.CONTAINER])
async def test_a_holder_of_another_kind_than_named_is_not_found(world: World, scope: Scope) -> None:
    payload = await _deleted(world, scope, world.demo.job_id, with_content=True)

    assert payload["errors"] == [{"code": "NOT_FOUND", "path": ["holder"]}]
    assert await world.rest.visible(Scope.JOB, world.demo.job_id)
