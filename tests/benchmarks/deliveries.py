"""What a delivery leaves behind: `python -m tests.benchmarks.deliveries`.

One client takes the same 39 keys of a job again and again. Printed are the bytes that each delivery
adds to the database for good, and the bytes that it writes to the write-ahead log, each also by
table and index. `DELIVERIES` is how many deliveries are kept; the log is read for a tenth of them.
"""

import asyncio
import os
import sqlite3
import struct
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Final

from gateway.config.logging import configure_logs
from gateway.config.settings import Settings
from gateway.config.types import LogFormat, LogLevel
from gateway.domain.scopes import Scope
from gateway.runtime import Runtime, migrate_database
from gateway.services.demo import Demo, ensure_demo
from tests.world import World, open_world

DELIVERIES: Final = int(os.environ.get("DELIVERIES", "1000"))
KEYS: Final = 39
_DELIVERY: Final = "query ($id: ID!) { runtimeSecrets(serviceId: $id) { key value } }"
_WAL_HEADER: Final = 32
_FRAME_HEADER: Final = 24
_PAGES: Final = "SELECT name, count(*) * {size} FROM dbstat GROUP BY name"


async def main() -> None:
    """Measure, and print."""
    with tempfile.TemporaryDirectory() as folder:
        data_dir = Path(folder)
        async with open_world(data_dir, await _demo(data_dir), rate_per_minute=0) as world:
            await _fill(world)
            await _deliver(world, 10)
            _report("kept", await _kept(world, data_dir / "secrets.db"), DELIVERIES)
            times = DELIVERIES // 10
            _report("write-ahead log", await _logged(world, data_dir / "secrets.db", times), times)


async def _demo(data_dir: Path) -> Demo:
    settings = Settings(data_dir=data_dir)
    await migrate_database(settings)
    async with Runtime.over(settings).running() as runtime:
        return await ensure_demo(runtime.services, runtime.operator, runtime.database)


async def _fill(world: World) -> None:
    there = await world.graphql.ask(_DELIVERY, {"id": world.demo.job_id})
    for number in range(KEYS - len(there["runtimeSecrets"])):
        key = f"KEY_{number}"
        await world.rest.create(Scope.JOB, world.demo.job_id, key=key, value="some value")


async def _deliver(world: World, times: int) -> None:
    for _ in range(times):
        found = await world.graphql.ask(_DELIVERY, {"id": world.demo.job_id})
        assert len(found["runtimeSecrets"]) == KEYS


async def _kept(world: World, file: Path) -> Counter[str]:
    before = _pages(file)
    await _deliver(world, DELIVERIES)
    return Counter(_pages(file)) - Counter(before)


def _pages(file: Path) -> Mapping[str, int]:
    with closing(sqlite3.connect(file)) as connection:
        (size,) = connection.execute("PRAGMA page_size").fetchone()
        return dict(connection.execute(_PAGES.format(size=size)))


async def _logged(world: World, file: Path, times: int) -> Counter[str]:
    log = file.with_name(f"{file.name}-wal")
    with closing(sqlite3.connect(file, isolation_level=None)) as reader:
        reader.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        # While a reader has the database open, SQLite does not begin the log again.
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM audit_head").fetchone()
        await _deliver(world, times)
        written = list(_frames(log.read_bytes()))
    with closing(sqlite3.connect(file)) as connection:
        names = dict(connection.execute("SELECT pageno, name FROM dbstat"))
    counted = Counter[str]()
    for page, size in written:
        counted[names.get(page, "free")] += size
    return counted


def _frames(log: bytes) -> Iterator[tuple[int, int]]:
    """Yield the page and the bytes of each frame."""
    (size,) = struct.unpack(">I", log[8:12])
    for start in range(_WAL_HEADER, len(log), _FRAME_HEADER + size):
        (page,) = struct.unpack(">I", log[start : start + 4])
        yield page, _FRAME_HEADER + size


def _report(what: str, counted: Mapping[str, int], times: int) -> None:
    print(f"{what}: {sum(counted.values()) / times:.0f} bytes per delivery of {KEYS} keys")
    for name, size in sorted(counted.items(), key=lambda item: -item[1]):
        print(f"  {size / times:8.0f}  {name}")


if __name__ == "__main__":
    configure_logs(LogFormat.CONSOLE, LogLevel.WARNING)
    asyncio.run(main())
