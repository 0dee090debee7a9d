"""What the schema imports: `make contracts` checks every contract, and this test one of them."""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import grimp
import pytest

_PYPROJECT: Final = Path(__file__).parents[2] / "pyproject.toml"
_CONTRACTS: Final = tomllib.loads(_PYPROJECT.read_text())["tool"]["importlinter"]["contracts"]
_FORBIDDEN: Final = {
    contract["name"]: contract["forbidden_modules"]
    for contract in _CONTRACTS
    if contract["type"] == "forbidden"
}["The schema has types only"]


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("gateway", "schema", cache_dir=None)


def _forbidden(graph: grimp.ImportGraph) -> Iterator[str]:
    for module in sorted(graph.find_descendants("schema")):
        for imported in graph.find_modules_directly_imported_by(module):
            if imported.startswith(tuple(_FORBIDDEN)):
                yield f"{module} imports {imported}"


def test_the_schema_knows_neither_what_runs_documents_nor_what_is_stored(
    graph: grimp.ImportGraph,
) -> None:
    assert {"gateway.graphql", "gateway.http", "gateway.storage"} <= set(_FORBIDDEN)
    assert list(_forbidden(graph)) == []


@pytest.mark.parametrize("imported", ["gateway.storage.unit_of_work", "gateway.graphql.executor"])
def test_control_an_import_of_the_schema_that_is_not_allowed_is_found(
    graph: grimp.ImportGraph, imported: str
) -> None:
    graph.add_import(importer="schema.context", imported=imported)

    assert list(_forbidden(graph)) == [f"schema.context imports {imported}"]

    graph.remove_import(importer="schema.context", imported=imported)
