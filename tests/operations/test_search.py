"""The search over all secrets that a principal can see, beside the lists of each holder."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import pytest
import pytest_asyncio

from gateway.domain.drafts import HolderReference
from gateway.domain.holders import new_id
from gateway.domain.permissions import Role
from gateway.domain.scopes import Scope
from gateway.storage import secret_search
from gateway.storage.live_rows import SECRET
from gateway.storage.prepared import NAMED
from tests.faces import GraphQLFace
from tests.operations.callers import Stranger
from tests.operations.places import PLACES
from tests.world import World

pytestmark = pytest.mark.asyncio(loop_scope="module")

Row = Mapping[str, Any]
_FIELDS: Final = "id key scope variableType updatedAt holder { id } projectId environmentId"
_SEARCH: Final = f"""query ($filter: SecretSearch, $order: SecretSearchOrder) {{
    secrets(first: 100, filter: $filter, orderBy: $order) {{ totalCount nodes {{ {_FIELDS} }} }}
}}"""
_BY_HOLDER: Final = f"""query ($ids: [ID!]!) {{
    nodes(ids: $ids) {{ ... on SecretHolder {{ secrets {{ nodes {{ {_FIELDS} }} }} }} }}
}}"""


def _is_below(row: Row, holders: Iterable[str]) -> bool:
    return not {row["holder"]["id"], row["projectId"], row["environmentId"]}.isdisjoint(holders)


# A filter made of one secret, and which others it must find.
MATCHES: Final[Mapping[str, Callable[[Row], tuple[Row, Callable[[Row], bool]]]]] = {
    "everything": lambda _: ({}, lambda _: True),
    "a part of the key": lambda _: ({"keyContains": "api_k"}, lambda row: "API_K" in row["key"]),
    "a wildcard": lambda _: ({"keyContains": "%"}, lambda _: False),
    "keys": lambda one: (
        {"keys": [one["key"], "NONE"]},
        lambda row: row["key"] == one["key"],
    ),
    "a scope": lambda _: ({"scopes": ["JOB"]}, lambda row: row["scope"] == "JOB"),
    "a type": lambda _: (
        {"variableTypes": ["ALIAS", "OVERRIDE"]},
        lambda row: row["variableType"] in {"ALIAS", "OVERRIDE"},
    ),
    "a time": lambda one: (
        {"updatedSince": one["updatedAt"]},
        lambda row: row["updatedAt"] >= one["updatedAt"],
    ),
    "a holder": lambda one: (
        {"holderIds": [one["holder"]["id"]]},
        lambda row: _is_below(row, [one["holder"]["id"]]),
    ),
    "what is above and below": lambda one: (
        {"holderIds": [one["holder"]["id"], one["projectId"], new_id()]},
        lambda row: _is_below(row, [one["projectId"]]),
    ),
    "all together": lambda one: (
        {
            "keyContains": one["key"][:4].lower(),
            "scopes": [one["scope"]],
            "updatedSince": one["updatedAt"],
            "holderIds": [one["projectId"]],
        },
        lambda row: (
            one["key"][:4] in row["key"]
            and row["scope"] == one["scope"]
            and row["updatedAt"] >= one["updatedAt"]
            and _is_below(row, [one["projectId"]])
        ),
    ),
}
ORDERS: Final[Mapping[tuple[str, str], Callable[[Row], tuple[str, str]]]] = {
    ("KEY", "ASC"): lambda row: (row["key"], row["id"]),
    ("KEY", "DESC"): lambda row: (row["key"], row["id"]),
    ("UPDATED_AT", "DESC"): lambda row: (row["updatedAt"], row["id"]),
}
# Roles at these places; the first is everywhere.
VIEWERS: Final[Mapping[str, tuple[str, ...]]] = {
    "the organization": (),
    "a project": ("the project",),
    "a job": ("the job",),
    "several": ("a sibling job", "the environment", "another project"),
}


async def _viewer(world: World, at: Iterable[str]) -> GraphQLFace:
    places = [PLACES[name](world) for name in at]
    references = [HolderReference(*place) for place in places]
    client = await world.client_with(Role.VIEWER, on=next(iter(references), None))
    face = GraphQLFace(client)
    viewer = (await face.ask("{ viewer { id } }", {}))["viewer"]
    for scope, holder_id in places[1:]:
        await world.graphql.ask(
            """mutation ($token: ID!, $on: SecretHolderRef!) {
                grantRole(grantee: {tokenId: $token}, role: VIEWER, holder: $on) { errors { code } }
            }""",
            {"token": viewer["id"], "on": {scope.id_argument: holder_id}},
        )
    return face


async def _by_holder(world: World, face: GraphQLFace) -> list[Row]:
    """Return what the lists of all holders have that the principal can see."""
    ids = {*world.holders.values(), *(place(world)[1] for place in PLACES.values())}
    visible = filter(None, (await face.ask(_BY_HOLDER, {"ids": sorted(ids)}))["nodes"])
    return [row for holder in visible for row in holder["secrets"]["nodes"]]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def viewers(shared_world: World) -> Mapping[str, tuple[GraphQLFace, list[Row]]]:
    faces = {name: await _viewer(shared_world, at) for name, at in VIEWERS.items()}
    return {name: (face, await _by_holder(shared_world, face)) for name, face in faces.items()}


@pytest.mark.rule("S13", "S14")
@pytest.mark.parametrize(("name", "few"), [(name, few) for name in MATCHES for few in (1_000, 0)])
async def test_a_search_finds_what_matches_in_the_lists_of_visible_holders(
    viewers: Mapping[str, tuple[GraphQLFace, list[Row]]],
    name: str,
    few: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """If there are more than few, what has a new time is read in the order of the list.

    Of more than few projects, secrets are read in the order of the organization's.
    """
    monkeypatch.setattr(secret_search, "_FEW", few)
    monkeypatch.setattr(secret_search, "_MAX_PARTS", min(few, 8))
    (column, direction), sort_key = list(ORDERS.items())[len(name) % len(ORDERS)]
    order = {"field": column, "direction": direction}
    for face, listed in viewers.values():
        only, matches = MATCHES[name](listed[len(listed) // 2])
        found = (await face.ask(_SEARCH, {"filter": only, "order": order}))["secrets"]
        expected = sorted(filter(matches, listed), key=sort_key, reverse=direction == "DESC")
        assert found["nodes"] == expected
        assert found["totalCount"] == len(expected)


@pytest.mark.rule("S13", "S14")
async def test_nothing_of_others_is_found(
    shared_world: World,
    shared_stranger: Stranger,
    viewers: Mapping[str, tuple[GraphQLFace, list[Row]]],
) -> None:
    foreign = GraphQLFace(shared_stranger.client)
    face, listed = viewers["a job"]
    of_project = {"filter": {"holderIds": [shared_world.demo.project_id]}, "order": None}
    of_sibling = {"filter": {"holderIds": [shared_world.demo.container_id]}, "order": None}

    assert (await foreign.ask(_SEARCH, of_project))["secrets"]["totalCount"] == 0
    assert (await face.ask(_SEARCH, of_sibling))["secrets"]["totalCount"] == 0
    # Of the project, the part that is visible.
    assert (await face.ask(_SEARCH, of_project))["secrets"]["totalCount"] == len(listed)


@pytest.mark.parametrize(
    "only", [{"holderIds": ["x"]}, {"keyContains": "K" * 256}, {"keys": ["K"] * 101}]
)
async def test_a_filter_that_nothing_can_match_is_refused(shared_world: World, only: Row) -> None:
    answer = await shared_world.graphql._post(_SEARCH, {"filter": only})  # noqa: SLF001 - an answer with errors

    assert [error["extensions"]["code"] for error in answer["errors"]] == ["BAD_USER_INPUT"]


async def test_a_token_that_only_runs_cannot_search(shared_world: World) -> None:
    on = HolderReference(Scope.JOB, shared_world.demo.job_id)
    face = GraphQLFace(await shared_world.client_with(Role.RUNTIME, on=on))

    answer = await face._post(_SEARCH, {})  # noqa: SLF001 - an answer with errors

    assert [error["extensions"]["code"] for error in answer["errors"]] == ["FORBIDDEN"]


async def test_a_search_in_many_projects_is_no_longer_than_in_some() -> None:
    """All projects in the part of each would be a hundred times a hundred conditions."""

    def length(projects: int) -> int:
        shape = secret_search._Shape(projects, frozenset(), is_by_key=True, has_few=False)  # noqa: SLF001 - what a statement depends on
        statement, parts = secret_search._search(NAMED, shape)  # noqa: SLF001 - as above
        return len(str(parts.first_of(statement, [SECRET.c.key], 1)))

    assert length(8) < 4 * length(2)
    assert length(secret_search._MANY) < length(2)  # noqa: SLF001 - as above
