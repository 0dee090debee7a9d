"""The examples of the documents work as they stand."""

import asyncio
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import httpx
import pytest

from gateway.domain.permissions import Role
from gateway.services.demo import Demo
from tests.faces import GraphQLFace
from tests.live.listening import listening_on_a_socket
from tests.live.writing import Writer, new_key
from tests.patience import PATIENCE
from tests.servers import LiveServer, serving
from tests.world import World

_DOCS = Path(__file__).parents[2] / "docs"
_DOCUMENTS = [
    document
    for page in ("graphql.md", "access.md", "audit.md")
    for document in re.findall(r"```graphql\n(.*?)```", (_DOCS / page).read_text(), re.DOTALL)
]
_SUBSCRIPTIONS = [item for item in _DOCUMENTS if item.startswith("subscription")]
_OPERATIONS = [item for item in _DOCUMENTS if item not in _SUBSCRIPTIONS]
_CALLS = re.findall(r"```console\n\$ (.*?)\n(\d{3})\n```", (_DOCS / "rest.md").read_text())
# An example shows what a refusal looks like; the others are to go through.
_REFUSED = {"TakenKey", "Rehearsal"}


def _name(document: str) -> str:
    name: str = re.findall(r"\w+", document)[1]
    return name


async def _variables(document: str, world: World) -> dict[str, str]:
    tokens = await world.graphql.ask("{ apiTokens(first: 1) { edges { node { id } } } }", {})
    known = asdict(world.demo) | {"token_id": tokens["apiTokens"]["edges"][0]["node"]["id"]}
    named = re.findall(r"\$(\w+): ID!", document)
    return {name: known[re.sub(r"([A-Z])", r"_\1", name).lower()] for name in named}


@pytest.mark.parametrize("document", _OPERATIONS, ids=map(_name, _OPERATIONS))
async def test_graphql_example_runs_as_it_stands(world: World, document: str) -> None:
    data = await world.graphql.ask(document, await _variables(document, world))

    answer = [field for field in data.values() if field is not None and field.get("errors")]
    assert bool(answer) is (_name(document) in _REFUSED)
    assert all(field is not None for field in data.values())


async def test_delivery_example_needs_the_role_that_the_text_names(world: World) -> None:
    """A viewer reads everything in the document but values."""
    document = "query ($id: ID!) { runtimeSecrets(serviceId: $id) { key value } }"
    runtime = await world.client_with(Role.RUNTIME)
    principal = await world.client_with(Role.VIEWER)
    sent = {"query": document, "variables": {"id": world.demo.job_id}}

    delivered = (await runtime.post("/graphql", json=sent)).json()
    refused = (await principal.post("/graphql", json=sent)).json()

    assert {"key": "INVOICE_SIGNING_KEY", "value": "demo-signing-key"} in (
        delivered["data"]["runtimeSecrets"]
    )
    assert refused["errors"][0]["extensions"]["code"] == "FORBIDDEN"


@pytest.fixture(scope="module")
def server(
    template: tuple[Path, Demo], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LiveServer]:
    folder = tmp_path_factory.mktemp("rest-examples") / "data"
    shutil.copytree(template[0], folder)
    with serving(folder, template[1]) as started:
        yield started


@pytest.mark.parametrize("document", _SUBSCRIPTIONS, ids=map(_name, _SUBSCRIPTIONS))
async def test_subscription_example_says_a_change(server: LiveServer, document: str) -> None:
    headers = {"Authorization": f"Bearer {server.demo['token']}"}
    async with (
        httpx.AsyncClient(base_url=server.url, headers=headers, timeout=PATIENCE) as client,
        listening_on_a_socket(server, document, {"jobId": server.demo["job_id"]}) as listener,
    ):
        writer = Writer(GraphQLFace(client), server.demo)
        hearing = asyncio.create_task(listener.next())
        keys = []
        while not hearing.done():
            keys.append(new_key())
            await writer.create(keys[-1])
        answer = await hearing

    assert any(key in str(answer) for key in keys)


@pytest.mark.parametrize(
    ("call", "status"), _CALLS, ids=[str(number) for number in range(len(_CALLS))]
)
def test_rest_example_answers_as_the_text_says(server: LiveServer, call: str, status: str) -> None:
    ids = {name.upper(): value for name, value in server.demo.items()}
    answer = subprocess.run(
        ["bash", "-c", f"{call} -o /dev/null -w '%{{http_code}}'"],
        env=dict(os.environ) | ids | {"ADDRESS": server.url},
        capture_output=True,
        text=True,
        check=True,
    )

    assert answer.stdout == status


def test_both_documents_have_examples() -> None:
    assert len(_OPERATIONS) > 8
    assert len(_SUBSCRIPTIONS) > 1
    assert len(_CALLS) > 8
