"""A list of lists takes as many statements as a list of one: none is asked for each entry (N+1)."""

import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest
import pytest_asyncio
from sqlalchemy import event
from sqlalchemy.engine import Engine

from gateway.domain.drafts import HolderReference, SecretDraft
from gateway.domain.principals import Principal
from gateway.domain.scopes import Scope
from gateway.services.demo import Demo
from gateway.storage import query_batching
from gateway.storage.unit_of_work import ReadUnit
from tests.limits.lists import LISTS as PAGED
from tests.limits.lists import PagedList
from tests.world import World, open_world

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.unmeasured]

MANY: Final = 6
PAGE: Final = "totalCount edges { cursor node { id } } pageInfo { endCursor hasNextPage }"
# What hangs on one entry, for each kind of entry that lists have.
UNDER_A_HOLDER: Final = {
    "secrets": f"secrets(first: 2) {{ {PAGE} }}",
    "secrets from the end": f"secrets(last: 2, orderBy: {{ field: SCOPE }}) {{ {PAGE} }}",
    "visible secrets": f"visibleSecrets(first: 3) {{ {PAGE} }}",
    "deleted secrets": """deletedSecrets(first: 2) { totalCount edges { node {
        id versions(first: 2) { nodes { version } } } } }""",
}
UNDER_A_SERVICE: Final = {
    **UNDER_A_HOLDER,
    "effective secrets": """effectiveSecrets(first: 3) { totalCount edges { node {
        key provenance secret { id holder { name } } shadows { id } definedAt { id }
        resolvesTo { secret { id } } } } }""",
    "above": "environment { id project { id name } }",
}
UNDER_A_SECRET: Final = {
    "dependents": f"dependents(first: 2) {{ {PAGE} }}",
    "impact": f"impact(first: 2) {{ {PAGE} }}",
    "holder": "holder { id name }",
    "versions": "versions(first: 2) { totalCount edges { node { version by { __typename } } } }",
    "its events": "createdBy { __typename } updatedBy { __typename } lastDelivered { to { id } }",
    "targets": "aliasedSecret { secret { id } } overriddenSecret { secret { id } }",
}
# How a list of so many entries is asked for, and what its entries are.
LISTS: Final = {
    "projects": (
        "projects(first: COUNT) { edges { node { WITHIN } } }",
        {**UNDER_A_HOLDER, "environments": f"environments(first: 2) {{ {PAGE} }}"},
    ),
    "environments": (
        'project(id: "PROJECT") { environments(first: COUNT) { edges { node { WITHIN } } } }',
        {
            **UNDER_A_HOLDER,
            "services": f"services(first: 2) {{ {PAGE} }}",
            "above": "project { id }",
        },
    ),
    "services": (
        """environment(id: "ENVIRONMENT") { services(first: COUNT, types: [JOB]) {
            edges { node { WITHIN } } } }""",
        UNDER_A_SERVICE,
    ),
    "secrets": (
        'environment(id: "ENVIRONMENT") { secrets(first: COUNT) { edges { node { WITHIN } } } }',
        UNDER_A_SECRET,
    ),
    "visible secrets": (
        """environment(id: "ENVIRONMENT") { visibleSecrets(first: COUNT) {
            edges { node { WITHIN } } } }""",
        UNDER_A_SECRET,
    ),
    "effective secrets": (
        """job(id: "JOB") { effectiveSecrets(first: COUNT) {
            edges { node { secret { WITHIN } } } } }""",
        UNDER_A_SECRET,
    ),
    "audit events": (
        "auditEvents(first: COUNT) { edges { node { WITHIN } } }",
        {"actor": "actor { ... on ApiToken { name } }"},
    ),
}
CASES: Final = [
    pytest.param(asked, within, id=f"{name}: {inner}")
    for name, (asked, under) in LISTS.items()
    for inner, within in under.items()
]


@pytest.fixture(autouse=True)
def _nothing_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """What an earlier request has read would not be counted."""
    monkeypatch.setattr(ReadUnit, "remember", lambda *_: None)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def wide_world(
    template: tuple[Path, Demo], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[World]:
    """A gateway whose lists all have several entries, and most of these further ones."""
    folder = shutil.copytree(template[0], tmp_path_factory.mktemp("wide") / "data")
    async with open_world(folder, template[1]) as opened:
        await _widen(opened)
        yield opened


async def _widen(world: World) -> None:
    services, demo = world.runtime.services, world.demo
    principal = Principal.operator(demo.organization_id)
    project = HolderReference(Scope.PROJECT, demo.project_id)
    environment = HolderReference(Scope.ENVIRONMENT, demo.environment_id)
    for number in range(MANY):
        for kind, parent in (
            (Scope.PROJECT, None),
            (Scope.ENVIRONMENT, project),
            (Scope.JOB, environment),
        ):
            made = await services.for_principal(principal).administration.create_holder(
                kind=kind, name=f"{kind} {number}", parent=parent
            )
            at = HolderReference(kind, made.id)
            for key in ("A", "B", "C"):
                draft = SecretDraft(key=f"{kind}_{number}_{key}", value="")
                await services.for_principal(principal).secrets.create(
                    holder_reference=at, draft=draft
                )
    for number in range(MANY):
        await world.rest.create(Scope.JOB, demo.job_id, key=f"AA_OF_A_TOKEN_{number}")


@contextmanager
def _counted(engine: Engine) -> Iterator[list[str]]:
    statements: list[str] = []

    def note(*arguments: Any) -> None:
        statements.append(arguments[2])

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(engine, "before_cursor_execute", note)


async def _asked(world: World, asked: str, within: str, count: int) -> tuple[int, Any]:
    document = f"{{ {asked} }}".replace("COUNT", str(count)).replace("WITHIN", within)
    demo = world.demo
    for name in ("PROJECT", "ENVIRONMENT", "JOB"):
        document = document.replace(f'"{name}"', f'"{getattr(demo, f"{name.lower()}_id")}"')
    with _counted(world.runtime.database.readers.sync_engine) as statements:
        data = await world.graphql.ask(document, {})
    return len(statements), data


@pytest.mark.parametrize(("asked", "within"), CASES)
async def test_no_statement_is_asked_for_each_entry(
    wide_world: World, asked: str, within: str
) -> None:
    few, _ = await _asked(wide_world, asked, within, 2)
    many, data = await _asked(wide_world, asked, within, MANY)

    assert str(data).count("'node'") >= MANY
    assert many <= few


@pytest.mark.parametrize("name", ["projects", "environments", "services"])
async def test_a_statement_for_each_entry_is_seen(
    wide_world: World, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """The control: nothing is run together."""
    asked, under = LISTS[name]
    monkeypatch.setattr(query_batching, "MAX_AT_ONCE", 1)

    few, _ = await _asked(wide_world, asked, under["secrets"], 2)
    many, _ = await _asked(wide_world, asked, under["secrets"], MANY)

    assert many >= few + 2 * (MANY - 2)


async def test_what_is_asked_together_is_what_is_asked_alone(wide_world: World) -> None:
    page = """secrets(first: 2, orderBy: { field: KEY, direction: DESC }) {
        totalCount edges { cursor node { key } } pageInfo { endCursor } }"""
    listed = f"project(id: $id) {{ environments {{ edges {{ node {{ id {page} }} }} }} }}"
    demo = wide_world.demo

    batched_results = await wide_world.graphql.ask(
        f"query ($id: ID!) {{ {listed} }}", {"id": demo.project_id}
    )

    edges = batched_results["project"]["environments"]["edges"]
    assert len(edges) > MANY
    for edge in edges:
        alone = await wide_world.graphql.ask(
            f"query ($id: ID!) {{ environment(id: $id) {{ {page} }} }}", {"id": edge["node"]["id"]}
        )
        assert alone["environment"]["secrets"] == edge["node"]["secrets"]


@pytest.mark.parametrize("paged", PAGED, ids=map(str, PAGED))
async def test_a_count_is_only_made_where_it_is_asked_for(
    wide_world: World, paged: PagedList
) -> None:
    engine = wide_world.runtime.database.readers.sync_engine
    with _counted(engine) as without:
        await paged.page(wide_world, "edges { cursor } pageInfo { hasNextPage endCursor }")
    with _counted(engine) as counted:
        await paged.page(wide_world, "totalCount edges { cursor }")

    assert [item for item in without if "count(" in item.lower()] == []
    assert len([item for item in counted if "count(" in item.lower()]) == 1
