"""Looking at the trail, and laying hands on the real file past the gateway."""

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from gateway.services.audit.trust import TrustFault
from tests.world import World

Json = Mapping[str, Any]


@contextmanager
def by_force(data_dir: Path) -> Iterator[sqlite3.Connection]:
    """Give a connection of a program that is not the gateway; it commits."""
    with closing(sqlite3.connect(data_dir / "secrets.db")) as connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        with connection:
            yield connection


def run_by_force(data_dir: Path, *statements: str) -> None:
    """Run statements past the gateway."""
    with by_force(data_dir) as connection:
        for statement in statements:
            connection.execute(statement)


def database_of(world: World) -> Path:
    """Return the folder of the world's database."""
    return world.runtime.settings.data_dir


async def events_of(world: World) -> list[Json]:
    """Return all that the trail tells, oldest first."""
    return [event async for event in world.runtime.operator.audit.exported()]


async def events_since(world: World, seq: int) -> list[Json]:
    """Return what the trail tells after a number."""
    return [event for event in await events_of(world) if event["seq"] > seq]


async def last_seq(world: World) -> int:
    """Return the number of the newest event."""
    return int((await events_of(world))[-1]["seq"])


async def faults(world: World) -> list[str]:
    """Return what a check of the chain finds."""
    report = await world.runtime.operator.audit.verify()
    return [str(finding.fault) for finding in report.findings]


async def row_faults(world: World) -> set[tuple[str, str]]:
    """Return what an integrity scan finds: faults and tables."""
    return {
        (item.fault, item.table) for item in await world.runtime.operator.audit.scan_integrity()
    }


def trust_fault_of(world: World) -> TrustFault | None:
    """Return why the world's database is not trusted."""
    return world.runtime.operator.audit.trust_fault


def checkpoints_in(data_dir: Path) -> list[Json]:
    """Return the anchors of a data folder."""
    lines = (data_dir / "audit-anchors.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]
