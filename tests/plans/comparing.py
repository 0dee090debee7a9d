"""Compares what plans complete with what the GraphQL library completes."""

from collections import Counter
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from copy import copy
from functools import cache
from typing import Any, ClassVar, Final, cast
from zlib import crc32

import orjson
from graphql import GraphQLObjectType
from graphql.execution.executor import CollectedErrors
from strawberry.schema.schema_converter import GraphQLCoreConverter

from gateway.graphql.plans import PlannedExecutor
from gateway.graphql.schema import CachedDocuments, ExecutableSchema, enforce
from gateway.services.execution import ExecutionResult
from schema.policies import FIELDS, TYPES
from schema.root import build_schema

# What no field of the schema may hold; `None` is right for some.
WRONG_VALUES: Final[tuple[Any, ...]] = (
    None, "wrong", 2**40, 1.5, True, [], [None], {"a": 1}, b"bytes", ValueError("wrong"), object,
)  # fmt: skip


class UnequalAnswers(AssertionError):
    """A plan and the library give different answers."""


def to_bytes(answer: ExecutionResult) -> bytes:
    """Return an answer as it goes over the wire, with the order of its fields."""
    return orjson.dumps([answer.data, answer.errors, answer.extensions])


class StockExecutor(PlannedExecutor):
    """Completes everything as the library does."""

    _compiler = None


class CheckedExecutor(PlannedExecutor):
    """Completes each planned value with the library too, so that mutations run once."""

    compared: ClassVar[Counter[str]] = Counter()
    differences: ClassVar[list[object]] = []

    def complete_list_value(self, *arguments: Any) -> Any:
        """Complete a list and check it."""
        return self._checked(StockExecutor.complete_list_value, arguments)

    def complete_object_value(self, *arguments: Any) -> Any:
        """Complete an object and check it."""
        return self._checked(StockExecutor.complete_object_value, arguments)

    def _checked(self, complete: Any, arguments: Any) -> Any:
        kind, details, info, _, result, _ = arguments
        planned = self._planned(kind, details, info, result)
        if planned is None:
            return complete(self, *arguments)
        stock: Any = copy(self)
        stock.__class__, stock._compiler = StockExecutor, None  # noqa: SLF001 - the other half of a copy
        stock.collected_errors = CollectedErrors()
        expected = complete(stock, *arguments)
        if orjson.dumps([planned, []]) != orjson.dumps([expected, stock.collected_errors.errors]):
            # An exception here would be one more error in the answer.
            self.differences.append((kind, planned, expected))
        self.compared[str(kind)] += 1
        return planned


@cache
def schema_with(executor: Hashable) -> ExecutableSchema:
    """Return the schema with its policies, run by that executor."""
    schema = build_schema(ExecutableSchema, [CachedDocuments])
    enforce(schema.types, FIELDS, TYPES)
    schema.execution_context_class = cast("type[PlannedExecutor]", executor)
    return schema


@contextmanager
def faulty(seed: int, share: int = 31) -> Iterator[None]:
    """Let one in so many objects of the schema have a field with a wrong value.

    Which ones depends on their fields alone, so two runs of a document meet the same values.
    """
    classes = {_class_of(kind): kind for kind in _objects()}
    usual = {found: found.__init__ for found in classes}
    for found in classes:
        found.__init__ = _spoiling(found, seed, share)
    try:
        yield
    finally:
        for found, init in usual.items():
            found.__init__ = init


def _objects() -> list[GraphQLObjectType]:
    types = schema_with(StockExecutor).types.type_map.values()
    roots = {"Query", "Mutation", "Subscription"}
    return [
        kind
        for kind in types
        if isinstance(kind, GraphQLObjectType)
        and not kind.name.startswith("__")
        and kind.name not in roots
    ]


def _class_of(kind: GraphQLObjectType) -> Any:
    definition = kind.extensions[GraphQLCoreConverter.DEFINITION_BACKREF]
    return (definition.concrete_of or definition).origin


def _spoiling(kind: Any, seed: int, share: int) -> Any:
    usual = kind.__init__

    def spoil(self: Any, **given: Any) -> None:
        usual(self, **given)
        plain = [value for value in given.values() if isinstance(value, str | int)]
        lot = crc32(f"{seed} {kind.__name__} {plain}".encode())
        if lot % share == 0:
            names = sorted(given.keys() - {"source", "count", "creator"})
            name, wrong = (
                names[lot // share % len(names)],
                WRONG_VALUES[lot // 1_009 % len(WRONG_VALUES)],
            )
            setattr(self, name, wrong)

    return spoil
