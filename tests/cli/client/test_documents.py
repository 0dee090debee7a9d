"""The documents that the command line sends are what the schema allows."""

from typing import Final

import pytest
from graphql import OperationDefinitionNode, build_schema, parse, validate

from gateway.cli.client import documents
from schema.snapshot import SNAPSHOT

SCHEMA: Final = build_schema(SNAPSHOT.read_text())
DOCUMENTS: Final = {
    name: text for name, text in vars(documents).items() if name.isupper() and name[0] != "_"
}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_document_fits_the_schema(name: str) -> None:
    assert validate(SCHEMA, parse(DOCUMENTS[name])) == []


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_document_has_one_operation_with_a_name_of_its_own(name: str) -> None:
    (operation,) = parse(DOCUMENTS[name]).definitions

    assert isinstance(operation, OperationDefinitionNode)
    assert operation.name is not None


def test_control_a_document_with_an_unknown_field_does_not_fit() -> None:
    assert validate(SCHEMA, parse("{ projects { nothing } }"))
