"""A server to listen to, shared by the tests of this folder; each uses keys of its own."""

import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from gateway.services.demo import Demo
from tests.faces import GraphQLFace
from tests.live.listening import Listen, listening_on_a_socket, listening_to_events
from tests.live.writing import Writer
from tests.patience import PATIENCE
from tests.servers import LiveServer, serving, serving_measured


@pytest.fixture(scope="package")
def server(
    template: tuple[Path, Demo], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LiveServer]:
    """A real uvicorn process."""
    folder = shutil.copytree(template[0], tmp_path_factory.mktemp("change_feed") / "data")
    with serving_measured(Path(folder), template[1], GRAPHIQL="false") as running:
        yield running


@pytest.fixture
def hasty_server(template: tuple[Path, Demo], data_dir: Path) -> Iterator[LiveServer]:
    """A server that waits for a first message for half a second only."""
    with serving(data_dir, template[1], GRAPHIQL="false", HEAD_SECONDS="0.5") as running:
        yield running


@pytest.fixture(params=["events", "socket"])
def listen(request: pytest.FixtureRequest) -> Listen:
    """Each of the two ways to listen, in turn."""
    return listening_to_events if request.param == "events" else listening_on_a_socket


@pytest.fixture
async def writer(server: LiveServer) -> AsyncIterator[Writer]:
    """Writes to the server as the demo's administrator."""
    headers = {"Authorization": f"Bearer {server.demo['token']}"}
    async with httpx.AsyncClient(base_url=server.url, headers=headers, timeout=PATIENCE) as client:
        yield Writer(GraphQLFace(client), server.demo)
