"""Bodies of /graphql: refused clearly, never with a fault of ours."""

import json
from http import HTTPStatus

import httpx
import pytest

from tests.operations.bodies import BROKEN_INSIDE, DEEP, NO_OBJECTS, inside
from tests.world import World

pytestmark = pytest.mark.asyncio(loop_scope="module")

FAULTS = ("INTERNAL", "UNAVAILABLE")


async def _post(world: World, body: bytes) -> httpx.Response:
    return await world.client.post(
        "/graphql", content=body, headers={"Content-Type": "application/json"}
    )


def _codes(response: httpx.Response) -> list[str]:
    return [error["extensions"]["code"] for error in response.json()["errors"]]


@pytest.mark.rule("C8")
@pytest.mark.parametrize("body", NO_OBJECTS.values(), ids=NO_OBJECTS.keys())
async def test_what_is_no_json_object_is_refused(shared_world: World, body: bytes) -> None:
    response = await _post(shared_world, body)

    assert response.status_code == HTTPStatus.BAD_REQUEST
    assert _codes(response) == ["BAD_USER_INPUT"]


@pytest.mark.rule("C8")
@pytest.mark.parametrize("body", BROKEN_INSIDE.values(), ids=BROKEN_INSIDE.keys())
async def test_what_is_broken_inside_is_refused(shared_world: World, body: bytes) -> None:
    response = await _post(shared_world, body.replace(b'"KEY"', b'"{ __typename }"'))

    assert response.status_code == HTTPStatus.BAD_REQUEST
    assert _codes(response) == ["BAD_USER_INPUT"]


NO_REQUESTS = {
    "no document": b"{}",
    "document is null": b'{"query": null}',
    "document is a number": b'{"query": 1}',
    "document is an array": b'{"query": ["{ __typename }"]}',
    "document is an object": b'{"query": {}}',
    "variables are an array": b'{"query": "{ __typename }", "variables": []}',
    "variables are a text": b'{"query": "{ __typename }", "variables": "{}"}',
    "variables are a number": b'{"query": "{ __typename }", "variables": 0}',
    "operation name is a number": b'{"query": "{ __typename }", "operationName": 1}',
    "a batch": b'[{"query": "{ __typename }"}]',
}


@pytest.mark.rule("C8")
@pytest.mark.parametrize("body", NO_REQUESTS.values(), ids=NO_REQUESTS.keys())
async def test_what_is_no_graphql_request_is_refused(shared_world: World, body: bytes) -> None:
    response = await _post(shared_world, body)

    assert response.status_code == HTTPStatus.BAD_REQUEST
    assert _codes(response) == ["BAD_USER_INPUT"]


NO_DOCUMENTS = {
    "empty": "",
    "white space": " \n",
    "a comment": "# comment",
    "no operation": "fragment F on Query { __typename }",
    "a type": "type Query { a: Int }",
    "a subscription": "subscription { changes }",
    "two operations without a name": "query A { __typename } query B { __typename }",
    "an unknown field": "{ unknown }",
    "a ring of fragments": "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }",
    "a long integer": "{ projects(first: " + "9" * 5_000 + ") { totalCount } }",
    "an integer over 32 bits": "{ projects(first: 2147483648) { totalCount } }",
    "a fraction": "{ projects(first: 1.5) { totalCount } }",
    "NUL": "{ __typename \0 }",
    "a lone surrogate": "{ __typename \ud800 }",
    "a lone surrogate in a text": '{ node(id: "\ud800") { id } }',
    "a lone surrogate in escapes": '{ node(id: "\\ud800") { id } }',
    "braces in escapes": '{ node(id: "\\u{110000}") { id } }',
}


@pytest.mark.rule("C8")
@pytest.mark.parametrize("document", NO_DOCUMENTS.values(), ids=NO_DOCUMENTS.keys())
async def test_what_is_no_document_of_this_schema_is_refused(
    shared_world: World, document: str
) -> None:
    """An error of the request, after which nothing runs."""
    response = await _post(shared_world, json.dumps({"query": document}).encode())

    assert response.status_code == HTTPStatus.OK
    assert set(_codes(response)) == {"BAD_USER_INPUT"}
    assert "data" not in response.json()


DEEP_DOCUMENTS = {
    "deep selection": "{ a " * DEEP,
    "deep list": "{ node(id: " + "[" * DEEP + "]" * DEEP + ") { id } }",
    "deep fragments": "{ " + "... on Query { " * 800 + "__typename" + " }" * 801,
    "deep type": "query ($a: " + "[" * 900 + "Int" + "]" * 900 + ") { __typename }",
}


@pytest.mark.rule("C8")
@pytest.mark.parametrize("document", DEEP_DOCUMENTS.values(), ids=DEEP_DOCUMENTS.keys())
async def test_a_document_that_is_too_long_or_too_deep_to_be_read_is_refused(
    shared_world: World, document: str
) -> None:
    response = await _post(shared_world, json.dumps({"query": document}).encode())

    assert response.status_code == HTTPStatus.BAD_REQUEST
    assert _codes(response)[0] in {"LIMIT_EXCEEDED", "BAD_USER_INPUT"}


@pytest.mark.parametrize(
    "accept", ["application/graphql-response+json", "application/graphql-response+json, */*"]
)
async def test_a_client_that_asks_for_it_gets_the_status_of_a_refused_document(
    shared_world: World, accept: str
) -> None:
    response = await shared_world.client.post(
        "/graphql", json={"query": "{ unknown }"}, headers={"Accept": accept}
    )

    assert response.status_code == HTTPStatus.BAD_REQUEST
    assert response.headers["content-type"].startswith("application/graphql-response+json")


PAGE = """query ($id: ID!, $first: Int, $after: String, $filter: SecretFilter) {
    job(id: $id) { secrets(first: $first, after: $after, filter: $filter) { totalCount } } }"""
NO_VARIABLES = {
    "an integer over 32 bits": {"first": 2**31},
    "an integer of 16 digits": {"first": 9_007_199_254_740_993},
    "a number for a text": {"after": 1},
    "a text for a number": {"first": "1"},
    "an unknown field": {"filter": {"unknown": 1}},
    "a deep object": {"filter": json.loads('{"a":' * 300 + "1" + "}" * 300)},
    "a lone surrogate as cursor": {"after": "\ud800"},
    "a lone surrogate as prefix": {"filter": {"keyPrefix": "\ud800"}},
    "a lone surrogate as key": {"filter": {"keys": ["\ud800"]}},
    "a prefix of 60,000 characters": {"filter": {"keyPrefix": "K" * 60_000}},
    "a lone surrogate as id": {"id": "\ud800"},
    "40,000 keys": {"filter": {"keys": [f"K{number}" for number in range(40_000)]}},
}


@pytest.mark.rule("C8", "S43")
@pytest.mark.parametrize("variables", NO_VARIABLES.values(), ids=NO_VARIABLES.keys())
async def test_no_variable_makes_a_fault_of_ours(
    shared_world: World, variables: dict[str, object]
) -> None:
    """Whether it is refused or finds nothing."""
    given = {"id": shared_world.demo.job_id, **variables}

    response = await _post(shared_world, json.dumps({"query": PAGE, "variables": given}).encode())

    assert response.status_code in {HTTPStatus.OK, HTTPStatus.BAD_REQUEST}
    assert not [fault for fault in FAULTS if fault in response.text]


@pytest.mark.rule("C8")
async def test_a_lone_surrogate_as_operation_name_is_refused(shared_world: World) -> None:
    body = inside(b"query", b'"{ __typename }", "operationName": "\\ud800"')

    response = await _post(shared_world, body)

    assert response.status_code == HTTPStatus.OK
    assert _codes(response) == ["BAD_USER_INPUT"]


@pytest.mark.rule("E2")
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_documents_are_posted_only(shared_world: World, method: str) -> None:
    """Nothing runs on a way that a link or a form could take."""
    response = await shared_world.client.request(
        method, "/graphql", params={"query": "{ __typename }"}
    )

    assert response.status_code == HTTPStatus.METHOD_NOT_ALLOWED
    assert response.headers["allow"] == "POST"
    assert "Query" not in response.text
