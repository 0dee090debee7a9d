"""The example of docs/concepts.md: what the job sees, and what it gets."""

import re
from collections.abc import Mapping
from typing import Any

from gateway.domain.scopes import Scope
from tests.docs.sessions import DOCS
from tests.world import World

_PAGE = (DOCS / "concepts.md").read_text()
_SEEN = re.findall(r"^\| (?:project|environment|job) [\w-]+ \| `(\w+)` \|", _PAGE, re.MULTILINE)
_GOT = re.findall(r"^\| `(\w+)` \| `(.+)` \| (\w+) \|$", _PAGE, re.MULTILINE)

_PROJECT = 'mutation { createProject(name: "bakery") { holder { id } } }'
_ENVIRONMENT = """mutation ($id: ID!) {
  createEnvironment(projectId: $id, name: "production") { holder { id } }
}"""
_JOB = """mutation ($id: ID!) {
  createService(environmentId: $id, type: JOB, name: "nightly-invoices") { holder { id } }
}"""
_BUILT_IN = """mutation ($id: ID!, $source: ID!) {
  registerProvidedSecret(holder: {environmentId: $id}, input: {
    key: "QOVERY_POSTGRESQL_PASSWORD", value: "demo-password"
    source: {id: $source, name: "orders", type: DATABASE}
  }) { secret { id } }
}"""
_GETS = """query ($id: ID!) {
  job(id: $id) { effectiveSecrets { edges { node { key provenance } } } }
  runtimeSecrets(serviceId: $id) { key value }
}"""


async def _made(world: World, document: str, **variables: str) -> str:
    (payload,) = (await world.graphql.ask(document, variables)).values()
    (made,) = payload.values()
    found: str = made["id"]
    return found


async def _secret(world: World, scope: Scope, holder_id: str, **fields: Any) -> str:
    found: str = (await world.graphql.create(scope, holder_id, **fields)).row["id"]
    return found


async def _example(world: World) -> str:
    """Build the page's hierarchy with its secrets, and return the job's id."""
    project = await _made(world, _PROJECT)
    environment = await _made(world, _ENVIRONMENT, id=project)
    job = await _made(world, _JOB, id=environment)
    dsn = {"key": "ERROR_DSN", "value": "https://errors.example/1"}
    await _secret(world, Scope.PROJECT, project, **dsn)
    smtp = await _secret(world, Scope.PROJECT, project, key="SMTP_PASSWORD", value="sandbox")
    ca = {"key": "CA_BUNDLE", "value": "demo certificate", "mount_path": "/etc/shop/ca.pem"}
    await _secret(world, Scope.ENVIRONMENT, environment, **ca)
    face = world.graphql
    live = await face.override(Scope.ENVIRONMENT, environment, smtp, value="live")
    database = await _made(world, _BUILT_IN, id=environment, source=project)
    await face.alias(Scope.JOB, job, live.row["id"], key="MAIL_PASSWORD")
    await face.alias(Scope.JOB, job, database, key="DATABASE_PASSWORD")
    url = {"key": "DATABASE_URL", "value": "postgres://shop:{{DATABASE_PASSWORD}}@db/shop"}
    await _secret(world, Scope.JOB, job, **url)
    return job


def _entries(data: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    nodes = (edge["node"] for edge in data["job"]["effectiveSecrets"]["edges"])
    provenance = {node["key"]: node["provenance"].lower() for node in nodes}
    values = {entry["key"]: entry["value"] for entry in data["runtimeSecrets"]}
    return sorted((key, value, provenance[key]) for key, value in values.items())


async def test_the_job_sees_and_gets_what_the_page_says(world: World) -> None:
    job = await _example(world)

    seen = await world.graphql.visible(Scope.JOB, job)
    gets = await world.graphql.ask(_GETS, {"id": job})

    assert sorted(row["key"] for row in seen) == sorted(_SEEN)
    assert _entries(gets) == _GOT
