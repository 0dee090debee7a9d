"""The OpenAPI document: all of the REST table is in it, and it says what the rows really read."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from http import HTTPMethod
from typing import Any

import pytest
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from gateway.domain.errors import ErrorCode
from gateway.http.problems import STATUSES
from gateway.rest.bindings import RestRequest
from gateway.rest.openapi.bodies import VariableImport
from gateway.rest.openapi.document import openapi_document
from gateway.rest.openapi.operations import ERRORS, error_codes
from gateway.rest.operation import Operation
from gateway.rest.table import OPERATIONS

pytestmark = pytest.mark.unmeasured

DOCUMENT = openapi_document()
SCHEMAS = DOCUMENT["components"]["schemas"]
# Errors that no operation of the REST API has, and 405, which belongs to no operation.
OTHER_ERRORS = {
    ErrorCode.VERSION_NOT_KEPT,
    ErrorCode.CURSOR_EXPIRED,
    ErrorCode.DOCUMENT_NOT_TRUSTED,
    ErrorCode.LIMIT_EXCEEDED,
    ErrorCode.METHOD_NOT_ALLOWED,
    ErrorCode.NOT_EMPTY,
    ErrorCode.PERSISTED_QUERY_NOT_FOUND,
    ErrorCode.PERSISTED_QUERY_NOT_SUPPORTED,
    ErrorCode.REFERENCES_NOT_UPDATED,
    ErrorCode.SECRET_IN_USE,
    ErrorCode.TOKEN_ALREADY_SHOWN,
}
EVERY_ROW = pytest.mark.parametrize("row", OPERATIONS, ids=lambda row: row.operation_id)


def _operation(row: Operation) -> Mapping[str, Any]:
    operation: Mapping[str, Any] = DOCUMENT["paths"][row.path][row.method.lower()]
    return operation


def _resolved(node: Mapping[str, Any]) -> Mapping[str, Any]:
    if "$ref" not in node:
        return node
    _, kind, name = node["$ref"].removeprefix("#/").split("/")
    found: Mapping[str, Any] = DOCUMENT["components"][kind][name]
    return found


def _parameters(row: Operation, place: str) -> dict[str, Mapping[str, Any]]:
    parameters = map(_resolved, _operation(row)["parameters"])
    return {each["name"]: each for each in parameters if each["in"] == place}


def _ids_in(path: str) -> list[str]:
    return re.findall(r"\{(\w+)\}", path)


def _walked(node: object) -> Iterator[Mapping[str, Any]]:
    if isinstance(node, Mapping):
        yield node
    if isinstance(node, Mapping | list):
        for inner in node.values() if isinstance(node, Mapping) else node:
            yield from _walked(inner)


def _references() -> set[str]:
    return {node["$ref"] for node in _walked(DOCUMENT) if "$ref" in node}


def _examples() -> Iterator[tuple[str, Any]]:
    for name, schema in SCHEMAS.items():
        for example in schema.get("examples", ()):
            yield name, example


def test_the_document_is_valid_openapi() -> None:
    assert DOCUMENT["openapi"].startswith("3.1.")
    OpenAPIV31SpecValidator(DOCUMENT).validate()


def test_a_document_with_a_fault_is_not() -> None:
    """The control of the test above."""
    faulty = json.loads(json.dumps(DOCUMENT))
    del faulty["paths"]["/variable"]["get"]["responses"]["200"]["description"]

    assert not OpenAPIV31SpecValidator(faulty).is_valid()


def test_each_row_is_an_operation() -> None:
    described = [(_operation(row)["operationId"], _operation(row)["summary"]) for row in OPERATIONS]

    assert described == [(row.operation_id, row.summary) for row in OPERATIONS]
    assert [row.operation_id for row in OPERATIONS if not _operation(row)["description"]] == []


def test_each_operation_is_a_row() -> None:
    operations = [
        (path, method) for path, methods in DOCUMENT["paths"].items() for method in methods
    ]

    assert sorted(operations) == sorted((row.path, row.method.lower()) for row in OPERATIONS)


def test_each_operation_is_in_a_group_that_is_explained() -> None:
    used = {tag for row in OPERATIONS for tag in _operation(row)["tags"]}

    assert used == {tag["name"] for tag in DOCUMENT["tags"]}


def test_each_reference_leads_somewhere() -> None:
    lost = [reference for reference in _references() if not _resolved({"$ref": reference})]

    assert lost == []


def test_nothing_is_described_that_is_not_used() -> None:
    kinds = ("schemas", "responses", "parameters", "headers")
    described = {
        f"#/components/{kind}/{name}" for kind in kinds for name in DOCUMENT["components"][kind]
    }

    assert described == _references()


def test_each_id_in_a_path_is_a_parameter() -> None:
    described = {row.path: list(_parameters(row, "path")) for row in OPERATIONS}

    assert described == {row.path: _ids_in(row.path) for row in OPERATIONS}


@pytest.mark.rule("H1", "H2")
def test_each_row_takes_the_headers_of_its_method() -> None:
    headers = {
        HTTPMethod.GET: ["If-Match", "If-None-Match"],
        HTTPMethod.POST: ["Idempotency-Key"],
        HTTPMethod.PUT: ["Idempotency-Key", "If-Match"],
        HTTPMethod.DELETE: ["Idempotency-Key", "If-Match"],
    }

    described = {row.operation_id: list(_parameters(row, "header")) for row in OPERATIONS}
    assert described == {
        row.operation_id: [*headers[row.method], "X-Organization-Id"] for row in OPERATIONS
    }


@pytest.mark.rule("H1")
def test_what_answers_with_a_row_or_a_list_has_an_entity_tag() -> None:
    assert _names(lambda row: "ETag" in _success(row)["headers"]) == _names(
        lambda row: row.response not in {None, VariableImport} or row.has_text
    )
    assert _names(lambda row: "304" in _operation(row)["responses"]) == _names(
        lambda row: row.method is HTTPMethod.GET
    )
    assert _names(lambda row: "412" in _operation(row)["responses"]) == _names(
        lambda row: row.method is not HTTPMethod.POST
    )


def test_each_body_is_described_where_there_is_one() -> None:
    assert _names(lambda row: "requestBody" in _operation(row)) == _names(
        lambda row: row.request is not None
    )
    assert _names(lambda row: "content" in _success(row)) == _names(
        lambda row: row.response is not None or row.has_text
    )


def _success(row: Operation) -> Mapping[str, Any]:
    response: Mapping[str, Any] = _operation(row)["responses"][str(row.status.value)]
    return response


def _names(matches: Callable[[Operation], bool]) -> set[str]:
    return {row.operation_id for row in OPERATIONS if matches(row)}


def test_each_error_code_is_described_unless_no_operation_has_it() -> None:
    assert set(ERRORS) | OTHER_ERRORS == set(ErrorCode)
    assert not set(ERRORS) & OTHER_ERRORS


@EVERY_ROW
def test_each_refusal_of_a_row_is_a_problem_under_its_status(row: Operation) -> None:
    responses = _operation(row)["responses"]

    for status, codes in error_codes(row):
        refusal = _resolved(responses[str(status.value)])
        assert {STATUSES[code] for code in codes} == {status}
        assert all(f"`{code}`" in refusal["description"] for code in codes)
        schema = refusal["content"]["application/problem+json"]["schema"]
        assert schema == {"$ref": "#/components/schemas/Problem"}


@pytest.mark.parametrize(
    ("status", "header"),
    [("401", "WWW-Authenticate"), ("429", "Retry-After"), ("503", "Retry-After")],
)
def test_headers_that_help_are_described(status: str, header: str) -> None:
    responses = {
        row.operation_id: _resolved(_operation(row)["responses"][status]) for row in OPERATIONS
    }

    assert [name for name, found in responses.items() if header not in found["headers"]] == []


_AN_ID = "7d1e2c54-6a8f-4c0b-9e35-1f0a2b3c4d5e"
_NO_BODY: Mapping[str, Any] = {"properties": {}, "examples": [{}]}
_NO_FLAG = {"is_secret": "true"}


class _Noted(dict[str, Any]):
    """A part of a request that notes what is looked for in it."""

    def __init__(self, content: Mapping[str, Any]) -> None:
        super().__init__(content)
        self.names: set[str] = set()

    def __getitem__(self, name: str) -> Any:
        self.names.add(name)
        return super().__getitem__(name)

    def get(self, name: str, default: Any = None) -> Any:
        self.names.add(name)
        return super().get(name, default)


@EVERY_ROW
def test_what_a_row_reads_is_what_is_described(row: Operation) -> None:
    schema = SCHEMAS[row.request.__name__] if row.request else _NO_BODY
    queries = _parameters(row, "query")
    body = _Noted(schema["examples"][0])
    query = _Noted(
        {name: value.get("example", _AN_ID) for name, value in queries.items()} | _NO_FLAG
    )
    path = {name: value.get("example", _AN_ID) for name, value in _parameters(row, "path").items()}

    row.bind(RestRequest(path=path, query=query, body=body, idempotency_key=None))

    assert body.names | set(row.passed_fields) == set(schema["properties"])
    assert query.names == set(queries)


@pytest.mark.parametrize(("name", "example"), list(_examples()))
def test_each_example_fits_its_schema(name: str, example: Any) -> None:
    OAS31Validator({**DOCUMENT, "$ref": f"#/components/schemas/{name}"}).validate(example)


@pytest.mark.parametrize(
    "name", sorted({row.request.__name__ for row in OPERATIONS if row.request})
)
def test_each_body_that_is_sent_has_an_example(name: str) -> None:
    assert name in dict(_examples())
