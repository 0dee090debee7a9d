"""Objects that somebody else puts into the database, and the guards against them switched off."""

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from gateway.domain.drafts import HolderReference
from gateway.domain.principals import Principal
from gateway.domain.scopes import Scope
from gateway.storage import holders, tokens
from gateway.storage.audit.row_macs import Covered
from gateway.storage.dialects import catalog
from gateway.storage.unit_of_work import WriteUnit
from tests.audit.audit_log import database_of, run_by_force
from tests.world import World

DELIVER = "query ($id: ID!) { runtimeSecrets(serviceId: $id) { key value } }"
RENAME = """mutation ($holder: SecretHolderRef!, $name: String!) {
    renameHolder(holder: $holder, name: $name) { errors { code } } }"""
REVOKE = "mutation ($id: ID!) { revokeApiToken(tokenId: $id) { errors { code } } }"
UNDO = """CREATE TRIGGER undo AFTER UPDATE OF revoked_at ON api_token
    BEGIN UPDATE api_token SET revoked_at = NULL WHERE id = NEW.id; END"""
PUT_BACK = """CREATE TRIGGER put_back AFTER UPDATE OF revoked_at ON api_token
    BEGIN UPDATE api_token SET revoked_at = OLD.revoked_at, mac = OLD.mac WHERE id = NEW.id; END"""


@dataclass(frozen=True, slots=True)
class Movable:
    """A job without secrets, and the project and environment that it must not come to."""

    job_id: str
    project_id: str
    environment_id: str

    @property
    def trigger(self) -> str:
        """A trigger that moves the job there when it is renamed."""
        return f"""CREATE TRIGGER moves AFTER UPDATE OF name ON holder
            WHEN NEW.id = '{self.job_id}'
            BEGIN UPDATE holder SET project_id = '{self.project_id}',
                environment_id = '{self.environment_id}', parent_id = '{self.environment_id}'
                WHERE id = NEW.id; END"""


def put_in_quietly(data_dir: Path, statement: str) -> None:
    """Run a statement that changes the catalog, and set the schema's version back."""
    with closing(sqlite3.connect(data_dir / "secrets.db", isolation_level=None)) as connection:
        (version,) = connection.execute("PRAGMA schema_version").fetchone()
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(statement)
        connection.execute(f"PRAGMA schema_version = {version}")
        connection.execute("COMMIT")
        assert connection.execute("PRAGMA schema_version").fetchone() == (version,)


def look_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the gateway not look at the catalog."""

    async def nothing(*_: object, **__: object) -> tuple[()]:
        return ()

    monkeypatch.setattr(catalog, "catalog_findings", nothing)


def seal_what_is_read_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let MACs be made of what the database gives back after a change."""

    async def update_rows(
        unit: WriteUnit,
        covered: Covered,
        changes: Sequence[tuple[Sequence[Any], Mapping[str, Any]]],
    ) -> None:
        run = unit.execute_unrecorded
        for before, change in changes:
            is_it = covered.row_id == before[0]
            await run(update(covered.table).where(is_it).values(**change))
            for row in await unit.rows(covered.selection().where(is_it)):
                mac = unit.macs.of(covered, row[:-1])
                await run(update(covered.table).where(is_it).values(mac=mac))
                old, new = covered.named(before), covered.named(row)
                unit.changes.note(covered, (old, before[-1]), (new, mac))

    for module in (holders, tokens):
        monkeypatch.setattr(module, "update_rows", update_rows)


async def movable_job(world: World) -> Movable:
    """Return a new job beside a new project with a secret of its own."""
    principal = Principal.operator(world.demo.organization_id)
    create = world.runtime.services.for_principal(principal).administration.create_holder
    project = await create(kind=Scope.PROJECT, name="production")
    environment = await create(
        kind=Scope.ENVIRONMENT,
        name="live",
        parent=HolderReference(Scope.PROJECT, project.id),
    )
    job = await create(
        kind=Scope.JOB,
        name="mine",
        parent=HolderReference(Scope.ENVIRONMENT, world.demo.environment_id),
    )
    await world.rest.create(Scope.PROJECT, project.id, key="LIVE", value="not for the job")
    return Movable(job.id, project.id, environment.id)


async def rename(world: World, job_id: str) -> Mapping[str, Any]:
    """Rename a job; return the whole answer."""
    variables = {"holder": {"jobId": job_id}, "name": "renamed"}
    return await asked(world, RENAME, variables)


async def asked(world: World, document: str, variables: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the whole answer to a document."""
    response = await world.client.post("/graphql", json={"query": document, "variables": variables})
    answer: Mapping[str, Any] = response.json()
    return answer


def codes(answer: Mapping[str, Any]) -> list[str]:
    """Return the codes of an answer's errors."""
    return [error["extensions"]["code"] for error in answer.get("errors") or ()]


def is_revoked(data_dir: Path, token_id: str) -> bool:
    """Tell what the database itself says of a token."""
    query = "SELECT revoked_at IS NOT NULL FROM api_token WHERE id = ?"
    with closing(sqlite3.connect(data_dir / "secrets.db")) as connection:
        (found,) = connection.execute(query, (token_id,)).fetchone()
    return bool(found)


def drop(world: World, kind: str, name: str) -> None:
    """Take an object out of the database again."""
    run_by_force(database_of(world), f"DROP {kind} {name}")
