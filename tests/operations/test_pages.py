"""Pages of GraphQL's lists: complete both ways, bounded, and steady while rows come and go."""

from collections.abc import Mapping
from typing import Any

import pytest
import pytest_asyncio

from gateway.domain.scopes import Scope
from tests.operations.places import fill
from tests.world import World

pytestmark = pytest.mark.asyncio(loop_scope="module")

KEYS = ["A", "B", "C", "D", "E", "F", "G"]
LIST = """query (
    $id: ID!, $first: Int, $after: String, $last: Int, $before: String, $orderBy: SecretOrder,
    $filter: SecretFilter
) { job(id: $id) { secrets(
    first: $first, after: $after, last: $last, before: $before, orderBy: $orderBy, filter: $filter
) {
    edges { cursor node { key id } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    totalCount
} } }"""

Page = Mapping[str, Any]


async def _page(world: World, job_id: str, **arguments: Any) -> Page:
    data = await world.graphql.ask(LIST, {"id": job_id, **arguments})
    page: Page = data["job"]["secrets"]
    return page


async def _refusal(world: World, job_id: str, **arguments: Any) -> Mapping[str, Any]:
    response = await world.client.post(
        "/graphql", json={"query": LIST, "variables": {"id": job_id, **arguments}}
    )
    (error,) = response.json()["errors"]
    answer: Mapping[str, Any] = error
    return answer


def _keys(page: Page) -> list[str]:
    return [edge["node"]["key"] for edge in page["edges"]]


@pytest_asyncio.fixture(loop_scope="module")
async def job_id(shared_world: World, fresh_job: str) -> str:
    """A job with seven secrets."""
    await fill(shared_world, Scope.JOB, fresh_job, ["D", "B", "F", "A", "G", "C", "E"])
    return fresh_job


ORDERS = pytest.mark.parametrize(
    "order",
    [
        {"field": field, "direction": direction}
        for field in ("KEY", "SCOPE", "CREATED_AT", "UPDATED_AT")
        for direction in ("ASC", "DESC")
    ],
    ids=lambda order: f"{order['field']} {order['direction']}",
)


@ORDERS
async def test_pages_forward_are_the_whole_list(
    shared_world: World, job_id: str, order: Mapping[str, str]
) -> None:
    whole = await _page(shared_world, job_id, orderBy=order)

    one = await _page(shared_world, job_id, orderBy=order, first=3)
    two = await _page(
        shared_world, job_id, orderBy=order, first=3, after=one["pageInfo"]["endCursor"]
    )
    three = await _page(
        shared_world, job_id, orderBy=order, first=3, after=two["pageInfo"]["endCursor"]
    )

    assert sorted(_keys(whole)) == KEYS
    assert _keys(one) + _keys(two) + _keys(three) == _keys(whole)
    assert [page["pageInfo"]["hasNextPage"] for page in (one, two, three)] == [True, True, False]
    assert [page["pageInfo"]["hasPreviousPage"] for page in (one, two, three)] == [
        False,
        True,
        True,
    ]


@ORDERS
async def test_pages_backward_are_the_whole_list(
    shared_world: World, job_id: str, order: Mapping[str, str]
) -> None:
    whole = await _page(shared_world, job_id, orderBy=order)

    three = await _page(shared_world, job_id, orderBy=order, last=3)
    two = await _page(
        shared_world, job_id, orderBy=order, last=3, before=three["pageInfo"]["startCursor"]
    )
    one = await _page(
        shared_world, job_id, orderBy=order, last=3, before=two["pageInfo"]["startCursor"]
    )

    assert _keys(one) + _keys(two) + _keys(three) == _keys(whole)
    assert [page["pageInfo"]["hasPreviousPage"] for page in (one, two, three)] == [
        False,
        True,
        True,
    ]
    assert [page["pageInfo"]["hasNextPage"] for page in (one, two, three)] == [True, True, False]


async def test_a_page_can_lie_between_two_cursors(shared_world: World, job_id: str) -> None:
    cursors = {
        edge["node"]["key"]: edge["cursor"] for edge in (await _page(shared_world, job_id))["edges"]
    }

    between = await _page(shared_world, job_id, after=cursors["B"], before=cursors["F"])

    assert _keys(between) == ["C", "D", "E"]


async def test_a_list_is_ordered_by_key_unless_another_order_is_asked_for(
    shared_world: World, job_id: str
) -> None:
    assert _keys(await _page(shared_world, job_id)) == KEYS
    assert _keys(await _page(shared_world, job_id, orderBy={"direction": "DESC"})) == KEYS[::-1]


async def test_the_count_is_the_whole_lists(shared_world: World, job_id: str) -> None:
    assert (await _page(shared_world, job_id, first=2))["totalCount"] == 7
    assert (await _page(shared_world, job_id, filter={"keys": ["A", "B"]}))["totalCount"] == 2


async def test_a_page_may_be_empty(shared_world: World, job_id: str) -> None:
    page = await _page(shared_world, job_id, first=0)

    assert _keys(page) == []
    assert page["pageInfo"] == {
        "hasNextPage": True,
        "hasPreviousPage": False,
        "startCursor": None,
        "endCursor": None,
    }


async def test_going_on_is_right_though_rows_came_and_went(
    shared_world: World, job_id: str
) -> None:
    one = await _page(shared_world, job_id, first=3)
    last = one["edges"][-1]["node"]
    await shared_world.graphql.create(Scope.JOB, job_id, key="AA")
    await shared_world.graphql.create(Scope.JOB, job_id, key="CC")
    await shared_world.graphql.delete(Scope.JOB, job_id, last["id"])

    two = await _page(shared_world, job_id, first=3, after=one["pageInfo"]["endCursor"])

    assert last["key"] == "C"
    assert _keys(two) == ["CC", "D", "E"]


async def test_a_new_secrets_edge_has_its_place_in_the_list(
    shared_world: World, job_id: str
) -> None:
    document = """mutation ($id: ID!) {
        createJobSecret(jobId: $id, input: { key: "CC" }) { secretEdge { cursor node { key } } }
    }"""

    made = await shared_world.graphql.ask(document, {"id": job_id})

    edge = made["createJobSecret"]["secretEdge"]
    after = await _page(shared_world, job_id, first=1, after=edge["cursor"])
    assert edge["node"]["key"] == "CC"
    assert _keys(after) == ["D"]


@pytest.mark.rule("C8")
@pytest.mark.parametrize(
    "arguments",
    [
        {"first": 101},
        {"last": 101},
        {"first": -1},
        {"last": -1},
        {"first": 2_147_483_647},
        {"first": 1, "last": 1},
        {"after": ""},
        {"after": "garbage"},
        {"before": "garbage"},
        {"after": "é"},
        {"after": "W10"},
        {"after": "bnVsbA"},
        {"after": "A" * 10_000},
    ],
    ids=lambda arguments: " ".join(f"{name} {value}"[:20] for name, value in arguments.items()),
)
async def test_what_is_no_page_of_this_list_is_refused(
    shared_world: World, fresh_job: str, arguments: Mapping[str, object]
) -> None:
    """As a fault of the request."""
    refusal = await _refusal(shared_world, fresh_job, **arguments)

    assert refusal["extensions"]["code"] == "BAD_USER_INPUT"
    assert refusal["path"] == ["job", "secrets"]


async def test_a_cursor_of_another_order_is_refused(shared_world: World, job_id: str) -> None:
    page = await _page(shared_world, job_id, first=1, orderBy={"field": "SCOPE"})

    refusal = await _refusal(shared_world, job_id, after=page["pageInfo"]["endCursor"])

    assert refusal["message"] == "The cursor does not belong to this list."


HOLDERS = """query ($id: ID!, $first: Int, $after: String) { environment(id: $id) {
    services(first: $first, after: $after) {
        edges { node { name serviceType } } pageInfo { hasNextPage endCursor } totalCount
    } } }"""


@pytest.mark.asyncio(loop_scope="function")
async def test_services_come_in_pages_by_name(world: World) -> None:
    names = [
        "cart",
        "ingress",
        "network",
        "newsletter",
        "nightly-invoices",
        "storefront",
        "support",
    ]
    at = {"id": world.demo.environment_id}

    one = (await world.graphql.ask(HOLDERS, at | {"first": 4}))["environment"]["services"]
    after = {"first": 4, "after": one["pageInfo"]["endCursor"]}
    two = (await world.graphql.ask(HOLDERS, at | after))["environment"]["services"]

    assert [edge["node"]["name"] for edge in one["edges"] + two["edges"]] == names
    assert (one["pageInfo"]["hasNextPage"], two["pageInfo"]["hasNextPage"]) == (True, False)
    assert one["totalCount"] == 7
