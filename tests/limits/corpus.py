"""Hostile requests: each is small to write, and would be large to work on.

Each has the error code and a word of the message that it is refused with, or None where it is
harmless and answered.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from graphql import get_introspection_query

DOUBLINGS: Final = 30


@dataclass(frozen=True, slots=True)
class Shape:
    """A request, and what is to become of it."""

    document: str
    answer: str | None
    code: str | None = "LIMIT_EXCEEDED"
    variables: Mapping[str, Any] = field(default_factory=dict)


def doubling(levels: int) -> str:
    """Return fragments of which each spreads the next one twice."""
    return "{ ...F0 } " + _fragments(levels, "...F{next} ...F{next}", "__typename")


def _fragments(count: int, selection: str, last: str, on: str = "Query") -> str:
    written = [
        f"fragment F{number} on {on} {{ {selection.format(number=number, next=number + 1)} }}"
        for number in range(count)
    ]
    return " ".join([*written, f"fragment F{count} on {on} {{ {last} }}"])


def _numbered(count: int, text: str) -> str:
    return " ".join(text.format(number=number) for number in range(count))


def _nested(depth: int, opening: str, closing: str, core: str = "") -> str:
    return opening * depth + core + closing * depth


def _shapes() -> Iterator[tuple[str, Shape]]:
    deep = _nested(13, "environments { edges { node { project { ", " } } } }", "id")
    yield "deep selection", Shape(f"{{ projects {{ edges {{ node {{ {deep} }} }} }} }}", "deep")
    yield "deeper than can be read", Shape(_nested(480, "{ a ", " }", "b"), "deep")
    yield "doubling fragments", Shape(doubling(DOUBLINGS), "root")
    yield (
        "doubling fields",
        Shape(
            "{ projects { edges { node { ...F0 } } } } "
            + _fragments(DOUBLINGS, "a{number}: name ...F{next} ...F{next}", "name", "Project"),
            "aliases",
        ),
    )
    yield (
        "doubling fragments without aliases",
        Shape(
            "{ projects { edges { node { ...F0 } } } } "
            + _fragments(DOUBLINGS, "name ...F{next} ...F{next}", "name", "Project"),
            "pairs",
        ),
    )
    yield (
        "chain of fragments",
        Shape("{ ...F0 } " + _fragments(110, "...F{next}", "__typename"), None, None),
    )
    yield (
        "ring of fragments",
        Shape(
            "{ ...A } fragment A on Query { ...B ...B } fragment B on Query { ...A ...A }",
            "",
            "BAD_USER_INPUT",
        ),
    )
    yield "flood of aliases", Shape("{ " + _numbered(300, "a{number}: __typename") + " }", "root")
    yield (
        "aliases of one field",
        Shape('{ node(id: "x") { ' + _numbered(21, "a{number}: id") + " } }", "aliases"),
    )
    yield "flood of root fields", Shape("{ " + "__typename " * 11 + "}", "root")
    yield "flood of tokens", Shape("{ " + "__typename " * 1_000 + "}", "tokens")
    yield "flood of directives", Shape("{ __typename " + "@a" * 490 + " }", "directives")
    yield (
        "a directive twice",
        Shape("{ __typename @include(if: true) @include(if: true) }", "", "BAD_USER_INPUT"),
    )
    yield "overlapping fields", Shape('{ node(id: "x") { ' + "id " * 900 + "} }", "pairs")
    yield (
        "overlapping nested fields",
        Shape("{ projects { edges { " + "node { name id } " * 180 + "} } }", "pairs"),
    )
    yield (
        "overlapping fragments",
        Shape(
            '{ node(id: "x") { '
            + _numbered(105, "...F{number}")
            + " } } "
            + _fragments(104, "id", "id", "Node"),
            "pairs",
        ),
    )
    yield (
        "unused fragments",
        Shape("{ __typename } fragment F on Query { " + "__typename " * 900 + "}", "pairs"),
    )
    yield (
        "introspection within introspection",
        Shape(
            "{ __schema { types { " + _nested(8, "fields { type { ", " } }", "name") + " } } }",
            "Introspection must cost",
        ),
    )
    yield (
        "introspection under many aliases",
        Shape(
            "{ "
            + _numbered(9, "a{number}: __schema {{ types {{ ...F }} }}")
            + " } fragment F on __Type { name fields { name type { name ofType { name } } "
            "args { name type { name } } } possibleTypes { name fields { name } } }",
            "Introspection",
        ),
    )
    yield (
        "introspection of one large type many times",
        Shape(
            "{ " + _numbered(9, 'a{number}: __type(name: "Mutation") {{ ...F }}') + " } "
            "fragment F on __Type { fields { name args { name description type { name ofType "
            "{ name } } } type { fields { name } } } }",
            None,
            None,
        ),
    )
    yield "introspection as tools ask for it", Shape(get_introspection_query(), None, None)
    yield (
        "long pages of long pages",
        Shape(
            "{ projects(first: 100) { edges { node { environments(first: 100) { edges { node { "
            "services(first: 100) { totalCount nodes { id name } } } } } } } } }",
            "cost",
        ),
    )
    yield (
        "long pages by variables",
        Shape(
            "query ($n: Int = 100) { projects(first: $n) { edges { node { environments(first: $n) "
            "{ edges { node { services(first: $n) { totalCount nodes { id } } } } } } } } }",
            "cost",
            variables={"n": 99},
        ),
    )
    yield (
        "flood of variables",
        Shape(
            f"query ({_numbered(240, '$a{number}: Int')}) {{ __typename }}", "", "BAD_USER_INPUT"
        ),
    )
    yield (
        "flood of operations",
        Shape(
            _numbered(120, "query q{number} {{ ...A }}") + " fragment A on Query { __typename }",
            "several operations",
            "BAD_USER_INPUT",
        ),
    )
    yield (
        "flood of ids",
        Shape(
            "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }",
            "2,000 entries",
            variables={"ids": ["x"] * 19_000},
        ),
    )
    yield (
        "flood of lists",
        Shape(
            "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }",
            "ids",
            "BAD_USER_INPUT",
            variables={"ids": [["x"] * 1_900] * 10},
        ),
    )
    yield (
        "deep variable",
        Shape(
            'query ($filter: SecretFilter) { service(id: "x") { secrets(filter: $filter) '
            "{ totalCount } } }",
            "filter",
            "BAD_USER_INPUT",
            variables={"filter": _deep(28)},
        ),
    )
    yield "deep list literal", Shape("{ node(id: " + _nested(450, "[", "]") + ") { id } }", "deep")
    yield (
        "deep object literal",
        Shape(
            '{ service(id: "x") { secrets(filter: '
            + _nested(60, "{ a: ", " }", "1")
            + ") { totalCount } } }",
            "",
            "BAD_USER_INPUT",
        ),
    )
    yield (
        "long number",
        Shape("{ projects(first: " + "9" * 60_000 + ") { totalCount } }", "", "BAD_USER_INPUT"),
    )
    yield "long text", Shape('{ node(id: "' + "a" * 60_000 + '") { id } }', None, None)
    yield "long block", Shape('{ node(id: """' + "a\n" * 30_000 + '""") { id } }', None, None)
    yield "long escapes", Shape('{ node(id: "' + "\\u0041" * 10_000 + '") { id } }', None, None)
    yield "long name", Shape("{ " + "a" * 60_000 + " }", "", "BAD_USER_INPUT")
    yield "flood of comments", Shape("#\n" * 30_000 + "{ __typename }", "comments")
    yield "flood of byte order marks", Shape("\ufeff" * 20_000 + "{ __typename }", None, None)
    yield "flood of commas", Shape("," * 60_000 + "{ __typename }", None, None)
    yield (
        "unknown fields",
        Shape(
            'mutation { createProject(name: "x") { '
            + _numbered(900, "createJobSecre{number}")
            + " } }",
            "",
            "BAD_USER_INPUT",
        ),
    )
    yield (
        "unknown arguments",
        Shape(
            "{ projects(" + _numbered(300, "firs{number}: 1") + ") { totalCount } }",
            "",
            "BAD_USER_INPUT",
        ),
    )


def _deep(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = {"a": value}
    return value


SHAPES: Final[Mapping[str, Shape]] = dict(_shapes())
