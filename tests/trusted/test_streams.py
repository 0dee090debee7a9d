"""Streams take trusted documents by the same ids, and refuse the same: there is no way around."""

import json
import shutil
from collections.abc import AsyncIterator, Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from gateway.services.demo import Demo
from tests.live.listening import heard, introduced_socket, say
from tests.patience import PATIENCE
from tests.servers import LiveServer, serving_measured

WATCH: Final = (
    "subscription ($after: String!) { secretChanged(holder: HOLDER, after: $after) { key } }"
)
TEXTS: Final = {"query": "{ __typename }"}, {"query": "subscription { nothing }"}


@pytest.fixture(scope="module")
def server(
    template: tuple[Path, Demo], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LiveServer]:
    """A real uvicorn process that runs nothing but three documents."""
    folder = tmp_path_factory.mktemp("trusted-streams")
    shutil.copytree(template[0], folder / "data")
    holder = f'{{ jobId: "{template[1].job_id}" }}'
    create = f"""mutation {{ createJobSecret(
        jobId: "{template[1].job_id}", input: {{ key: "WATCHED", value: "v" }}
    ) {{ secret {{ key }} }} }}"""
    manifest = folder / "manifest.json"
    manifest.write_text(
        json.dumps(
            {
                "cursor": "{ changeCursor }",
                "create": create,
                "watch": WATCH.replace("HOLDER", holder),
            }
        )
    )
    with serving_measured(
        folder / "data",
        template[1],
        GRAPHIQL="false",
        TRUSTED_DOCUMENTS=str(manifest),
        TRUSTED_DOCUMENTS_ONLY="true",
    ) as running:
        yield running


@pytest.fixture
async def caller(server: LiveServer) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Authorization": f"Bearer {server.demo['token']}"}
    async with httpx.AsyncClient(base_url=server.url, headers=headers, timeout=PATIENCE) as client:
        yield client


async def _asked(server: LiveServer, payload: dict[str, Any]) -> Any:
    async with introduced_socket(server) as socket:
        await say(socket, type="subscribe", id="1", payload=payload)
        return await heard(socket)


async def test_a_trusted_subscription_is_reported_on_both_kinds_of_stream(
    server: LiveServer, caller: httpx.AsyncClient
) -> None:
    result = await caller.post("/graphql", json={"id": "cursor"})
    await caller.post("/graphql", json={"id": "create"})
    watching = {
        "documentId": "watch",
        "variables": {"after": result.json()["data"]["changeCursor"]},
    }

    over_socket = await _asked(server, watching)
    async with caller.stream(
        "POST", "/graphql", json=watching, headers={"Accept": "text/event-stream"}
    ) as events:
        data = await anext(
            aiter_line
            async for aiter_line in events.aiter_lines()
            if aiter_line.startswith("data: {")
        )

    assert over_socket["payload"]["data"]["secretChanged"] == {"key": "WATCHED"}
    assert json.loads(data.removeprefix("data: "))["data"]["secretChanged"] == {"key": "WATCHED"}


@pytest.mark.parametrize("text", TEXTS)
async def test_no_text_runs_over_a_socket(server: LiveServer, text: dict[str, str]) -> None:
    refused = await _asked(server, text)

    assert (refused["type"], refused["id"]) == ("error", "1")
    assert refused["payload"][0]["extensions"]["code"] == "DOCUMENT_NOT_TRUSTED"


@pytest.mark.parametrize("text", TEXTS)
async def test_no_text_runs_as_events(caller: httpx.AsyncClient, text: dict[str, str]) -> None:
    refused = await caller.post("/graphql", json=text, headers={"Accept": "text/event-stream"})

    assert refused.status_code == HTTPStatus.FORBIDDEN
    assert "DOCUMENT_NOT_TRUSTED" in refused.text


async def test_an_unknown_id_is_an_error_of_its_operation(server: LiveServer) -> None:
    """The socket stays open, and a known one is answered on it."""
    async with introduced_socket(server) as socket:
        await say(socket, type="subscribe", id="1", payload={"documentId": "unknown"})
        refused = await heard(socket)
        await say(socket, type="subscribe", id="1", payload={"documentId": "cursor"})
        answer = await heard(socket)

    assert refused["payload"][0]["extensions"]["code"] == "PERSISTED_QUERY_NOT_FOUND"
    assert "changeCursor" in answer["payload"]["data"]
