"""Ways to write a value, or to fail in it; a canary is the value."""

import json
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any, Final

import httpx

from gateway.domain.holders import new_id
from gateway.domain.permissions import Role
from gateway.domain.scopes import Scope
from tests.operations.callers import nobody
from tests.world import World

Attempt = Callable[[World, str], Awaitable[httpx.Response]]
JSON: Final = {"Content-Type": "application/json"}
CREATE: Final = """mutation ($id: ID!, $input: SecretInput!) {
    createJobSecret(jobId: $id, input: $input) {
    secret { id key description mountPath } holder { id } errors { code message path }
} }"""


IMPORT: Final = """{"overwrite": true, "vars": [
    {"name": "IMPORTED", "value": "CANARY", "scope": "JOB", "is_secret": true},
    {"name": "INVOICE_SIGNING_KEY", "value": "CANARY", "scope": "JOB", "is_secret": true},
    {"name": "SMTP_PASSWORD", "value": "CANARY", "scope": "JOB", "is_secret": true},
    {"name": "1", "value": "CANARY", "scope": "JOB", "is_secret": true}
]}"""


def rest(status: HTTPStatus, **fields: Any) -> Attempt:
    """Create over REST; `CANARY` in a field stands for the canary."""

    async def attempt(world: World, canary: str) -> httpx.Response:
        body = json.dumps({"key": f"K_{new_id()[:8]}", **fields}).replace("CANARY", canary)
        path = f"/job/{world.demo.job_id}/secret"
        response = await world.client.post(path, content=body, headers=JSON)
        assert response.status_code == status
        return response

    return attempt


def raw(path: str, body: str, **headers: str) -> Attempt:
    """Send a body as it is."""

    async def attempt(world: World, canary: str) -> httpx.Response:
        at = path.replace("JOB", world.demo.job_id)
        content = body.replace("CANARY", canary)
        return await world.client.post(at, content=content, headers=JSON | headers)

    return attempt


def graphql(**fields: Any) -> Attempt:
    """Create over GraphQL, the fields in a variable."""

    async def attempt(world: World, canary: str) -> httpx.Response:
        given = {"key": f"K_{new_id()[:8]}", **fields}
        variables = {"id": world.demo.job_id, "input": given}
        body = json.dumps({"query": CREATE, "variables": variables}).replace("CANARY", canary)
        return await world.client.post("/graphql", content=body, headers=JSON)

    return attempt


def document(text: str) -> Attempt:
    """Send a document with the canary in it; `JOB` stands for a job's id."""

    async def attempt(world: World, canary: str) -> httpx.Response:
        query = text.replace("CANARY", canary).replace("JOB", world.demo.job_id)
        return await world.client.post("/graphql", json={"query": query})

    return attempt


async def as_a_viewer(world: World, canary: str) -> httpx.Response:
    """Write what one may not write."""
    client = await world.client_with(Role.VIEWER)
    body = {"key": "KEY", "value": canary}
    return await client.post(f"/job/{world.demo.job_id}/secret", json=body)


async def as_nobody(world: World, canary: str) -> httpx.Response:
    """Write without a credential."""
    async with nobody(world) as client:
        body = {"key": "KEY", "value": canary}
        return await client.post(f"/job/{world.demo.job_id}/secret", json=body)


async def overriding(world: World, canary: str) -> httpx.Response:
    """Override a secret of the environment."""
    target = await world.rest.create(
        Scope.ENVIRONMENT, world.demo.environment_id, key=f"K_{new_id()[:8]}"
    )
    path = f"/job/{world.demo.job_id}/secret/{target.row['id']}/override"
    response = await world.client.post(path, json={"value": canary})
    assert response.status_code == HTTPStatus.CREATED
    return response


async def editing(world: World, canary: str) -> httpx.Response:
    """Give a secret another value."""
    key = f"K_{new_id()[:8]}"
    made = await world.rest.create(Scope.JOB, world.demo.job_id, key=key, value="before")
    path = f"/job/{world.demo.job_id}/secret/{made.row['id']}"
    response = await world.client.put(path, json={"key": key, "value": canary})
    assert response.status_code == HTTPStatus.OK
    return response


async def editing_an_alias(world: World, canary: str) -> httpx.Response:
    """Give an alias a value, which it cannot have."""
    made = await world.rest.alias(
        Scope.JOB, world.demo.job_id, world.demo.built_in_secret_id, key=f"K_{new_id()[:8]}"
    )
    path = f"/job/{world.demo.job_id}/secret/{made.row['id']}"
    response = await world.client.put(path, json={"key": "KEY", "value": canary})
    assert response.status_code == HTTPStatus.BAD_REQUEST
    return response


async def rotating(world: World, canary: str) -> httpx.Response:
    """Give a built-in secret its next value."""
    query = """mutation ($id: ID!, $value: String!) {
        rotateProvidedSecret(secretId: $id, value: $value) { secret { version } }
    }"""
    variables = {"id": world.demo.built_in_secret_id, "value": canary}
    return await world.client.post("/graphql", json={"query": query, "variables": variables})


def _literal(argument: str) -> str:
    written = f"{{ {argument} }}"
    return f'mutation {{ createJobSecret(jobId: "JOB", input: {written}) {{ secret {{ key }} }} }}'


ATTEMPTS: Final[Mapping[str, Attempt]] = {
    "rest: created": rest(HTTPStatus.CREATED, value="CANARY"),
    "rest: created as a file": rest(HTTPStatus.CREATED, value="CANARY", mount_path="/etc/k"),
    "rest: a bad key": rest(HTTPStatus.BAD_REQUEST, value="CANARY", key="1"),
    "rest: a key that is a value": rest(HTTPStatus.BAD_REQUEST, key="= CANARY"),
    "rest: too long": rest(HTTPStatus.BAD_REQUEST, value="CANARY" * 20_000),
    "rest: NUL": rest(HTTPStatus.BAD_REQUEST, value="CANARY\0"),
    "rest: a lone surrogate": rest(HTTPStatus.BAD_REQUEST, value="CANARY\ud800"),
    "rest: an array": rest(HTTPStatus.BAD_REQUEST, value=["CANARY"]),
    "rest: an object": rest(HTTPStatus.BAD_REQUEST, value={"CANARY": "CANARY"}),
    "rest: a taken key": rest(HTTPStatus.CONFLICT, value="CANARY", key="INVOICE_SIGNING_KEY"),
    "rest: a bad mount path": rest(HTTPStatus.BAD_REQUEST, value="CANARY", mount_path="CANARY"),
    "rest: a long description": rest(HTTPStatus.BAD_REQUEST, description="CANARY" * 50),
    "rest: cut off": raw("/job/JOB/secret", '{"key": "KEY", "value": "CANARY'),
    "rest: equal keys": raw("/job/JOB/secret", '{"value": "CANARY", "value": "CANARY"}'),
    "rest: only a text": raw("/job/JOB/secret", '"CANARY"'),
    "rest: too large": raw("/job/JOB/secret", '{"value": "%s"}' % ("CANARY" * 200_000)),
    "rest: no holder": raw(f"/job/{new_id()}/secret", '{"key": "KEY", "value": "CANARY"}'),
    "rest: no path": raw("/unknown", '{"key": "KEY", "value": "CANARY"}'),
    "rest: no JSON": raw(
        "/job/JOB/secret", '{"key": "KEY", "value": "CANARY"}', **{"Content-Type": "text/plain"}
    ),
    "rest: overridden": overriding,
    "rest: edited": editing,
    "rest: an alias edited": editing_an_alias,
    "rest: imported": raw("/variable/import?service_id=JOB&service_type=JOB", IMPORT),
    "rest: a plain variable imported": raw(
        "/job/JOB/environmentVariable/import", IMPORT.replace("true", "false")
    ),
    "rest: a viewer": as_a_viewer,
    "rest: nobody": as_nobody,
    "graphql: created": graphql(value="CANARY"),
    "graphql: rotated": rotating,
    "graphql: a bad key": graphql(value="CANARY", key="1"),
    "graphql: too long": graphql(value="CANARY" * 20_000),
    "graphql: NUL": graphql(value="CANARY\0"),
    "graphql: a taken key": graphql(value="CANARY", key="INVOICE_SIGNING_KEY"),
    "graphql: an array": graphql(value=["CANARY"]),
    "graphql: an object": graphql(value={"CANARY": "CANARY"}),
    "graphql: an unknown field": graphql(password="CANARY"),
    "graphql: a text for a switch": graphql(enableInterpolationInFile="CANARY"),
    "graphql: a literal": document(_literal('key: "LITERAL", value: "CANARY"')),
    "graphql: a block": document(_literal('key: "BLOCK", value: """CANARY"""')),
    "graphql: a literal beside a fault": document(_literal('key: 1, value: "CANARY"')),
    "graphql: a literal in a list": document(_literal('key: "KEY", value: ["CANARY"]')),
    "graphql: a literal for a switch": document(
        _literal('key: "KEY", enableInterpolationInFile: "CANARY"')
    ),
    "graphql: an unquoted literal": document(_literal('key: "KEY", value: CANARY')),
    "graphql: a broken literal": document(_literal('key: "KEY", value: "CANARY')),
    "graphql: a literal and a syntax error": document(_literal('value: "CANARY" %')),
    "graphql: a literal for a number": document('{ projects(first: "CANARY") { totalCount } }'),
    "graphql: a literal for an enumeration": document(
        '{ job(id: "JOB") { secrets(filter: { scopes: ["CANARY"] }) { totalCount } } }'
    ),
    "graphql: a name for an enumeration": document(
        '{ job(id: "JOB") { secrets(filter: { scopes: [CANARY] }) { totalCount } } }'
    ),
    "graphql: a default": document(
        'query ($a: Int = "CANARY") { projects(first: $a) { __typename } }'
    ),
    "graphql: a directive": document('{ __typename @include(if: "CANARY") }'),
    "graphql: a cursor": document('{ projects(after: "CANARY") { totalCount } }'),
    "graphql: cut off": raw("/graphql", '{"query": "{ __typename }", "variables": {"a": "CANARY'),
    "graphql: as variables": raw("/graphql", '{"query": "{ __typename }", "variables": "CANARY"}'),
    "graphql: as a name": raw("/graphql", '{"query": "{ __typename }", "operationName": "CANARY"}'),
}
