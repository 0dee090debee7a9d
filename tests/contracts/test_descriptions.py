"""Everything in the schema says what it is, in the domain's words: that is what GraphiQL shows."""

import re
from collections.abc import Iterable, Iterator
from enum import Enum
from typing import Final

import pytest
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
    build_client_schema,
    introspection_from_schema,
)
from graphql import build_schema as read_schema

from gateway.app import gateway_schema
from gateway.rest.openapi.document import openapi_document
from schema.enums import expose
from tests.contracts.walking import schema

_ENDS: Final = re.compile(r"(?:[.…]|REST: \d{3})$")
_TEMPLATE: Final = re.compile(r"[{}<>]")
_BARE: Final = read_schema(
    "type Query { secret(first: Int): ID } enum Color { RED } input Filter { key: ID }"
)

Part = GraphQLNamedType | GraphQLField | GraphQLArgument | GraphQLInputField | GraphQLEnumValue


class _Color(Enum):
    RED = 1
    BLUE = 2


def _parts(types: GraphQLSchema) -> Iterator[tuple[str, Part]]:
    """Yield every part of a schema with its coordinate; skip GraphQL's own types."""
    for name, kind in types.type_map.items():
        if not name.startswith("__"):
            yield name, kind
            yield from _members(kind)


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


def _not_described(types: GraphQLSchema) -> list[str]:
    return [coordinate for coordinate, part in _parts(types) if not part.description]


def test_every_type_field_argument_and_enum_value_says_what_it_is() -> None:
    assert _not_described(schema()) == []


def test_every_description_ends_as_a_sentence_or_with_a_status() -> None:
    words = {part.description or "" for _, part in _parts(schema())}

    assert [text for text in words if not _ENDS.search(text)] == []


def _described(document: object) -> Iterator[str]:
    """Give every text for people in an OpenAPI document."""
    if isinstance(document, dict):
        for name, part in document.items():
            if name in {"description", "summary", "title"} and isinstance(part, str):
                yield part
            else:
                yield from _described(part)
    elif isinstance(document, list):
        for part in document:
            yield from _described(part)


def _with_template_syntax(texts: Iterable[str]) -> list[str]:
    return [text for text in texts if _TEMPLATE.search(text)]


def test_no_description_has_template_syntax() -> None:
    """A documentation generator would run it, and stops at a name that it does not know."""
    sdl = [part.description or "" for _, part in _parts(schema())]
    rest = list(_described(openapi_document()))

    assert len(sdl) > 100 < len(rest)
    assert _with_template_syntax(sdl) == []
    assert _with_template_syntax(rest) == []


def test_control_template_syntax_is_found() -> None:
    texts = ["As `{{KEY}}` says.", "POST /secret/{secretId}", "{% if %}", "A <Note>", "A key."]

    assert _with_template_syntax(texts) == texts[:-1]


def test_an_enum_with_a_member_that_is_not_described_is_refused() -> None:
    with pytest.raises(ValueError, match="Color"):
        expose(_Color, "Color", "A color.", {"RED": "Red."})


def test_control_every_part_without_a_description_is_found() -> None:
    nameless = {"Query", "Query.secret", "Query.secret.first", "Color", "Color.RED"}

    assert set(_not_described(_BARE)) == {*nameless, "Filter", "Filter.key"}


def test_the_schema_as_a_whole_says_what_its_words_mean() -> None:
    described = build_client_schema(introspection_from_schema(gateway_schema().types))

    assert "A **secret** belongs to a **holder**" in (described.description or "")
