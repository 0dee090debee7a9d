"""The REST table against the schema: every row runs a mutation or a query that is there."""

from collections import Counter
from http import HTTPMethod

import pytest
from graphql import OperationDefinitionNode, OperationType, parse, validate

from gateway.domain.scopes import LEGACY_SCOPES
from gateway.rest.operation import Operation
from gateway.rest.table import OPERATIONS
from tests.contracts.walking import mutations, schema


def test_every_document_fits_the_schema() -> None:
    faults = {row.operation_id: validate(schema(), parse(row.document)) for row in OPERATIONS}

    assert {name: found for name, found in faults.items() if found} == {}


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


def test_reading_queries_and_writing_mutates() -> None:
    kinds = {row.operation_id: _operation(row).operation for row in OPERATIONS}

    assert kinds == {row.operation_id: _expected_kind(row) for row in OPERATIONS}


def _expected_kind(row: Operation) -> OperationType:
    return OperationType.QUERY if row.method is HTTPMethod.GET else OperationType.MUTATION


def test_every_document_runs_one_thing_only() -> None:
    sizes = {row.operation_id: len(_operation(row).selection_set.selections) for row in OPERATIONS}

    assert {name: size for name, size in sizes.items() if size != 1} == {}


def test_every_legacy_operation_is_a_mutation_of_the_same_name() -> None:
    legacy = [row for row in OPERATIONS if "/secret" in row.path]
    writing = [row for row in legacy if row.method is not HTTPMethod.GET]
    others = [row for row in writing if f" {row.operation_id}(" not in row.document]

    assert writing
    assert {row.operation_id for row in writing} <= mutations().keys()
    assert others == []


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
