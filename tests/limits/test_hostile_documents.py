"""Every hostile shape is refused with its name, after work that its length bounds."""

import json
from collections.abc import Iterator
from http import HTTPStatus

import pytest
from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    OperationDefinitionNode,
    SelectionSetNode,
    Visitor,
    parse,
    visit,
)

from gateway.app import gateway_schema
from gateway.graphql.cost import Pricing
from gateway.graphql.limits import LIMITS, WORDS, Limit, Survey
from tests.limits.corpus import DOUBLINGS, SHAPES, Shape, doubling
from tests.world import World

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.unmeasured]

SHAPE = pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES.keys())
# Those that are not too long or too deep to be read.
READABLE = {
    name: shape
    for name, shape in SHAPES.items()
    if name
    not in {
        "deeper than can be read",
        "flood of tokens",
        "deep list literal",
    }
}


class _Selections(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def enter_selection_set(self, node: SelectionSetNode, *_: object) -> None:
        self.count += len(node.selections)


def _selections(document: DocumentNode) -> int:
    counting = _Selections()
    visit(document, counting)
    return counting.count


async def test_the_corpus_is_large_enough() -> None:
    assert len(SHAPES) >= 40
    assert len([shape for shape in SHAPES.values() if shape.code == "LIMIT_EXCEEDED"]) >= 20


@pytest.mark.rule("S23", "S24")
@SHAPE
async def test_a_hostile_document_is_refused_or_harmless(
    limited_world: World, shape: Shape
) -> None:
    body = json.dumps({"query": shape.document, "variables": shape.variables})
    response = await limited_world.client.post(
        "/graphql", content=body, headers={"Content-Type": "application/json"}
    )

    errors = response.json().get("errors", [{"extensions": {"code": None}, "message": ""}])
    assert {error["extensions"]["code"] for error in errors} == {shape.code}
    assert (shape.answer or "") in errors[0]["message"]
    assert len(errors) <= 21
    assert len(response.content) < 500_000
    is_limit = shape.code == "LIMIT_EXCEEDED"
    assert response.status_code == (HTTPStatus.BAD_REQUEST if is_limit else HTTPStatus.OK)


@pytest.mark.rule("S23")
@pytest.mark.parametrize("shape", READABLE.values(), ids=READABLE.keys())
async def test_each_part_of_a_document_is_looked_at_once(shape: Shape) -> None:
    """However often its fragments are spread."""
    document = parse(shape.document)
    survey = Survey(document)
    measures = list(survey.measures())

    assert survey.visited == _selections(document)
    assert len(measures) == len(document.definitions)


@pytest.mark.rule("S24")
@pytest.mark.parametrize("shape", READABLE.values(), ids=READABLE.keys())
async def test_pricing_looks_at_each_part_at_most_once(shape: Shape) -> None:
    document = parse(shape.document)
    pricing = Pricing(gateway_schema().types, document, {})
    for definition in document.definitions:
        if isinstance(definition, OperationDefinitionNode):
            pricing.cost(definition)

    assert pricing.visited <= _selections(document)


def _written_out(document: DocumentNode) -> int:
    # What a walk without memory visits.
    fragments = {
        definition.name.value: definition
        for definition in document.definitions
        if isinstance(definition, FragmentDefinitionNode)
    }

    def walk(selected: SelectionSetNode) -> Iterator[None]:
        for node in selected.selections:
            yield None
            if isinstance(node, FragmentSpreadNode):
                yield from walk(fragments[node.name.value].selection_set)

    operation = document.definitions[0]
    assert isinstance(operation, OperationDefinitionNode)
    return sum(1 for _ in walk(operation.selection_set))


@pytest.mark.rule("S23")
@pytest.mark.parametrize("levels", [4, 8, 12])
async def test_without_memory_the_work_doubles_with_each_fragment(levels: int) -> None:
    """The control of the two tests above."""
    document = parse(doubling(levels))
    survey = Survey(document)
    list(survey.measures())

    assert _written_out(document) > 2**levels
    assert survey.visited == 2 * (levels + 1)


@pytest.mark.rule("S23")
async def test_counts_are_those_of_the_document_written_out() -> None:
    """Exact, however large."""
    operation = next(iter(Survey(parse(doubling(DOUBLINGS))).measures()))

    assert operation.root_fields == 2**DOUBLINGS


async def test_every_limit_has_a_bound_and_its_words() -> None:
    assert set(LIMITS) == set(WORDS) == set(Limit)
    assert [words for words in WORDS.values() if "{}" not in words] == []
