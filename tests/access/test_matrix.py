"""What the caller may not see answers like what does not exist: every operation, every id."""

import asyncio
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
import pytest_asyncio
from graphql import GraphQLInterfaceType, GraphQLObjectType, get_named_type

from gateway.domain.holders import new_id
from gateway.domain.permissions import Role
from tests.access.operations import (
    Call,
    Operation,
    graphql_operations,
    rest_calls,
)
from tests.access.territories import Territory
from tests.contracts.walking import schema
from tests.patience import PATIENCE, SILENCE
from tests.world import World

pytestmark = pytest.mark.asyncio(loop_scope="module")

OPERATIONS = list(graphql_operations())
CALLS = list(rest_calls())
THREAT_MODEL: Final = (Path(__file__).parents[2] / "docs" / "threat-model.md").read_text()
# Nothing is looked up by the first; the others are for whoever manages the whole organization.
BLIND = {
    "registerProvidedSecret input source id",
    "removeUser userId",
}
_MOMENT: Final = re.compile(r"\d{4}-\d{2}-\d{2}T[\d:.]+Z")
# How much an allowance has grown since the last request depends on the clock.
_REMAINING: Final = re.compile(r'"remaining":\d+')
ExecutionResult = tuple[int, Mapping[str, str], str]
# A subscription to what is there does not end by itself; one to what is not ends at once.
_STILL_LISTENING: Final[ExecutionResult] = (200, {}, "still listening")


def _named(operation: Operation) -> str:
    return " ".join((operation.name, *operation.path))


def answer(response: httpx.Response, chosen: str) -> ExecutionResult:
    headers = {name: value for name, value in response.headers.items() if name != "x-request-id"}
    # Problems repeat the request's id in their body, and all of them are as long as each other.
    request_id = response.headers["x-request-id"]
    text = response.text.replace(chosen, "CHOSEN").replace(request_id, "REQUEST")
    text = _REMAINING.sub("REMAINING", _MOMENT.sub("MOMENT", text))
    return response.status_code, headers, text


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def insider(shared_world: World, inside: Territory) -> httpx.AsyncClient:
    """The administrator of one project."""
    return await inside.client(shared_world, Role.ADMIN)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def unseen(foreign: Territory, outside: Territory) -> tuple[Territory, Territory]:
    """What is another organization's, and what is the own one's beyond the grant."""
    return foreign, outside


def _chosen(unseen: tuple[Territory, Territory], operation: Operation) -> list[str]:
    # Users belong to the whole organization: whoever manages access anywhere knows them.
    is_user = operation.wanted == "userId"
    return [operation.own(item) for item in unseen if item.name == "foreign" or not is_user]


async def _asked(
    client: httpx.AsyncClient, body: Mapping[str, Any], chosen: str, within: float = PATIENCE
) -> ExecutionResult:
    headers = {"Accept": "application/json, text/event-stream"}
    try:
        async with asyncio.timeout(within):
            return answer(await client.post("/graphql", json=body, headers=headers), chosen)
    except TimeoutError:
        return _STILL_LISTENING


@pytest.mark.rule("S13", "S14")
@pytest.mark.parametrize("operation", OPERATIONS, ids=_named)
async def test_graphql_distinguishes_no_unseen_id_from_a_random_one(
    insider: httpx.AsyncClient,
    inside: Territory,
    unseen: tuple[Territory, Territory],
    operation: Operation,
) -> None:
    """To the byte, but for the ids of the request and of the thing."""
    random = new_id()
    unknown = await _asked(insider, operation.request(inside.ids, random), random)

    for chosen in _chosen(unseen, operation):
        assert await _asked(insider, operation.request(inside.ids, chosen), chosen) == unknown


@pytest.mark.parametrize("operation", OPERATIONS, ids=_named)
async def test_graphql_distinguishes_a_seen_id_from_a_random_one(
    insider: httpx.AsyncClient, inside: Territory, operation: Operation
) -> None:
    """The control: with an id of the caller's own, the same request is answered otherwise."""
    random, own = new_id(), operation.own(inside)
    unknown = await _asked(insider, operation.request(inside.ids, random), random)

    within = SILENCE if operation.kind == "subscription" else PATIENCE

    found = await _asked(insider, operation.request(inside.ids, own), own, within)

    assert (found == unknown) is (_named(operation) in BLIND)


async def _called(
    client: httpx.AsyncClient, request: Mapping[str, Any], chosen: str
) -> ExecutionResult:
    return answer(await client.request(**request), chosen)


def _call_name(call: Call) -> str:
    return f"{call.row.operation_id} {call.place}"


@pytest.mark.rule("S13", "S14")
@pytest.mark.parametrize("call", CALLS, ids=_call_name)
async def test_rest_distinguishes_no_unseen_id_from_a_random_one(
    insider: httpx.AsyncClient,
    inside: Territory,
    unseen: tuple[Territory, Territory],
    call: Call,
) -> None:
    """As above, on the other face."""
    random = new_id()
    own = call.ids(inside)
    unknown = await _called(insider, call.request(own, random), random)

    assert unknown[0] == 404
    for chosen in (call.ids(item)[call.wanted] for item in unseen):
        assert await _called(insider, call.request(own, chosen), chosen) == unknown


@pytest.mark.parametrize("call", CALLS, ids=_call_name)
async def test_rest_distinguishes_a_seen_id_from_a_random_one(
    shared_world: World, unseen: tuple[Territory, Territory], call: Call
) -> None:
    """The control: who may see all of it is not told that there is nothing."""
    _, outside = unseen
    own = call.ids(outside)
    viewer = await shared_world.client_with(Role.VIEWER)

    result = await _called(viewer, call.request(own, own[call.wanted]), own[call.wanted])

    # A viewer sees it all and changes nothing, so the next test finds it as it was.
    assert result[0] in {200, 403}


async def test_the_threat_model_has_the_number_of_comparisons() -> None:
    """Each place of an id is compared for two territories, that of a user for one."""
    users = [operation for operation in OPERATIONS if operation.wanted == "userId"]
    compared = 2 * len(OPERATIONS) - len(users) + 2 * len(CALLS)

    assert f"| 0 of {compared} | `pytest tests/access/test_matrix.py` |" in THREAT_MODEL


async def test_only_the_roots_take_ids() -> None:
    """The control of the generation: there is no other place where an id could be given."""
    roots = {schema().query_type, schema().mutation_type, schema().subscription_type}
    elsewhere = [
        f"{kind.name}.{name}({argument})"
        for kind in schema().type_map.values()
        if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType) and kind not in roots
        for name, field in kind.fields.items()
        for argument, value in field.args.items()
        if get_named_type(value.type).name == "ID"
    ]

    assert elsewhere == []
    assert len(OPERATIONS) > 100
    assert len(CALLS) > 40
