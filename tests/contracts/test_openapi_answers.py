"""What each row really answers, against the OpenAPI document: status, headers, type and body."""

import copy
import json
import re
import shutil
from collections.abc import Iterator, Mapping
from http import HTTPMethod, HTTPStatus
from pathlib import Path
from typing import Any

import httpx
import pytest
from openapi_schema_validator import OAS31Validator, oas31_format_checker
from pydantic import ValidationError

from gateway.domain.holders import new_id
from gateway.domain.permissions import Role
from gateway.domain.scopes import Scope
from gateway.rest.openapi.bodies import Problem
from gateway.rest.openapi.document import openapi_document
from gateway.rest.openapi.secrets import Secret
from gateway.rest.operation import Action, Operation
from gateway.rest.table import OPERATIONS
from tests.operations.callers import nobody
from tests.world import World

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.unmeasured]

DOCUMENT = openapi_document()
EVERY_ROW = pytest.mark.parametrize("row", OPERATIONS, ids=lambda row: row.operation_id)
WITH_BODY = pytest.mark.parametrize(
    "row", [row for row in OPERATIONS if row.request], ids=lambda row: row.operation_id
)
# Every principal sees its own organization, without naming it.
NOT_FOR_EVERYONE = pytest.mark.parametrize(
    "row",
    [row for row in OPERATIONS if row.path != "/organization"],
    ids=lambda row: row.operation_id,
)
# What a project could override is built in, and that cannot be overridden.
WITHOUT_SUCCESS = {"createProjectSecretOverride"}


def _closed(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the document with every object closed: a field that it does not name is a fault."""
    closed = copy.deepcopy(dict(document))
    for schema in closed["components"]["schemas"].values():
        if "properties" in schema:
            schema["additionalProperties"] = False
    return closed


CLOSED = _closed(DOCUMENT)


def _assert_described(row: Operation, response: httpx.Response) -> None:
    described = DOCUMENT["paths"][row.path][row.method.lower()]["responses"]
    assert str(response.status_code) in described, response.text
    answer = described[str(response.status_code)]
    if "$ref" in answer:
        answer = DOCUMENT["components"]["responses"][answer["$ref"].rsplit("/", 1)[-1]]
    assert all(name in response.headers for name in answer["headers"])
    for fault in _faults(answer, response):
        raise AssertionError(fault)
    _assert_fits_its_model(row, response)


def _assert_fits_its_model(row: Operation, response: httpx.Response) -> None:
    model = Problem if response.is_error else row.response
    if model and response.content:
        model.model_validate_json(response.content, strict=True, extra="forbid")


def _faults(answer: Mapping[str, Any], response: httpx.Response) -> Iterator[str]:
    if "content" not in answer:
        assert response.content == b""
        return
    media_type = response.headers["Content-Type"].split(";")[0]
    schema = {**CLOSED, **answer["content"][media_type]["schema"]}
    validator = OAS31Validator(schema, format_checker=oas31_format_checker)
    is_text = media_type == "text/plain"
    content = response.text if is_text else response.json()
    yield from (fault.message for fault in validator.iter_errors(content))


def _fresh_key() -> str:
    return f"KEY_{new_id()[:8].upper()}"


async def _secret_at(world: World, scope: Scope) -> str:
    made = await world.rest.create(scope, world.holders[scope], key=_fresh_key(), value="x")
    return str(made.row["id"])


async def _target(world: World, row: Operation) -> str:
    refers = row.path.endswith(("/alias", "/override"))
    return await _secret_at(world, Scope.PROJECT if refers else row.scope or Scope.JOB)


def _body(world: World, row: Operation) -> dict[str, Any]:
    """Return the document's own example, with a fresh key and a holder that is there."""
    assert row.request is not None
    (example,) = DOCUMENT["components"]["schemas"][row.request.__name__]["examples"]
    body: dict[str, Any] = copy.deepcopy(example)
    for name, field in example.items():
        if name == "key":
            body[name] = _fresh_key()
        if name.endswith("_scope"):
            body[name.replace("_scope", "_parent_id")] = world.holders[Scope(field)]
    for imported in body.get("vars", ()):
        imported |= {"name": _fresh_key(), "scope": row.scope or Scope.JOB}
    return body


def _query(row: Operation, holder_id: str) -> dict[str, str]:
    parameters = DOCUMENT["paths"][row.path][row.method.lower()]["parameters"]
    required = [
        parameter
        for parameter in parameters
        if parameter.get("in") == "query" and parameter["required"]
    ]
    return {item["name"]: item.get("example", holder_id) for item in required}


async def _call(
    world: World, row: Operation, client: httpx.AsyncClient | None = None, **changed: Any
) -> httpx.Response:
    """Call a row as it is described, but for what is changed."""
    ids = {scope.id_argument: holder_id for scope, holder_id in world.holders.items()}
    if "{secretId}" in row.path or "{variableId}" in row.path:
        ids["secretId"] = ids["variableId"] = await _target(world, row)
    ids |= {"serviceId": world.demo.job_id, "key": "SMTP_PASSWORD"}
    ids["organizationId"] = world.demo.organization_id
    ids |= changed.pop("ids", {})
    holder_id = changed.pop("holder_id", world.demo.job_id)
    sent = {"json": _body(world, row)} if row.request and not changed else changed
    return await (client or world.client).request(
        row.method,
        re.sub(r"\{(\w+)\}", lambda found: ids[found[1]], row.path),
        params=_query(row, holder_id),
        **sent,
    )


@pytest.mark.parametrize(
    "row",
    [row for row in OPERATIONS if row.operation_id not in WITHOUT_SUCCESS],
    ids=lambda row: row.operation_id,
)
async def test_success(shared_world: World, row: Operation) -> None:
    response = await _call(shared_world, row)

    assert response.status_code == row.status, response.text
    _assert_described(row, response)


@pytest.mark.parametrize(
    ("field", "content"),
    [("value", None), ("service_id", None), ("scope", "HELM"), ("id", "8C2F"), ("key", 1)],
)
async def test_control_a_response_that_does_not_fit_its_model_is_seen(
    field: str, content: object
) -> None:
    (example,) = DOCUMENT["components"]["schemas"]["Secret"]["examples"]

    with pytest.raises(ValidationError, match=field):
        Secret.model_validate_json(
            json.dumps(example | {field: content}), strict=True, extra="forbid"
        )


async def test_a_project_has_nothing_to_override(shared_world: World) -> None:
    (row,) = (row for row in OPERATIONS if row.operation_id in WITHOUT_SUCCESS)

    response = await _call(shared_world, row)

    assert response.json()["code"] == "SCOPE_VIOLATION"
    _assert_described(row, response)


@EVERY_ROW
async def test_no_credential(shared_world: World, row: Operation) -> None:
    response = await _call(shared_world, row, nobody(shared_world))

    assert response.status_code == HTTPStatus.UNAUTHORIZED
    _assert_described(row, response)


@NOT_FOR_EVERYONE
async def test_a_credential_that_may_not(shared_world: World, row: Operation) -> None:
    delivers = row.action is Action.DELIVER
    client = await shared_world.client_with(Role.EDITOR if delivers else Role.RUNTIME)

    response = await _call(shared_world, row, client)

    assert response.status_code == HTTPStatus.FORBIDDEN
    _assert_described(row, response)


@NOT_FOR_EVERYONE
async def test_an_unknown_id(shared_world: World, row: Operation) -> None:
    unknown = dict.fromkeys(re.findall(r"\{(\w+)\}", row.path), new_id())
    body = _body(shared_world, row) if row.request else {}
    body |= {name: new_id() for name in body if name.endswith("_parent_id")}

    response = await _call(
        shared_world, row, ids=unknown, holder_id=new_id(), json=body if row.request else None
    )

    assert response.status_code == HTTPStatus.NOT_FOUND
    _assert_described(row, response)


@WITH_BODY
async def test_a_body_of_the_wrong_type(shared_world: World, row: Operation) -> None:
    response = await _call(shared_world, row, json={"key": 1, "value": 1, "vars": 1})

    assert response.status_code == HTTPStatus.BAD_REQUEST
    _assert_described(row, response)


@WITH_BODY
async def test_another_media_type(shared_world: World, row: Operation) -> None:
    response = await _call(
        shared_world, row, content=b"key: A", headers={"Content-Type": "text/yaml"}
    )

    assert response.status_code == HTTPStatus.UNSUPPORTED_MEDIA_TYPE
    _assert_described(row, response)


@EVERY_ROW
async def test_a_body_that_is_too_large(shared_world: World, row: Operation) -> None:
    large = b" " * (1024 * 1024 + 1)

    response = await _call(shared_world, row, content=large)

    assert response.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    _assert_described(row, response)


async def test_storage_that_does_not_answer(world: World, data_dir: Path) -> None:
    (row,) = (row for row in OPERATIONS if row.operation_id == "listJobSecrets")
    await world.runtime.database.readers.dispose()
    shutil.rmtree(data_dir)

    response = await _call(world, row)

    assert response.status_code == HTTPStatus.SERVICE_UNAVAILABLE
    _assert_described(row, response)


@pytest.mark.parametrize(
    "row",
    [row for row in OPERATIONS if row.action is Action.WRITE and "key" in row.passed_fields],
    ids=lambda row: row.operation_id,
)
async def test_a_key_that_is_taken(shared_world: World, row: Operation) -> None:
    taken = _body(shared_world, row) | {"key": "ERROR_REPORT_DSN"}

    response = await _call(shared_world, row, json=taken)

    assert response.status_code == HTTPStatus.CONFLICT
    assert response.json()["existing_variable"]["key"] == "ERROR_REPORT_DSN"
    _assert_described(row, response)


@pytest.mark.parametrize(
    "row",
    [row for row in OPERATIONS if row.method in {HTTPMethod.PUT, HTTPMethod.DELETE}],
    ids=lambda row: row.operation_id,
)
async def test_a_built_in_secret(shared_world: World, row: Operation) -> None:
    built_in = shared_world.demo.built_in_secret_id
    body = _body(shared_world, row) if row.request else None

    response = await _call(
        shared_world, row, ids={"secretId": built_in, "variableId": built_in}, json=body
    )

    assert response.status_code in {HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND}
    _assert_described(row, response)
