"""What is measured: a database of the gateway, and the same rows for the peers.

Four projects have what requests ask for; further ones make the database as large as wanted. The
gateway writes all of it, as it would for a client: with values, MACs and events.
"""

import hashlib
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Final

from gateway.config.settings import Settings
from gateway.domain.drafts import AliasDraft, HolderReference, OverrideDraft, SecretDraft
from gateway.domain.holders import Holder
from gateway.domain.permissions import Role
from gateway.domain.principals import Principal
from gateway.domain.scopes import Scope
from gateway.runtime import Runtime, migrate_database
from gateway.services.container import BoundServices
from gateway.services.import_plan import ImportRow

_CHAIN: Final = (Scope.PROJECT, Scope.ENVIRONMENT, Scope.JOB)
# Secrets of a further job, which one import brings.
_AT_ONCE: Final = 1_000
_MAX_PROJECTS: Final = 10_000
_PEER_TABLES: Final = """
CREATE TABLE holder (
  id TEXT PRIMARY KEY, environment_id TEXT, project_id TEXT NOT NULL, kind TEXT NOT NULL,
  name TEXT NOT NULL);
CREATE TABLE secret (
  id TEXT PRIMARY KEY, key TEXT NOT NULL, scope TEXT NOT NULL, variable_type TEXT NOT NULL,
  mount_path TEXT, description TEXT, owned_by TEXT NOT NULL, created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL, version INTEGER NOT NULL,
  holder_id TEXT NOT NULL REFERENCES holder (id), target_id TEXT REFERENCES secret (id),
  list_rank INTEGER NOT NULL, UNIQUE (holder_id, key));
CREATE TABLE secret_value (
  secret_id TEXT PRIMARY KEY REFERENCES secret (id), value TEXT NOT NULL);
"""
_PEER_ROWS: Final = """
INSERT INTO holder SELECT id, environment_id, project_id, kind, name FROM theirs.holder;
INSERT INTO secret SELECT id, key, scope, variable_type, mount_path, description, owned_by,
  replace(created_at, ' ', 'T') || 'Z', replace(updated_at, ' ', 'T') || 'Z',
  version, holder_id, target_id, list_rank FROM theirs.secret;
INSERT INTO secret_value SELECT id, value_of(key, variable_type) FROM secret
  WHERE variable_type IN ('VALUE', 'OVERRIDE');
CREATE INDEX secret_by_rank ON secret (holder_id, list_rank, key);
CREATE INDEX secret_by_target ON secret (target_id) WHERE target_id IS NOT NULL;
PRAGMA optimize;
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """How many secrets each holder of a chain has; `overrides` and `aliases` are the job's."""

    project: int
    environment: int
    job: int
    overrides: int = 0
    aliases: int = 0


# 50 visible secrets; 25 and 300 delivered values; targets for aliases.
READ: Final = Content(project=20, environment=15, job=8, overrides=2, aliases=5)
DELIVERED_25: Final = Content(project=10, environment=8, job=5, overrides=1, aliases=2)
DELIVERED_300: Final = Content(project=120, environment=100, job=60, overrides=5, aliases=20)
WRITTEN: Final = Content(project=100, environment=0, job=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """The ids of a project, an environment and a job, and of the project's own secrets."""

    project_id: str
    environment_id: str
    job_id: str
    target_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Samples:
    token: str = field(repr=False)
    read: Chain
    delivered_25: Chain
    delivered_300: Chain
    written: Chain
    # Aliases are written to many jobs, because a job delivers at most 5,000 keys.
    written_jobs: tuple[str, ...]


def value_of(key: str, variable_type: str = "VALUE") -> str:
    """Return the value of a secret: 64 characters that follow from its key and its type."""
    return hashlib.sha256(f"{variable_type} {key}".encode()).hexdigest()


async def prepare(folder: Path, *, size: int, written_jobs: int) -> Samples:
    """Make a data folder with the samples and `size` further secrets, in thousands."""
    settings = Settings(data_dir=folder, max_projects_per_organization=_MAX_PROJECTS)
    await migrate_database(settings)
    async with Runtime.over(settings).running() as runtime:
        organization = await runtime.operator.organizations.create(name="Measured")
        services = runtime.services.for_principal(Principal.operator(organization.id))
        token = await services.tokens.create(name="measuring", role=Role.ADMIN)
        chains = {
            "read": await _chain(services, "read", READ),
            "delivered_25": await _chain(services, "delivered 25", DELIVERED_25),
            "delivered_300": await _chain(services, "delivered 300", DELIVERED_300),
            "written": await _chain(services, "written", WRITTEN),
        }
        jobs = await _add_jobs(services, chains["written"].environment_id, written_jobs)
        await _grow(services, jobs=size // _AT_ONCE)
    return Samples(token=token.text, written_jobs=jobs, **chains)


async def _add_jobs(services: BoundServices, environment_id: str, count: int) -> tuple[str, ...]:
    environment = HolderReference(Scope.ENVIRONMENT, environment_id)
    made = [
        await services.administration.create_holder(
            kind=Scope.JOB, name=f"job {number}", parent=environment
        )
        for number in range(count)
    ]
    return tuple(job.id for job in made)


async def _holders(services: BoundServices, name: str) -> list[Holder]:
    made: list[Holder] = []
    for kind in _CHAIN:
        parent = HolderReference(made[-1].kind, made[-1].id) if made else None
        made.append(
            await services.administration.create_holder(kind=kind, name=name, parent=parent)
        )
    return made


async def _chain(services: BoundServices, name: str, content: Content) -> Chain:
    project, environment, job = await _holders(services, name)
    targets = await _import(services, project, content.project)
    await _import(services, environment, content.environment)
    await _import(services, job, content.job)
    at = HolderReference(Scope.JOB, job.id)
    keys = iter(targets)
    for key in islice(keys, content.overrides):
        override = OverrideDraft(value=value_of(key, "OVERRIDE"))
        await services.overrides.create(holder_reference=at, target_id=targets[key], draft=override)
    for key in islice(keys, content.aliases):
        alias = AliasDraft(key=f"ALIAS_OF_{key}")
        await services.aliases.create(holder_reference=at, target_id=targets[key], draft=alias)
    return Chain(
        project_id=project.id,
        environment_id=environment.id,
        job_id=job.id,
        target_ids=tuple(targets.values()),
    )


async def _import(services: BoundServices, holder: Holder, count: int) -> Mapping[str, str]:
    """Import secrets at a holder; return the id of each key."""
    keys = (f"{holder.kind}_{number:03}" for number in range(count))
    rows = [
        ImportRow(SecretDraft(key=key, value=value_of(key), description=f"The measured {key}"))
        for key in keys
    ]
    report = await services.imports.run(
        holder_reference=HolderReference(holder.kind, holder.id), rows=rows, overwrite=False
    )
    return {secret.key: secret.id for secret in report.written}


async def _grow(services: BoundServices, *, jobs: int) -> None:
    """Add jobs with a thousand secrets each, in environments and projects of their own."""
    for number in range(jobs):
        *_, job = await _holders(services, f"further {number}")
        await _import(services, job, _AT_ONCE)


def copy_for_peers(database: Path, copy: Path) -> None:
    """Make a database that has the gateway's secrets, with values in clear and nothing else."""
    with closing(sqlite3.connect(copy)) as connection:
        connection.execute("PRAGMA journal_mode = wal")
        connection.execute("ATTACH ? AS theirs", (str(database),))
        connection.create_function("value_of", 2, value_of, deterministic=True)
        connection.executescript(_PEER_TABLES + _PEER_ROWS)
