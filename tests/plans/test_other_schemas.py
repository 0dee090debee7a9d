"""Values that the gateway's schema does not have, and what plans leave to the library."""

from typing import NewType

import pytest
import strawberry
from strawberry.schema.config import StrawberryConfig

from gateway.domain.permissions import Permission
from gateway.graphql.plans import PlannedExecutor
from gateway.graphql.type_guards import TypeGuard
from tests.plans.comparing import StockExecutor

Odd = NewType("Odd", int)
_ODD = strawberry.scalar(name="Odd", serialize=lambda value: value or None)


@strawberry.type
class Picky:
    name: str

    @classmethod
    def is_type_of(cls, value: object, _: object) -> bool:
        """Refuse some objects of the class."""
        return isinstance(value, cls) and value.name != "refused"


@strawberry.type
class Query:
    @strawberry.field
    def picky(self, name: str) -> Picky:
        return Picky(name=name)

    @strawberry.field
    def odds(self, values: list[int]) -> list[Odd]:
        return [Odd(value) for value in values]


@pytest.mark.parametrize(
    "document",
    [
        '{ picky(name: "usual") { name } }',
        '{ picky(name: "refused") { name } }',
        "{ odds(values: [1, 2]) }",
        "{ odds(values: [1, 0]) }",
        '{ __type(name: "Picky") { name fields { name } } }',
    ],
)
def test_other_schemas_have_the_same_answers(document: str) -> None:
    planned, stock = [
        strawberry.Schema(
            Query,
            config=StrawberryConfig(scalar_map={Odd: _ODD}),
            execution_context_class=executor,
        ).execute_sync(document)
        for executor in (PlannedExecutor, StockExecutor)
    ]
    assert planned.data == stock.data
    assert str(planned.errors) == str(stock.errors)


def test_a_guard_refuses_objects_of_other_types() -> None:
    guard = TypeGuard("Picky", Permission.SECRET_READ, Picky.is_type_of)
    assert guard(Picky(name="refused"), None) is False  # type: ignore[arg-type] # asks for no context
