"""Everything in the schema says what it is, in the domain's words: that is what GraphiQL shows."""

import re
from collections.abc import Iterable, Iterator
from enum import Enum
from typing import Final

import pytest
from graphql import GraphQLArgument, GraphQLField, GraphQLInputField, build_schema

from gateway.rest.openapi.document import openapi_document
from schema.descriptions import describe, parts, words_for
from schema.enums import expose
from schema.glossary import FIELDS, INPUTS
from tests.contracts.walking import schema

_ENDS: Final = re.compile(r"(?:[.…]|REST: \d{3})$")
_TEMPLATE: Final = re.compile(r"[{}<>]")
_BARE: Final = build_schema("type Query { unheardOf: String id(unheardOf: Int, id: ID): ID }")


class _Color(Enum):
    RED = 1
    BLUE = 2


def _named(kinds: tuple[type, ...]) -> set[str]:
    """Return every name by which the glossary may have words for a part of these kinds."""
    places = [place for place, part in parts(schema()) if isinstance(part, kinds)]
    return {name for place in places for name in words_for(place)}


def test_every_type_field_argument_and_enum_value_says_what_it_is() -> None:
    assert [place for place, part in parts(schema()) if not part.description] == []


def test_every_description_ends_as_a_sentence_or_with_a_status() -> None:
    words = {part.description or "" for _, part in parts(schema())}

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
    sdl = [part.description or "" for _, part in parts(schema())]
    rest = list(_described(openapi_document()))

    assert len(sdl) > 100 < len(rest)
    assert _with_template_syntax(sdl) == []
    assert _with_template_syntax(rest) == []


def test_control_template_syntax_is_found() -> None:
    texts = ["As `{{KEY}}` says.", "POST /secret/{secretId}", "{% if %}", "A <Note>", "A key."]

    assert _with_template_syntax(texts) == texts[:-1]


def test_the_glossary_has_no_words_for_what_is_not_there() -> None:
    assert set(FIELDS) - _named((GraphQLField,)) == set()
    assert set(INPUTS) - _named((GraphQLArgument, GraphQLInputField)) == set()


def test_an_enum_with_a_member_that_is_not_described_is_refused() -> None:
    with pytest.raises(ValueError, match="Color"):
        expose(_Color, "Color", "A color.", {"RED": "Red."})


@pytest.mark.parametrize("place", ["Query", "Query.unheardOf", "Query.id.unheardOf"])
def test_control_what_nobody_has_words_for_is_found(place: str) -> None:
    describe(_BARE)

    assert place in [found for found, part in parts(_BARE) if not part.description]


def test_words_of_its_own_go_before_those_of_the_glossary() -> None:
    own = build_schema('type Query { "Of its own." id: ID }')

    describe(own)

    assert own.query_type
    assert own.query_type.fields["id"].description == "Of its own."
