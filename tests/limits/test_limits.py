"""Each limit holds exactly, directly and through fragments; what is priced is what is answered."""

import re
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from graphql import (
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLObjectType,
    get_introspection_query,
    get_named_type,
    get_nullable_type,
    is_composite_type,
    parse,
)

from gateway.app import gateway_schema
from gateway.graphql import documents
from gateway.graphql.cost import LENGTHS, LIST_ARGUMENTS
from gateway.graphql.limits import LIMITS, WORDS, Limit, Survey
from gateway.rest.table import OPERATIONS
from gateway.services.demo import Demo
from tests.world import World, open_world

pytestmark = pytest.mark.asyncio(loop_scope="session")

GRAPHQL: Final = Path(__file__).parents[2] / "docs" / "graphql.md"
Make = Callable[[int], str]


async def _sent(world: World, document: str, **variables: object) -> httpx.Response:
    return await world.client.post("/graphql", json={"query": document, "variables": variables})


def _repeated(count: int, text: str) -> str:
    return " ".join(text.format(number=number) for number in range(count))


def _nested(depth: int) -> str:
    fields = ["projects", *["edges", "node", "environments"] * depth][: depth - 1]
    return "{ " + "".join(f"{name} {{ " for name in fields) + "__typename" + " }" * depth


def _through_fragments(depth: int) -> str:
    fields = [("projects(first: 1)", "Query", "ProjectConnection")]
    head = [
        ("edges", "ProjectConnection", "ProjectEdge"),
        ("node", "ProjectEdge", "Project"),
        ("environments(first: 1)", "Project", "EnvironmentConnection"),
    ]
    turn = [
        ("edges", "EnvironmentConnection", "EnvironmentEdge"),
        ("node", "EnvironmentEdge", "Environment"),
        ("project", "Environment", "Project"),
        ("environments(first: 1)", "Project", "EnvironmentConnection"),
    ]
    fields = [*fields, *head, *turn * depth][: depth - 1]
    written = [
        f"fragment F{number} on {on} {{ {name} {{ ...F{number + 1} }} }}"
        for number, (name, on, _) in enumerate(fields)
    ]
    last = f"fragment F{len(fields)} on {fields[-1][2]} {{ __typename }}"
    return " ".join(["{ ...F0 }", *written, last])


# A document that asks for so much, the limit, and whether so much is possible at all.
EXACT: Final[dict[str, tuple[Make, Limit]]] = {
    "depth": (_through_fragments, Limit.DEPTH),
    "root fields": (lambda n: "{ " + "__typename " * n + "}", Limit.ROOT_FIELDS),
    "root fields in fragments": (
        lambda n: (
            "{ ...F " + "__typename " * (n - 2) + "} fragment F on Query { "
            "__typename ... { __typename } }"
        ),
        Limit.ROOT_FIELDS,
    ),
    "aliases": (
        lambda n: '{ node(id: "x") { ' + _repeated(n, "a{number}: id") + " } }",
        Limit.ALIASES,
    ),
    "aliases in a fragment that is spread twice": (
        lambda n: (
            "{ "
            "# Half of them stand in the fragment.\n"
            'node(id: "x") { ...F ... on Node { ...F } '
            + _repeated(n % 2, "b{number}: id")
            + " } } fragment F on Node { "
            + _repeated(n // 2, "a{number}: id")
            + " }"
        ),
        Limit.ALIASES,
    ),
    "directives": (
        lambda n: '{ node(id: "x") { ' + _repeated(n, "id @include(if: true)") + " } }",
        Limit.DIRECTIVES,
    ),
    "tokens": (
        # Twelve stand around the list.
        lambda n: "{ nodes(ids: [" + '"x" ' * (n - 12) + "]) { __typename } }",
        Limit.TOKENS,
    ),
    "comments": (lambda n: "#\n" * n + "{ __typename }", Limit.COMMENTS),
}


@pytest.mark.rule("S23")
@pytest.mark.parametrize(("make", "limit"), EXACT.values(), ids=EXACT.keys())
async def test_a_limit_is_reached_and_not_passed(
    limited_world: World, make: Make, limit: Limit
) -> None:
    most = LIMITS[limit]

    taken = await _sent(limited_world, make(most))
    refused = await _sent(limited_world, make(most + 1))

    assert "LIMIT_EXCEEDED" not in taken.text
    assert refused.status_code == HTTPStatus.BAD_REQUEST
    assert refused.json()["errors"] == [
        {"message": WORDS[limit].format(f"{most:,}"), "extensions": {"code": "LIMIT_EXCEEDED"}}
    ]


@pytest.mark.rule("S23")
async def test_depth_is_counted_without_fragments_too(limited_world: World) -> None:
    most = LIMITS[Limit.DEPTH]

    assert "LIMIT_EXCEEDED" not in (await _sent(limited_world, _nested(most))).text
    assert "LIMIT_EXCEEDED" in (await _sent(limited_world, _nested(most + 1))).text


@pytest.mark.rule("S23")
async def test_a_limit_is_reported_before_what_else_is_wrong(limited_world: World) -> None:
    """Nothing is validated that is too large."""
    result = await _sent(limited_world, "{ " + "unknown " * 11 + "}")

    assert [error["extensions"]["code"] for error in result.json()["errors"]] == ["LIMIT_EXCEEDED"]


@pytest.mark.rule("S23", "S25")
async def test_the_introspection_of_tools_is_within_the_limits(limited_world: World) -> None:
    """As deep as they ask, though no other field may be."""
    full = get_introspection_query(
        directive_is_repeatable=True,
        specified_by_url=True,
        schema_description=True,
        input_value_deprecation=True,
    )
    result = await _sent(limited_world, full)
    deepest = next(iter(Survey(parse(full)).measures()))

    assert "errors" not in result.json()
    assert 10 < deepest.introspection_depth <= LIMITS[Limit.INTROSPECTION_DEPTH]


PRICED = {
    "a field": ("{ __typename }", {}, 1),
    "a page without a size": ("{ projects { edges { cursor } } }", {}, 2 + 50),
    "first": ("{ projects(first: 7) { edges { cursor node { id } } } }", {}, 2 + 7 * 3),
    "last": (
        '{ service(id: "x") { secrets(last: 3) { edges { cursor } } } }',
        {},
        1 + 1 + 1 + 3,
    ),
    "a variable": (
        "query ($n: Int!) { projects(first: $n) { edges { cursor } } }",
        {"n": 9},
        2 + 9,
    ),
    "a whole number as a fraction": (
        "query ($n: Int!) { projects(first: $n) { edges { cursor } } }",
        {"n": 9.0},
        2 + 9,
    ),
    "a default": (
        "query ($n: Int = 8) { projects(first: $n) { edges { cursor } } }",
        {},
        2 + 8,
    ),
    "null": ("query ($n: Int) { projects(first: $n) { edges { cursor } } }", {"n": None}, 2 + 50),
    "more than a page": ("{ projects(first: 999) { edges { cursor } } }", {}, 2 + 100),
    "a very large number": (
        "{ projects(first: " + "9" * 20 + ") { edges { cursor } } }",
        {},
        None,
    ),
    "a page through a fragment": (
        "{ projects(first: 7) { ...P } } fragment P on ProjectConnection { edges { cursor } }",
        {},
        2 + 7,
    ),
    "one fragment on two pages": (
        """{ service(id: "x") { secrets(first: 2) { ...P } visibleSecrets(first: 5) { ...P } } }
        fragment P on SecretConnection { edges { cursor } }""",
        {},
        1 + (2 + 2) + (2 + 5),
    ),
    "ids": ('{ nodes(ids: ["a", "b", "c"]) { id } }', {}, 1 + 3),
    "ids in a variable": (
        "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }",
        {"ids": ["a", "b"]},
        1 + 2,
    ),
    "ids by default": (
        'query ($ids: [ID!]! = ["a", "b"]) { nodes(ids: $ids) { id } }',
        {},
        1 + 2,
    ),
    "a search": (
        """{ all: secrets(first: 7) { nodes { key } }
            found: secrets(first: 7, filter: { keyContains: "x" }) { nodes { key } } }""",
        {},
        2 * (2 + 7) + 2_000,
    ),
    "an import": (
        """mutation { importSecrets(
            holder: { jobId: "x" }, secrets: [{ key: "A" }, { key: "B" }], overwrite: false
        ) { rows { key } errors { code } } }""",
        {},
        1 + (1 + 2) + (1 + 2),
    ),
}


@pytest.mark.rule("S24")
@pytest.mark.parametrize(("document", "variables", "fields"), PRICED.values(), ids=PRICED.keys())
async def test_a_document_costs_the_fields_that_its_answer_can_have(
    limited_world: World, document: str, variables: dict[str, Any], fields: int | None
) -> None:
    """Told in the reply, with the limit."""
    result = (await _sent(limited_world, document, **variables)).json()

    cost = result["extensions"]["cost"]
    assert cost["limit"] == LIMITS[Limit.COST]
    assert fields is None or cost["requested"] == fields


async def test_a_tree_of_holders_with_their_keys_is_within_the_limits(limited_world: World) -> None:
    tree = """{ projects(first: 50) { nodes { id name environments(first: 10) { nodes { id name
        secrets(first: 20) { nodes { id key } } } } } } }"""
    result = (await _sent(limited_world, tree)).json()

    assert "errors" not in result
    assert result["extensions"]["cost"]["requested"] > 50 * 10 * 20


@pytest.mark.rule("S23", "S24")
async def test_depth_and_cost_are_settings(template: tuple[Path, Demo], data_dir: Path) -> None:
    deep, dear = _nested(6), "{ projects { nodes { environments(first: 20) { nodes { id } } } } }"
    narrow: dict[str, Any] = {"max_document_depth": 5, "max_document_cost": 1_000}
    async with open_world(data_dir, template[1], **narrow) as world:
        refused = [(await _sent(world, document)).json() for document in (deep, dear)]
    wide: dict[str, Any] = {
        "max_document_depth": 20,
        "max_document_cost": 1_200,
        "rate_per_minute": 0,
    }
    async with open_world(data_dir, template[1], **wide) as world:
        taken = [
            (await _sent(world, document)).json() for document in (_through_fragments(20), dear)
        ]

    assert [answer["errors"][0]["message"] for answer in refused] == [
        WORDS[Limit.DEPTH].format(5),
        WORDS[Limit.COST].format("1,000"),
    ]
    assert [answer.get("errors") for answer in taken] == [None, None]
    assert taken[1]["extensions"] == {"cost": {"requested": 2 + 50 * (2 + 20), "limit": 1_200}}


@pytest.mark.rule("S24")
async def test_an_answer_reports_what_is_left_of_the_allowance(
    template: tuple[Path, Demo], data_dir: Path
) -> None:
    async with open_world(data_dir, template[1], clock=lambda: 0.0, rate_burst=1_000) as world:
        left = [
            (await _sent(world, f"{{ projects(first: {size}) {{ nodes {{ id }} }} }}")).json()[
                "extensions"
            ]["allowance"]["remaining"]
            for size in (1, 100, 1)
        ]

    # One for each request, one for each document, and one for each hundred fields.
    assert left == [998, 998 - 3, 998 - 3 - 2]


def _fields(answer: object) -> int:
    if isinstance(answer, dict):
        return len(answer) + sum(map(_fields, answer.values()))
    return sum(map(_fields, answer)) if isinstance(answer, list) else 0


@pytest.mark.rule("S24")
async def test_what_costs_too_much_is_refused_and_reported_its_price(limited_world: World) -> None:
    """To the field."""
    refused = await _sent(
        limited_world,
        "{ projects(first: 100) { edges { node { environments(first: 100) { edges { cursor node { "
        "id name __typename } } } } } } }",
    )

    assert refused.status_code == HTTPStatus.BAD_REQUEST
    assert refused.json()["errors"][0]["extensions"]["code"] == "LIMIT_EXCEEDED"
    assert refused.json()["extensions"]["cost"] == {
        "requested": 2 + 100 * (1 + 2 + 100 * 5),
        "limit": LIMITS[Limit.COST],
    }


EXAMPLES: Final = re.findall(r"```graphql\n(query.*?)```", GRAPHQL.read_text(), re.DOTALL)


@pytest.mark.rule("S24")
@pytest.mark.parametrize("document", EXAMPLES)
async def test_no_answer_has_more_fields_than_its_document_costs(
    limited_world: World, document: str
) -> None:
    named = re.findall(r"\$(\w+): ID!", document)
    demo = limited_world.demo
    ids = {name: getattr(demo, re.sub(r"([A-Z])", r"_\1", name).lower()) for name in named}

    result = (await _sent(limited_world, document, **ids)).json()

    assert 1 < _fields(result["data"]) <= result["extensions"]["cost"]["requested"]


def _lists() -> list[tuple[str, str]]:
    kinds = gateway_schema().types.type_map.values()
    return [
        (kind.name, name)
        for kind in kinds
        if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType)
        for name, field in kind.fields.items()
        if isinstance(get_nullable_type(field.type), GraphQLList)
        and is_composite_type(get_named_type(field.type))
    ]


@pytest.mark.rule("S24")
async def test_the_length_of_every_list_is_known() -> None:
    """By arguments, in the table, or as an entry a page or a row of its field."""
    known = set(LENGTHS) | set(LIST_ARGUMENTS)
    by_their_field = {("edges", "Connection"), ("errors", "Payload"), ("rows", "Payload")}
    by_their_field |= {("imported", "Payload"), ("nodes", "Connection")}

    unknown = [
        (kind, name)
        for kind, name in _lists()
        if (kind, name) not in known
        and not any(name == one and kind.endswith(end) for one, end in by_their_field)
    ]

    assert unknown == []
    assert set(LENGTHS) | {("Query", "nodes")} <= set(_lists())


@pytest.mark.rule("S23")
async def test_the_documents_of_the_rest_paths_pass_no_limit_but_that_of_aliases() -> None:
    """They are the gateway's own, and carry the wire's names as aliases."""
    for row in OPERATIONS:
        document = parse(row.document, max_lexical_tokens=LIMITS[Limit.TOKENS])
        operation = next(iter(Survey(document).measures()))
        passed = {limit for limit, count in operation.counted() if count > LIMITS[limit]}

        assert passed <= {Limit.ALIASES}
        assert operation.aliases < 2 * LIMITS[Limit.ALIASES]
        assert operation.overlaps < LIMITS[Limit.OVERLAPS]


@pytest.mark.rule("S23")
async def test_documents_of_the_rest_paths_have_no_limits(limited_world: World) -> None:
    """The same document is refused where a caller sends it."""
    demo = limited_world.demo
    row = next(
        item for item in OPERATIONS if item.path == "/job/{jobId}/secret" and item.method == "POST"
    )

    over_rest = await limited_world.client.post(f"/job/{demo.job_id}/secret", json={"key": "1"})
    sent = await _sent(limited_world, row.document, holder=demo.job_id, key="1")

    assert over_rest.json()["code"] == "BAD_USER_INPUT"
    assert sent.json()["errors"][0]["extensions"]["code"] == "LIMIT_EXCEEDED"


@pytest.mark.rule("S26")
async def test_a_document_is_read_checked_and_priced_once(limited_world: World) -> None:
    """Each further time it comes from the caches, also with other variables of no size."""
    document = "query Cached($id: ID!) { node(id: $id) { id } }"
    caches = (documents.parsed, documents.admitted, documents.validated, documents._cost)  # noqa: SLF001 - counted here
    await _sent(limited_world, document, id="first")
    before = [cache.cache_info().misses for cache in caches]
    hits = [cache.cache_info().hits for cache in caches]

    for number in range(3):
        await _sent(limited_world, document, id=f"further {number}")

    assert [cache.cache_info().misses for cache in caches] == before
    assert all(
        cache.cache_info().hits >= hit + 3 for cache, hit in zip(caches[1:], hits[1:], strict=True)
    )


@pytest.mark.rule("S26")
async def test_what_is_refused_for_its_size_pushes_nothing_out_of_the_caches(
    limited_world: World,
) -> None:
    before = documents.admitted.cache_info().currsize

    for number in range(5):
        await _sent(limited_world, "{ " + f"a{number}: __typename " * 11 + "}")

    assert documents.admitted.cache_info().currsize == before
