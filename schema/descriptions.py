"""Describes every part of the schema: by its own description, or else by the glossary's."""

from collections.abc import Iterator

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLEnumValue,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
)

from schema.glossary import FIELDS, INPUTS, WHOLE

Part = GraphQLNamedType | GraphQLField | GraphQLArgument | GraphQLInputField | GraphQLEnumValue


def describe(types: GraphQLSchema) -> None:
    """Set the glossary's description on each part that has none."""
    types.description = WHOLE
    for coordinate, part in parts(types):
        if not part.description:
            part.description = _words(coordinate, part)


def parts(types: GraphQLSchema) -> Iterator[tuple[str, Part]]:
    """Yield every part of the schema with its coordinate `Type.field`; skip GraphQL's own types."""
    for name, kind in types.type_map.items():
        if not name.startswith("__"):
            yield name, kind
            yield from _members(kind)


def words_for(coordinate: str) -> Iterator[str]:
    """Yield the glossary keys that can describe a coordinate, the most precise first."""
    names = coordinate.split(".")
    yield coordinate
    yield names[-1]


def _words(coordinate: str, part: Part) -> str | None:
    glossary = FIELDS if isinstance(part, GraphQLField) else INPUTS
    return next((glossary[name] for name in words_for(coordinate) if name in glossary), None)


def _members(kind: GraphQLNamedType) -> Iterator[tuple[str, Part]]:
    if isinstance(kind, GraphQLEnumType):
        for name, value in kind.values.items():
            yield f"{kind.name}.{name}", value
    if isinstance(kind, GraphQLInputObjectType):
        for name, wanted in kind.fields.items():
            yield f"{kind.name}.{name}", wanted
    if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
        for name, field in kind.fields.items():
            yield f"{kind.name}.{name}", field
            for argument, wanted_argument in field.args.items():
                yield f"{kind.name}.{name}.{argument}", wanted_argument
