"""The examples of the documents work as they stand."""

import asyncio
import json
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
from tests.docs.sessions import DOCS, matches
from tests.faces import GraphQLFace
from tests.live.listening import listening_on_a_socket
from tests.live.writing import Writer, new_key
from tests.patience import PATIENCE
from tests.servers import LiveServer, serving
from tests.world import World

# A document, and the response that the page shows right after it.
_EXAMPLE = re.compile(r"```graphql\n(.*?)```(?:\n\n```json\n(.*?)```)?", re.DOTALL)
_DOCUMENTS = [
    example
    for page in ("graphql.md", "access.md", "audit.md")
    for example in _EXAMPLE.findall((DOCS / page).read_text())
]
_SUBSCRIPTIONS = [text for text, _ in _DOCUMENTS if text.startswith("subscription")]
_OPERATIONS = [example for example in _DOCUMENTS if example[0] not in _SUBSCRIPTIONS]
_CALLS = re.findall(
    r"```console\n\$ ([^\n]+)\n(\d{3})\n```(?:\n\n```json\n(.*?)```)?",
    (DOCS / "rest.md").read_text(),
    re.DOTALL,
)
# An example shows what a refusal looks like; the others are to go through.
_REFUSED = {"End", "TakenKey", "Rehearsal"}


def _name(document: str) -> str:
    name: str = re.findall(r"\w+", document)[1]
    return name


async def _variables(document: str, world: World) -> dict[str, str]:
    tokens = await world.graphql.ask("{ apiTokens(first: 1) { edges { node { id } } } }", {})
    known = asdict(world.demo) | {"token_id": tokens["apiTokens"]["edges"][0]["node"]["id"]}
    named = re.findall(r"\$(\w+): ID!", document)
    return {name: known[re.sub(r"([A-Z])", r"_\1", name).lower()] for name in named}


@pytest.mark.parametrize(
    ("document", "response"), _OPERATIONS, ids=[_name(document) for document, _ in _OPERATIONS]
)
async def test_graphql_example_gets_the_response_that_the_text_shows(
    world: World, document: str, response: str
) -> None:
    data = await world.graphql.ask(document, await _variables(document, world))

    assert not response or matches(json.loads(response), {"data": data})
    refused = [field for field in data.values() if field is not None and field.get("errors")]
    assert bool(refused) is (_name(document) in _REFUSED)
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
async def test_subscription_example_reports_a_change(server: LiveServer, document: str) -> None:
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
    ("call", "status", "response"), _CALLS, ids=[str(number) for number in range(len(_CALLS))]
)
def test_rest_example_gets_the_response_that_the_text_shows(
    server: LiveServer, call: str, status: str, response: str
) -> None:
    ids = {name.upper(): value for name, value in server.demo.items()}
    answer = subprocess.run(
        ["bash", "-c", f"{call} -w '\n%{{http_code}}'"],
        env=dict(os.environ) | ids | {"ADDRESS": server.url},
        capture_output=True,
        text=True,
        check=True,
    )

    body, _, answered = answer.stdout.rpartition("\n")
    assert answered == status
    assert not response or matches(json.loads(response), json.loads(body))


def test_both_documents_have_examples() -> None:
    assert len(_OPERATIONS) > 8
    assert len(_SUBSCRIPTIONS) > 1
    assert len(_CALLS) > 8
