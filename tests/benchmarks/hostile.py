"""How much CPU each hostile request takes: `python -m tests.benchmarks.hostile`.

The gateway runs in this process, over a demo; what is measured is the process's CPU time from the
request's first byte to the answer's last, the client's part included. The best of a few runs
counts, each with a document that no cache has yet.
"""

import asyncio
import gc
import json
import tempfile
import time
from pathlib import Path

import httpx

from gateway.config.logging import configure_logs
from gateway.config.settings import Settings
from gateway.config.types import LogFormat, LogLevel
from gateway.runtime import Runtime, migrate_database
from gateway.services.demo import ensure_demo
from tests.limits.corpus import SHAPES, Shape
from tests.world import open_world

RUNS = 3
MAX_MILLISECONDS = 100.0


async def _milliseconds(client: httpx.AsyncClient, shape: Shape, run: int) -> tuple[float, str]:
    # A text that differs by its last blanks is another document to every cache.
    document = shape.document + " " * run
    body = json.dumps({"query": document, "variables": shape.variables})
    gc.collect()
    begun = time.process_time()
    response = await client.post(
        "/graphql", content=body, headers={"Content-Type": "application/json"}
    )
    taken = (time.process_time() - begun) * 1000
    errors = response.json().get("errors", [])
    return taken, errors[0]["extensions"]["code"] if errors else "answered"


async def _table(folder: Path) -> list[tuple[str, int, float, str]]:
    settings = Settings(data_dir=folder)
    await migrate_database(settings)
    async with Runtime.over(settings).running() as runtime:
        demo = await ensure_demo(runtime.services, runtime.operator, runtime.database)
    rows = []
    async with open_world(folder, demo) as world:
        for name, shape in SHAPES.items():
            runs = [await _milliseconds(world.client, shape, run) for run in range(RUNS)]
            taken, outcome = min(runs)
            rows.append((name, len(shape.document), taken, outcome))
    return rows


def main() -> None:
    """Measure all shapes and print the table, the dearest first.

    Raises:
        SystemExit: if one takes longer than it may.

    """
    configure_logs(LogFormat.JSON, LogLevel.ERROR)
    with tempfile.TemporaryDirectory() as temporary:
        rows = asyncio.run(_table(Path(temporary) / "data"))
    print(f"{'shape':<46} {'bytes':>7} {'CPU ms':>8}  outcome")
    for name, length, taken, outcome in sorted(rows, key=lambda row: -row[2]):
        print(f"{name:<46} {length:>7} {taken:>8.1f}  {outcome}")
    if slow := [name for name, _, taken, _ in rows if taken > MAX_MILLISECONDS]:
        print(f"More than {MAX_MILLISECONDS:g} ms: {', '.join(slow)}")
        raise SystemExit(1)


if __name__ == "__main__":
    main()
