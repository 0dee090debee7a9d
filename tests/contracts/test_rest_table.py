"""The REST table against the schema: every row runs a mutation or a query that is there."""

from collections import Counter
from http import HTTPMethod

import pytest
from graphql import OperationDefinitionNode, OperationType, parse, validate

from gateway.domain.scopes import LEGACY_SCOPES
from gateway.rest.operation import Operation
from gateway.rest.table import OPERATIONS
from tests.contracts.walking import mutations, schema

EVERY_ROW = pytest.mark.parametrize("row", OPERATIONS, ids=lambda row: row.operation_id)


@EVERY_ROW
def test_every_document_fits_the_schema(row: Operation) -> None:
    assert validate(schema(), parse(row.document)) == []


def test_a_document_that_does_not_fit_is_seen() -> None:
    """The control of the test above."""
    assert validate(schema(), parse("{ unknown }"))


def _operation(row: Operation) -> OperationDefinitionNode:
    (operation,) = [
        definition
        for definition in parse(row.document).definitions
        if isinstance(definition, OperationDefinitionNode)
    ]
    return operation


@EVERY_ROW
def test_reading_queries_and_writing_mutates(row: Operation) -> None:
    is_reading = row.method is HTTPMethod.GET

    expected = OperationType.QUERY if is_reading else OperationType.MUTATION
    assert _operation(row).operation is expected


@EVERY_ROW
def test_every_document_runs_one_thing_only(row: Operation) -> None:
    assert len(_operation(row).selection_set.selections) == 1


@pytest.mark.parametrize(
    "row",
    [row for row in OPERATIONS if "/secret" in row.path and row.method is not HTTPMethod.GET],
    ids=lambda row: row.operation_id,
)
def test_every_legacy_operation_is_a_mutation_of_the_same_name(row: Operation) -> None:
    assert row.operation_id in mutations()
    assert f" {row.operation_id}(" in row.document


def test_no_two_rows_share_a_method_and_path_or_an_operations_name() -> None:
    places = Counter((row.method, row.path) for row in OPERATIONS)
    names = Counter(row.operation_id for row in OPERATIONS)

    assert [place for place, count in places.items() if count > 1] == []
    assert [name for name, count in names.items() if count > 1] == []


def test_no_two_paths_are_one_to_a_router() -> None:
    """Where a parameter stands in one path, no other may have a word, for either could match."""
    shapes = {row.path: tuple(row.path.split("/")) for row in OPERATIONS}

    clashes = {
        (one, other)
        for one, parts in shapes.items()
        for other, others in shapes.items()
        if one < other and len(parts) == len(others) and _clash(parts, others)
    }

    assert clashes <= {("/variable/import", "/variable/{variableId}")}


def _clash(parts: tuple[str, ...], others: tuple[str, ...]) -> bool:
    pairs = list(zip(parts, others, strict=True))
    return all(a == b or a.startswith("{") or b.startswith("{") for a, b in pairs)


@pytest.mark.parametrize("scope", LEGACY_SCOPES)
def test_every_legacy_scope_has_the_originals_operations(scope: str) -> None:
    prefix = f"/{scope.lower()}/"
    rows = [row for row in OPERATIONS if row.path.startswith(prefix) and "/secret" in row.path]

    methods = Counter(row.method for row in rows)

    assert methods == {"GET": 1, "POST": 3, "PUT": 1, "DELETE": 1}
