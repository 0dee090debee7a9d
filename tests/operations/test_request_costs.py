"""What a request costs, in counts that no machine changes: statements, visits, own functions.

Times differ between machines and runs. These counts are the same each time, but for work that the
gateway does beside a request, so the least of several is taken.
"""

import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any, Final, NamedTuple

import httpx
import pytest
import pytest_asyncio

from gateway.domain.scopes import Scope
from gateway.services.secrets import Secrets
from gateway.storage.dialects import sqlite
from tests.unit.test_sqlite_dialect import counting_visits
from tests.world import World

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.unmeasured]

TRIES: Final = 5
_ROOT: Final = Path(__file__).parents[2]
_OWN: Final = tuple(f"{_ROOT / name}/" for name in ("gateway", "schema"))
LIST: Final = """query ($job: ID!) { job(id: $job) { visibleSecrets(first: 50) { edges { node {
  id key scope variableType mountPath description version ownedBy createdAt updatedAt
  holder { id } aliasedSecret { id key }
} } } } }"""
ALIAS: Final = """mutation ($job: ID!, $target: ID!, $key: String!) {
  createJobSecretAlias(jobId: $job, secretId: $target, input: {key: $key}) {
    secret { id } errors { code }
  }
}"""
DELIVERY: Final = "query ($job: ID!) { runtimeSecrets(serviceId: $job) { key value } }"


class Costs(NamedTuple):
    """What one request took: SQL statements, visits to a database thread, calls of functions."""

    statements: int
    visits: int
    calls: int


@dataclass(slots=True)
class Scene:
    """A job with 50 secrets, and a number that is new for each request."""

    world: World
    number: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        return f"ALIAS_{self.number}"

    async def list_over_graphql(self) -> httpx.Response:
        return await self._ask(LIST)

    async def alias_over_graphql(self) -> httpx.Response:
        return await self._ask(ALIAS, target=self.world.demo.built_in_secret_id, key=self.key)

    async def delivery_over_graphql(self) -> httpx.Response:
        return await self._ask(DELIVERY)

    async def _ask(self, document: str, **variables: str) -> httpx.Response:
        given = {"job": self.world.demo.job_id, **variables}
        body = {"query": document, "variables": given}
        answer = await self.world.client.post("/graphql", json=body)
        assert "errors" not in answer.json()
        return answer

    async def list_over_rest(self) -> httpx.Response:
        return await self.world.client.get(
            f"/job/{self.world.demo.job_id}/secret", headers=self.headers
        )

    async def alias_over_rest(self) -> httpx.Response:
        demo = self.world.demo
        path = f"/job/{demo.job_id}/secret/{demo.built_in_secret_id}/alias"
        return await self.world.client.post(path, json={"key": self.key})

    async def delivery_over_rest(self) -> httpx.Response:
        return await self.world.client.get(f"/runtime/{self.world.demo.job_id}")


Request = Callable[[Scene], Awaitable[httpx.Response]]


async def _nothing(_: Scene) -> None:
    """Let the memory be as it is."""


async def _change(scene: Scene) -> None:
    """Commit something elsewhere, which makes the memory of every connection void."""
    demo = scene.world.demo
    await scene.world.rest.create(
        Scope.PROJECT, demo.other_project_id, key=f"CHANGED_{scene.number}", value="v"
    )


async def _revalidate(scene: Scene) -> None:
    """Let the next request name the tag of the list."""
    scene.headers = {"If-None-Match": (await scene.list_over_rest()).headers["ETag"]}


Before = Callable[[Scene], Awaitable[None]]
# What comes before each request, the request, and the most that it may take: what it took when this
# was written, with some room for calls. Lower the bounds with what makes a request cheaper.
BOUNDS: Final[Mapping[str, tuple[Before, Request, Costs]]] = {
    "list over GraphQL, after a change": (_change, Scene.list_over_graphql, Costs(4, 5, 2_120)),
    "list over GraphQL, again": (_nothing, Scene.list_over_graphql, Costs(1, 2, 310)),
    "list over REST, after a change": (_change, Scene.list_over_rest, Costs(4, 5, 2_930)),
    "list over REST, again": (_nothing, Scene.list_over_rest, Costs(1, 2, 260)),
    "list over REST, unchanged": (_revalidate, Scene.list_over_rest, Costs(1, 2, 265)),
    "alias over GraphQL": (_nothing, Scene.alias_over_graphql, Costs(12, 9, 1_240)),
    "alias over REST": (_nothing, Scene.alias_over_rest, Costs(12, 9, 1_430)),
    "delivery over GraphQL": (_nothing, Scene.delivery_over_graphql, Costs(9, 9, 4_530)),
    "delivery over REST": (_nothing, Scene.delivery_over_rest, Costs(9, 9, 4_650)),
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scene(shared_world: World) -> Scene:
    job_id = shared_world.demo.job_id
    rows = [{"name": f"K{n}", "value": "v", "scope": "JOB", "is_secret": True} for n in range(50)]
    answer = await shared_world.client.post(
        f"/job/{job_id}/environmentVariable/import", json={"overwrite": False, "vars": rows}
    )
    answer.raise_for_status()
    return Scene(shared_world)


@contextmanager
def _counting(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], Costs]]:
    statements, calls = [0], [0]
    run: Any = sqlite._run  # noqa: SLF001 - each statement passes here

    def count_statement(*arguments: object) -> object:
        statements[0] += 1
        return run(*arguments)

    def count_call(frame: FrameType, kind: str, _: object) -> None:
        if kind == "call" and frame.f_code.co_filename.startswith(_OWN):
            calls[0] += 1

    with counting_visits(monkeypatch) as visits, monkeypatch.context() as patch:
        patch.setattr(sqlite, "_run", count_statement)
        sys.setprofile(count_call)
        try:
            yield lambda: Costs(statements[0], len(visits), calls[0])
        finally:
            sys.setprofile(None)


async def _least(
    scene: Scene, before: Before, request: Request, monkeypatch: pytest.MonkeyPatch
) -> Costs:
    """Send a request some times; return the least of each count."""
    found = []
    for _ in range(TRIES + 1):
        scene.number, scene.headers = scene.number + 1, {}
        await before(scene)
        with _counting(monkeypatch) as counted:
            answer = await request(scene)
        assert answer.is_success or answer.status_code == httpx.codes.NOT_MODIFIED
        found.append(counted())
    # The first one fills what is filled once.
    return Costs(*(min(each) for each in zip(*found[1:], strict=True)))


@pytest.mark.parametrize("name", BOUNDS)
async def test_a_request_costs_no_more_than_it_did(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    before, request, most = BOUNDS[name]

    least = await _least(scene, before, request, monkeypatch)

    assert all(count <= bound for count, bound in zip(least, most, strict=True)), (least, most)


async def test_one_statement_more_is_found(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: a list that looks for another secret as well, which nobody needs."""
    before, request, most = BOUNDS["list over REST, after a change"]
    visible_from = Secrets.visible_from

    async def look_twice(self: Secrets, **arguments: Any) -> object:
        await self.find(ids=[scene.world.demo.built_in_secret_id])
        return await visible_from(self, **arguments)

    monkeypatch.setattr(Secrets, "visible_from", look_twice)

    least = await _least(scene, before, request, monkeypatch)

    assert least.statements == most.statements + 1
    assert least.visits > most.visits
    assert least.calls > most.calls
