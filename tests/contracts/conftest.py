"""Fixtures of the contracts."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from gateway.services.demo import Demo
from tests.operations.conftest import shared_world as shared_world  # noqa: PLC0414 - for pytest


@pytest.fixture
def connection(data_dir: Path) -> Iterator[sqlite3.Connection]:
    """A connection like the gateway's own, past everything that it checks."""
    with closing(sqlite3.connect(data_dir / "secrets.db")) as opened:
        opened.execute("PRAGMA foreign_keys = ON")
        yield opened


@pytest.fixture
def demo(template: tuple[Path, Demo]) -> Demo:
    """What the demo behind that connection is made of."""
    return template[1]
