"""The gateway in several processes, and one without its guards for control arms."""

import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from gateway.app import build_app
from gateway.services.demo import Demo
from tests.patience import patient_settings
from tests.races.arena import Arena, LooseArena, client_of
from tests.races.loosened import (
    DeferredDatabase,
    LooseDatabase,
    drop_uniqueness,
    loose_runtime,
)
from tests.races.processes import serving_several, strict_app
from tests.servers import LiveServer


def _copied(template: tuple[Path, Demo], factory: pytest.TempPathFactory, name: str) -> Path:
    return Path(shutil.copytree(template[0], factory.mktemp(name) / "data"))


@pytest.fixture(scope="package")
def several(
    template: tuple[Path, Demo], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[LiveServer, Path]]:
    """A gateway of several processes."""
    folder = _copied(template, tmp_path_factory, "several")
    with serving_several(strict_app, folder, template[1]) as server:
        yield server, folder


@pytest.fixture
async def arena(
    several: tuple[LiveServer, Path], template: tuple[Path, Demo]
) -> AsyncIterator[Arena]:
    """The gateway to race in; after a race nothing is in the database that may not be."""
    server, folder = several
    async with client_of(server) as client:
        opened = Arena(client, template[1], folder / "secrets.db")
        yield opened
        assert opened.flaws() == {}


@pytest.fixture
async def loose_arena(template: tuple[Path, Demo], data_dir: Path) -> AsyncIterator[LooseArena]:
    """A gateway in this process without its guards."""
    drop_uniqueness(data_dir / "secrets.db")
    async with _opened(data_dir, template[1], LooseDatabase) as opened:
        yield opened


@pytest.fixture
async def deferred_arena(template: tuple[Path, Demo], data_dir: Path) -> AsyncIterator[LooseArena]:
    """A gateway in this process whose writers do not queue before they read."""
    async with _opened(data_dir, template[1], DeferredDatabase) as opened:
        yield opened


@asynccontextmanager
async def _opened(
    data_dir: Path, demo: Demo, kind: type[LooseDatabase]
) -> AsyncIterator[LooseArena]:
    database = kind(patient_settings(data_dir).resolved_database_url)
    runtime = loose_runtime(data_dir, database)
    async with (
        runtime.running(),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app=build_app(runtime)),
            base_url="http://localhost",
            headers={"Authorization": f"Bearer {demo.token}"},
        ) as client,
    ):
        yield LooseArena(client, demo, data_dir / "secrets.db", database.meeting)
