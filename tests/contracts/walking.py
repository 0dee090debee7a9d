"""Walking classes and the schema, so that what is added later is looked at too."""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, TypeVar

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLSchema,
    build_schema,
    is_required_argument,
    is_required_input_field,
)

import gateway.app  # noqa: F401 - so that all classes are there before they are looked at
from schema.snapshot import printed

Class = TypeVar("Class")


@cache
def schema() -> GraphQLSchema:
    """Return the schema as any client can read it."""
    return build_schema(printed())


def mutations() -> Mapping[str, GraphQLField]:
    """Return every mutation by its name."""
    mutation = schema().mutation_type
    assert mutation
    return dict(mutation.fields)


def subscriptions() -> Mapping[str, GraphQLField]:
    """Return every subscription by its name."""
    subscription = schema().subscription_type
    assert subscription
    return dict(subscription.fields)


def subclasses(root: type[Class]) -> Iterator[type[Class]]:
    """Return all classes below a class."""
    for below in root.__subclasses__():
        yield below
        yield from subclasses(below)


def call(name: str, ids: Mapping[str, str]) -> tuple[str, Mapping[str, Any]]:
    """Return a document that tries one mutation with the least it takes, and its variables."""
    arguments = mutations()[name].args
    required = {
        key: argument
        for key, argument in arguments.items()
        if is_required_argument(argument) or key == "dryRun"
    }
    variables = {key: _least(key, arg.type, ids) for key, arg in required.items()}
    return _document(name, required), variables


def _document(name: str, arguments: Mapping[str, GraphQLArgument]) -> str:
    declared = ", ".join(f"${key}: {argument.type}" for key, argument in arguments.items())
    passed = ", ".join(f"{item}: ${item}" for item in arguments)
    return f"mutation ({declared}) {{ {name}({passed}) {{ __typename }} }}"


def _least(name: str, kind: GraphQLInputType, ids: Mapping[str, str]) -> Any:
    if isinstance(kind, GraphQLNonNull):
        return _least(name, kind.of_type, ids)
    if isinstance(kind, GraphQLList):
        return [_least(name, kind.of_type, ids)]
    if isinstance(kind, GraphQLEnumType):
        return next(iter(kind.values))
    if isinstance(kind, GraphQLInputObjectType):
        return {
            key: _least(key, field.type, ids)
            for key, field in kind.fields.items()
            if is_required_input_field(field) or (kind.is_one_of and key == next(iter(kind.fields)))
        }
    return _scalar(name, str(kind), ids)


def _scalar(name: str, kind: str, ids: Mapping[str, str]) -> Any:
    if kind == "ID":
        return ids[name]
    return {
        "String": "SOME_TEXT",
        "Boolean": True,
        "Int": 1,
        "DateTime": "2090-01-01T00:00:00Z",
    }[kind]
