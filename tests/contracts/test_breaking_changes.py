"""The schema still has all that its last release had, but for what is listed here."""

from collections.abc import Mapping
from typing import Final

import pytest
from graphql import GraphQLSchema, build_schema, find_breaking_changes

from schema.snapshot import RELEASED
from tests.contracts.walking import schema

# What the library says of a change → why clients of the last release have to bear it. A release
# writes `released.graphql` anew, and its breaks go from here into the changelog.
MEANT: Final[Mapping[str, str]] = {}
_TEXT: Final = RELEASED.read_text(encoding="utf-8")


def _breaks(before: GraphQLSchema, after: GraphQLSchema) -> set[str]:
    return {change.description for change in find_breaking_changes(before, after)}


def test_nothing_breaks_what_was_released() -> None:
    """Take it back, deprecate instead, or list it with its reason."""
    assert _breaks(build_schema(_TEXT), schema()) - set(MEANT) == set()


def test_what_is_listed_breaks_something() -> None:
    assert set(MEANT) - _breaks(build_schema(_TEXT), schema()) == set()


def test_what_is_listed_has_its_reason() -> None:
    assert [change for change, reason in MEANT.items() if len(reason.split()) < 4] == []


def test_a_field_that_is_gone_is_seen() -> None:
    """The control of the tests above, on the schema itself."""
    broken = build_schema(_TEXT)
    del broken.type_map["Query"].fields["node"]  # type: ignore[attr-defined] # an object

    assert _breaks(build_schema(_TEXT), broken) == {"Field Query.node was removed."}


SMALL: Final = "enum Colour { RED GREEN } type Query { colour(of: Int): Colour! count: Int }"
BROKEN: Final[Mapping[str, tuple[str, str]]] = {
    "a field that may be null": ("Colour!", "Colour"),
    "an argument that is needed": ("of: Int", "of: Int!"),
    "an argument that is gone": ("(of: Int)", ""),
    "a further argument that is needed": ("of: Int", "of: Int, at: Int!"),
    "a value that is gone": ("GREEN", ""),
    "a value by another name": ("GREEN", "GREENISH"),
}


@pytest.mark.parametrize(("old", "new"), BROKEN.values(), ids=BROKEN.keys())
def test_other_breaks_are_seen(old: str, new: str) -> None:
    """The control of the tests above, for what else can break."""
    assert len(_breaks(build_schema(SMALL), build_schema(SMALL.replace(old, new)))) == 1
