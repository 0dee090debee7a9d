"""Gateways with the manifests that real tools wrote; `manifests/README.md` says how."""

import json
import shutil
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any, Final

import pytest
import pytest_asyncio

from gateway.graphql.trusted_documents import read_manifest
from gateway.services.demo import Demo
from tests.cli.conftest import demo, line
from tests.world import World, open_world

__all__ = ["demo", "line"]

_FOLDER: Final = Path(__file__).with_name("manifests")
MANIFESTS: Final[Mapping[str, Path]] = {item.stem: item for item in sorted(_FOLDER.glob("*.json"))}
Write = Callable[[Any], Path]


def id_in(manifest: Path, *, of: str) -> str:
    """Return the id under which a manifest has a document with this word."""
    (found,) = [name for name, text in read_manifest(manifest).items() if of in text]
    return found


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a manifest: what is to stand in it, or its bytes."""

    def written(content: Any) -> Path:
        path = tmp_path / "manifest.json"
        path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
        return path

    return written


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def trusting(
    template: tuple[Path, Demo], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[World]:
    """A gateway that knows the manifests, and runs other documents as well."""
    folder = shutil.copytree(template[0], tmp_path_factory.mktemp("trusting") / "data")
    async with open_world(
        folder, template[1], trusted_documents=tuple(MANIFESTS.values())
    ) as opened:
        yield opened


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def closed(
    template: tuple[Path, Demo], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[World]:
    """A gateway that runs nothing but what the manifests have."""
    folder = shutil.copytree(template[0], tmp_path_factory.mktemp("closed") / "data")
    async with open_world(
        folder,
        template[1],
        trusted_documents=tuple(MANIFESTS.values()),
        trusted_documents_only=True,
        graphiql=None,
    ) as opened:
        yield opened
