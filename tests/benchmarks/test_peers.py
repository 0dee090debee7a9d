"""Peers are measured for the same answers as the gateway's, over the same rows."""

from collections.abc import AsyncIterator, Callable
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import pytest_asyncio
from starlette.types import ASGIApp

from gateway.app import build_app
from gateway.runtime import Runtime
from tests.benchmarks import requests
from tests.benchmarks.answers import DifferentAnswer, comparable, ensure_same
from tests.benchmarks.peers import stock
from tests.benchmarks.peers.limit import Limit
from tests.benchmarks.requests import Request
from tests.benchmarks.samples import Samples, copy_for_peers, prepare
from tests.patience import patient_settings

pytestmark = pytest.mark.asyncio(loop_scope="module")
READS = {
    "read": requests.read,
    "delivery of 25": lambda samples: requests.delivery(samples, samples.delivered_25),
    "delivery of 300": lambda samples: requests.delivery(samples, samples.delivered_300),
}


@dataclass(frozen=True, slots=True)
class Servers:
    samples: Samples
    apps: dict[str, ASGIApp]

    async def answer(self, name: str, request: Request, *, key: str | None = None) -> object:
        """Return what a server answers, in a form that can be compared."""
        transport = httpx.ASGITransport(app=self.apps[name])
        body = request.body.replace(f"ALIAS_{requests.EACH}", key or "") if request.body else None
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            response = await client.request(
                request.method, request.path, content=body, headers=request.headers
            )
        assert response.status_code == request.status, response.text
        return comparable(response.content, new_key=key)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def servers(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Servers]:
    """The gateway and two peers, each over a database of its own with the same secrets."""
    root = tmp_path_factory.mktemp("measured")
    samples = await prepare(root / "data", size=0, written_jobs=1)
    for name in ("limit.db", "stock.db"):
        copy_for_peers(root / "data" / "secrets.db", root / name)
    app = stock.build_app(root / "stock.db")
    runtime = Runtime.over(patient_settings(root / "data"))
    async with runtime.running(), app.router.lifespan_context(app):
        with closing(Limit(root / "limit.db")) as limit:
            yield Servers(samples, {"gateway": build_app(runtime), "limit": limit, "stock": app})


@pytest.mark.parametrize("server", ["limit", "stock"])
@pytest.mark.parametrize("request_of", READS.values(), ids=READS)
async def test_a_peer_reads_the_same(
    servers: Servers, server: str, request_of: Callable[[Samples], Request]
) -> None:
    request = request_of(servers.samples)
    assert await servers.answer(server, request) == await servers.answer("gateway", request)


async def test_the_limit_lists_the_same_by_rest(servers: Servers) -> None:
    request = requests.read_by_rest(servers.samples)
    assert await servers.answer("limit", request) == await servers.answer("gateway", request)


@pytest.mark.parametrize("server", ["limit", "stock"])
async def test_a_peer_creates_the_same_alias(servers: Servers, server: str) -> None:
    (request,), key = requests.aliases(servers.samples), f"ALIAS_OF_{server}"
    theirs = await servers.answer(server, request, key=key)
    assert theirs == await servers.answer("gateway", request, key=key)


async def test_the_limit_creates_the_same_alias_by_rest(servers: Servers) -> None:
    (request,), key = requests.aliases_by_rest(servers.samples), "ALIAS_BY_REST"
    theirs = await servers.answer("limit", request, key=key)
    assert theirs == await servers.answer("gateway", request, key=key)


async def test_samples_have_as_much_as_is_measured(servers: Servers) -> None:
    samples = servers.samples
    listed: Any = await servers.answer("gateway", requests.read_by_rest(samples))
    delivered: list[Any] = [
        await servers.answer("gateway", requests.delivery(samples, chain))
        for chain in (samples.delivered_25, samples.delivered_300)
    ]
    assert len(listed["results"]) == 50
    assert [len(each["data"]["runtimeSecrets"]) for each in delivered] == [25, 300]


async def test_an_answer_that_differs_is_refused() -> None:
    ours = comparable(b'{"data": {"key": "ONE", "createdAt": "2026-01-01T00:00:00Z"}}')
    same = comparable(
        b'{"data": {"key": "ONE", "createdAt": "2026-01-01T00:00:00+00:00"}, "extensions": {}}'
    )
    ensure_same("same", same, ours)
    with pytest.raises(DifferentAnswer, match=r"other answered .* and the gateway"):
        ensure_same("other", comparable(b'{"data": {"key": "TWO"}}'), ours)
