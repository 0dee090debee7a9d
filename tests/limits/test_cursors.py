"""A cursor that is none of a list is refused by every list, as a fault of the request."""

import base64
import json
from typing import Final

import pytest
import pytest_asyncio

from gateway.graphql.limits import LIMITS, Limit
from tests.limits.lists import LISTS, PagedList
from tests.world import World

pytestmark = pytest.mark.asyncio(loop_scope="session")

PAGE: Final = "edges { cursor } pageInfo { endCursor }"
CASES: Final = pytest.mark.parametrize(
    ("paged", "name"),
    [(paged, name) for paged in LISTS for name in paged.cursors],
    ids=[f"{paged} {name}" for paged in LISTS for name in paged.cursors],
)
EVERY_LIST: Final = pytest.mark.parametrize("paged", LISTS, ids=map(str, LISTS))


def _cursor(content: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")


WRONG: Final = {
    "no base64": "%%%%",
    "half of a byte": "A",
    "not ASCII": "é",
    "nothing": "",
    "10 kB": "A" * 10_000,
    "10 kB of a cursor": _cursor(["name", "A" * 10_000]),
    "NUL": "\0",
    "a lone surrogate": "\ud800",
    "no JSON": base64.urlsafe_b64encode(b"\xff\xfe\xfd").decode(),
    "JSON nested deep": base64.urlsafe_b64encode(b"[" * 1_500).decode(),
    "no list": _cursor({"name": 1}),
    "an empty list": _cursor([]),
    "a list that there is not": _cursor(["nothing", "x", "y"]),
    "its own words alone": _cursor(["name"]),
    "places of no kind": _cursor(["name", None, {"a": 1}]),
}


@pytest.mark.rule("C8")
@CASES
async def test_what_is_no_cursor_is_refused(
    limited_world: World, paged: PagedList, name: str
) -> None:
    answer = {
        kind: (await paged.sent(limited_world, PAGE, **{name: cursor})).json()["errors"]
        for kind, cursor in WRONG.items()
    }

    refusals = {
        kind: (key["extensions"]["code"], key["message"]) for kind, (key,) in answer.items()
    }
    refusal = ("BAD_USER_INPUT", "The cursor does not belong to this list.")
    assert refusals == dict.fromkeys(WRONG, refusal)
    assert {item["path"][-1] for (item,) in answer.values()} == {paged.name}


@CASES
async def test_a_cursor_of_its_own_is_taken(
    limited_world: World, paged: PagedList, name: str
) -> None:
    """The control of the test above. Where a list is empty, there is no cursor: null is none."""
    page = await paged.page(limited_world, PAGE)

    answer = await paged.sent(limited_world, PAGE, **{name: page["pageInfo"]["endCursor"]})

    assert "errors" not in answer.json()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def cursors(limited_world: World) -> set[str]:
    """The last cursor of each list that has any."""
    pages = [await paged.page(limited_world, PAGE) for paged in LISTS]
    return {page["pageInfo"]["endCursor"] for page in pages} - {None}


@pytest.mark.rule("C8")
@EVERY_LIST
async def test_a_cursor_of_another_list_makes_no_fault(
    limited_world: World, cursors: set[str], paged: PagedList
) -> None:
    """It is refused, unless both lists are of one kind and order: then it is a place here."""
    answer = [(await paged.sent(limited_world, PAGE, after=cursor)).json() for cursor in cursors]

    refused = [item["errors"] for item in answer if "errors" in item]
    assert refused
    assert {error["extensions"]["code"] for (error,) in refused} == {"BAD_USER_INPUT"}


@EVERY_LIST
async def test_every_list_has_pages_both_ways(limited_world: World, paged: PagedList) -> None:
    """From the end in pages of one, it is the same list; each page says what is before it."""
    wholly = "edges { cursor node { __typename } } nodes { __typename }"
    listed = await paged.page(limited_world, wholly)
    whole = [item["cursor"] for item in listed["edges"]]
    selected = "edges { cursor } pageInfo { hasNextPage hasPreviousPage startCursor }"
    backward: list[str] = []

    for _ in whole[:4]:
        page = await paged.page(
            limited_world, selected, size="last: 1", before=next(reversed(backward), None)
        )
        backward += [edge["cursor"] for edge in page["edges"]]
        assert page["pageInfo"]["hasPreviousPage"] is (backward[-1] != whole[0])
        assert page["pageInfo"]["hasNextPage"] is (len(backward) > 1)

    assert backward == whole[::-1][:4]
    assert listed["nodes"] == [edge["node"] for edge in listed["edges"]]


async def test_every_list_that_comes_in_pages_is_looked_at() -> None:
    assert {str(item) for item in LISTS} > {
        "Query.projects",
        "Query.auditEvents",
        "Environment.services",
        "Secret.impact",
        "Service.effectiveSecrets",
    }


@pytest.mark.rule("S24")
@pytest.mark.parametrize("count", [101, LIMITS[Limit.LIST_ENTRIES] + 1])
async def test_so_many_ids_at_once_are_refused(limited_world: World, count: int) -> None:
    body = {"query": "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }"}

    refused = await limited_world.client.post(
        "/graphql", json=body | {"variables": {"ids": [limited_world.demo.job_id] * count}}
    )

    (error,) = refused.json()["errors"]
    assert error["extensions"]["code"] in {"BAD_USER_INPUT", "LIMIT_EXCEEDED"}
    assert "nodes" not in (refused.json().get("data") or {})


async def test_a_hundred_ids_at_once_are_taken(limited_world: World) -> None:
    """The control of the test above."""
    job_id = limited_world.demo.job_id

    taken = await limited_world.graphql.ask(
        "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", {"ids": [job_id] * 100}
    )

    assert taken["nodes"] == [{"id": job_id}] * 100
