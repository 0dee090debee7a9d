"""What scanners of GraphQL servers look for: nothing of it is found, in production settings."""

import json
import shutil
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
import pytest_asyncio

from gateway.config.types import Environment
from gateway.services.demo import Demo
from tests.limits.careless import CARELESS
from tests.world import open_world

pytestmark = pytest.mark.asyncio(loop_scope="session")

TEXT: Final = "{ __typename }"
CIRCLE: Final = "fields { type { " * 4 + "name" + " } }" * 4
DIRECTIVES: Final = "@aa" * 100


def _is_answered(response: httpx.Response) -> bool:
    answer = response.json()
    return isinstance(answer, list) or answer.get("data") is not None


def _has(word: str) -> Callable[[httpx.Response], bool]:
    return lambda response: word in response.text.lower()


@dataclass(frozen=True, slots=True)
class Probe:
    """A request, and whether its answer is a finding."""

    is_found: Callable[[httpx.Response], bool] = _is_answered
    method: str = "POST"
    path: str = "/graphql"
    params: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None

    async def is_a_finding(self, client: httpx.AsyncClient) -> bool:
        """Send the request, and look."""
        headers = {"Content-Type": "application/json", **self.headers}
        content = self.body if isinstance(self.body, str) else json.dumps(self.body)
        response = await client.request(
            self.method,
            self.path,
            params=self.params,
            headers=headers,
            content=content if self.method == "POST" else None,
        )
        return self.is_found(response)


def _query(text: str) -> dict[str, str]:
    return {"query": text}


def _is_page(response: httpx.Response) -> bool:
    return response.is_success and "text/html" in response.headers["content-type"]


def _page(path: str) -> Probe:
    return Probe(_is_page, method="GET", path=path, headers={"Accept": "text/html"})


PROBES: Final[Mapping[str, Probe]] = {
    "aliases": Probe(body=_query("{" + " ".join(f"a{n}: __typename" for n in range(101)) + "}")),
    "one field often": Probe(body=_query("{" + "__typename " * 500 + "}")),
    "directives": Probe(
        lambda response: len(response.json()["errors"]) > 1,
        body=_query(f"{{ __typename {DIRECTIVES} }}"),
    ),
    "guesses at fields": Probe(_has("did you mean"), body=_query("{ projets { totalCount } }")),
    "a batch": Probe(body=[_query(TEXT)] * 10),
    "a query by GET": Probe(method="GET", params=_query(TEXT)),
    "a mutation by GET": Probe(method="GET", params=_query("mutation { __typename }")),
    "a query as a form": Probe(
        headers={"Content-Type": "application/x-www-form-urlencoded"},
        body="query=%7B+__typename+%7D",
    ),
    "a mutation as a form": Probe(
        headers={"Content-Type": "application/x-www-form-urlencoded"},
        body="query=mutation+%7B+__typename+%7D",
    ),
    "a query as plain text": Probe(
        headers={"Content-Type": "text/plain"}, body=json.dumps(_query(TEXT))
    ),
    "the introspection for nobody": Probe(
        headers={"Authorization": ""}, body=_query("{ __schema { queryType { name } } }")
    ),
    "the schema as text for nobody": Probe(
        lambda response: response.is_success,
        method="GET",
        path="/schema.graphql",
        params=_query(TEXT),
        headers={"Authorization": ""},
    ),
    "the introspection in circles": Probe(
        body=_query(f'{{ __type(name: "PageInfo") {{ {CIRCLE} }} }}')
    ),
    "tracing": Probe(
        _has("tracing"),
        headers={"Apollo-Tracing": "1", "X-Apollo-Tracing": "1"},
        body=_query(TEXT),
    ),
    "traces of errors": Probe(
        lambda response: _has("exception")(response) or _has("traceback")(response),
        body=_query("qwerty { unknown }"),
    ),
    **{
        f"a page to explore with at {path}": _page(path)
        for path in ("/graphql", "/graphiql", "/playground", "/console", "/altair", "/")
    },
}
EVERY_PROBE = pytest.mark.parametrize("probe", PROBES.values(), ids=PROBES.keys())


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def produced(
    template: tuple[Path, Demo], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a gateway in production, with a good credential."""
    folder = shutil.copytree(template[0], tmp_path_factory.mktemp("produced") / "data")
    async with open_world(
        folder, template[1], environment=Environment.PRODUCTION, graphiql=None
    ) as world:
        yield world.client


@pytest.mark.rule("S23", "S25", "S27")
@EVERY_PROBE
async def test_a_probe_finds_nothing(produced: httpx.AsyncClient, probe: Probe) -> None:
    assert await probe.is_a_finding(produced) is False


@EVERY_PROBE
async def test_a_probe_finds_what_is_there(probe: Probe) -> None:
    """The control of the test above."""
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=CARELESS), base_url="http://careless.test"
    ) as client:
        found = await probe.is_a_finding(client)

    assert found is True
