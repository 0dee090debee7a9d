"""What a schema tells beyond its types: where scalars are specified, what not to use any more."""

from collections.abc import Iterator

from graphql import (
    DEFAULT_DEPRECATION_REASON,
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLEnumValue,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    build_schema,
    is_specified_scalar_type,
)

from tests.contracts.walking import schema

Member = GraphQLField | GraphQLInputField | GraphQLArgument | GraphQLEnumValue


def _unspecified(answer: GraphQLSchema) -> list[str]:
    return [
        kind.name
        for kind in answer.type_map.values()
        if isinstance(kind, GraphQLScalarType)
        if not is_specified_scalar_type(kind)
        if not (kind.specified_by_url or "").startswith("https://")
    ]


def test_every_scalar_of_our_own_says_where_it_is_specified() -> None:
    assert _unspecified(schema()) == []
    assert "DateTime" in schema().type_map


def test_a_scalar_that_does_not_is_seen() -> None:
    """The control of the test above."""
    assert _unspecified(build_schema("scalar Colour type Query { colour: Colour }")) == ["Colour"]


def _members(answer: GraphQLSchema) -> Iterator[tuple[str, Member]]:
    for kind in answer.type_map.values():
        if isinstance(kind, GraphQLEnumType):
            yield from ((f"{kind.name}.{name}", value) for name, value in kind.values.items())
        if isinstance(kind, GraphQLInputObjectType):
            yield from ((f"{kind.name}.{name}", value) for name, value in kind.fields.items())
        if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
            yield from _fields(kind)


def _fields(kind: GraphQLObjectType | GraphQLInterfaceType) -> Iterator[tuple[str, Member]]:
    for name, field in kind.fields.items():
        yield f"{kind.name}.{name}", field
        yield from ((f"{kind.name}.{name}({key}:)", arg) for key, arg in field.args.items())


def _unexplained(answer: GraphQLSchema) -> list[str]:
    reasons = {place: item.deprecation_reason for place, item in _members(answer)}
    return [
        place
        for place, reason in reasons.items()
        if reason is not None
        if reason == DEFAULT_DEPRECATION_REASON or not reason.endswith(".")
    ]


def test_every_deprecation_says_what_to_use_instead() -> None:
    assert _unexplained(schema()) == []


def test_a_deprecation_that_says_nothing_is_seen_wherever_it_stands() -> None:
    """The control of the test above."""
    answer = build_schema("""
        enum Colour { RED GREEN @deprecated }
        input Wish { colour: Colour @deprecated other: Int @deprecated(reason: "later") }
        type Query {
            old: Int @deprecated
            fine: Int @deprecated(reason: "Ask for `new`.")
            new(wish: Wish, colour: Colour @deprecated): Int
        }
    """)

    assert set(_unexplained(answer)) == {
        "Colour.GREEN",
        "Wish.colour",
        "Wish.other",
        "Query.old",
        "Query.new(colour:)",
    }
