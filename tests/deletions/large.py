"""Holders with more rows than one transaction deletes."""

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Any, Final

from gateway.domain.drafts import HolderReference
from gateway.domain.holders import new_id
from gateway.domain.principals import Principal
from gateway.domain.scopes import Scope
from gateway.services.deletions import MAX_ROWS
from tests.world import World

DELETE: Final = """mutation ($holder: SecretHolderRef!, $key: String, $dry: Boolean) {
    payload: deleteHolder(holder: $holder, withContent: true, idempotencyKey: $key, dryRun: $dry) {
        deletedHolderIds deletedSecretIds errors { code } } }"""
# Its holder's deletion takes two full steps, and one more for what is left.
MANY: Final = 2 * MAX_ROWS


async def fill(world: World, job_id: str, *, secrets: int = MANY, prefix: str = "FILLER") -> None:
    """Give a job many secrets."""
    rows = [
        {"name": f"{prefix}_{number}", "value": "v", "scope": "JOB", "is_secret": True}
        for number in range(secrets)
    ]
    answer = await world.client.post(
        f"/job/{job_id}/environmentVariable/import", json={"overwrite": False, "vars": rows}
    )
    assert answer.json()["successful_imported_variables"]


async def delete(
    world: World, scope: Scope, holder_id: str, *, key: str | None = None, dry: bool = False
) -> Mapping[str, Any]:
    """Delete a holder with its content over GraphQL."""
    variables = {"holder": {scope.id_argument: holder_id}, "key": key, "dry": dry}
    payload: Mapping[str, Any] = (await world.graphql.ask(DELETE, variables))["payload"]
    assert payload["errors"] == []
    return payload


async def another(world: World, kind: Scope, parent: HolderReference | None = None) -> str:
    """Create a holder with a name of its own."""
    operator = Principal.operator(world.demo.organization_id)
    made = await world.runtime.services.for_principal(operator).administration.create_holder(
        kind=kind, name=f"{kind.lower()} {new_id()}", parent=parent
    )
    return made.id


async def large_project(world: World) -> Mapping[Scope, str]:
    """Create a project with an environment and a job that has many secrets."""
    project_id = await another(world, Scope.PROJECT)
    environment_id = await another(
        world, Scope.ENVIRONMENT, HolderReference(Scope.PROJECT, project_id)
    )
    job_id = await another(world, Scope.JOB, HolderReference(Scope.ENVIRONMENT, environment_id))
    await fill(world, job_id)
    return {Scope.PROJECT: project_id, Scope.ENVIRONMENT: environment_id, Scope.JOB: job_id}


def stored(world: World, statement: str, *parameters: str) -> Sequence[tuple[Any, ...]]:
    """Return the rows of a statement, past the gateway."""
    path = f"file:{world.runtime.settings.data_dir / 'secrets.db'}?mode=ro"
    with closing(sqlite3.connect(path, uri=True)) as connection:
        return connection.execute(statement, parameters).fetchall()


def rows_below(world: World, project_id: str) -> int:
    """Return how many rows of a project are in the database, deleted or not."""
    ((secrets, holders),) = stored(
        world,
        "SELECT (SELECT count(*) FROM secret WHERE project_id = ?1),"
        " (SELECT count(*) FROM holder WHERE project_id = ?1)",
        project_id,
    )
    return int(secrets + holders)
