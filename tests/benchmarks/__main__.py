"""Measure the gateway against the hand-written limit: `make bench`.

Both servers run at the same time over copies of the same data and are measured in turn; what counts
is the ratio of the medians. Everything is on: credentials, permissions, logs, synchronous=FULL.
"""

import asyncio
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

from gateway.config.settings import Settings
from gateway.domain.drafts import HolderReference, SecretDraft
from gateway.domain.principals import Principal
from gateway.domain.scopes import Scope
from gateway.runtime import Runtime, migrate_database
from gateway.services.demo import Demo, ensure_demo
from tests.benchmarks.load import Figures, measure, numbers, post
from tests.patience import PATIENCE, wait_until
from tests.servers import serving

ROUNDS = 5
SECONDS = 3.0
SECRETS = 50
READ = """
query ($id: ID!) { job(id: $id) { visibleSecrets(first: 50) { edges { node {
  id key scope variableType mountPath description ownedBy createdAt updatedAt version
  aliasedSecret { id key scope }
} } } } }
"""


async def prepare(folder: Path) -> Demo:
    """Make a database with some secrets."""
    settings = Settings(data_dir=folder)
    await migrate_database(settings)
    async with Runtime.over(settings).running() as runtime:
        demo = await ensure_demo(runtime.services, runtime.operator, runtime.database)
        principal = Principal.operator(demo.organization_id)
        at = HolderReference(Scope.JOB, demo.job_id)
        for number in range(SECRETS):
            draft = SecretDraft(key=f"BENCH_{number}", value="x" * 64)
            await runtime.services.for_principal(principal).secrets.create(
                holder_reference=at, draft=draft
            )
    return demo


@contextmanager
def _limit(database: Path) -> Iterator[int]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    options = ["--port", str(port), "--log-level", "error"]
    process = subprocess.Popen(
        [sys.executable, "-m", "uvicorn", "tests.benchmarks.limit:app", *options],
        env=os.environ | {"LIMIT_DATABASE": str(database)},
    )
    try:
        _wait_for(port)
        yield port
    finally:
        process.terminate()
        process.wait(timeout=PATIENCE)


def _wait_for(port: int) -> None:
    def listens() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    wait_until(listens)


def _workloads(demo: Demo) -> dict[str, tuple[Callable[[], bytes], int]]:
    read = json.dumps({"query": READ, "variables": {"id": demo.job_id}}).encode()
    path = f"/job/{demo.job_id}/secret/{demo.built_in_secret_id}/alias"
    keys = numbers()
    return {
        "read, 50 secrets by GraphQL": (lambda: post("/graphql", read, demo.token), 200),
        "write, alias by REST": (
            lambda: post(path, b'{"key": "ALIAS_%d"}' % next(keys), demo.token),
            201,
        ),
    }


def _row(name: str, figures: list[Figures]) -> tuple[float, str]:
    per_second = median(one.per_second for one in figures)
    p50, p99 = (median(getattr(one, name) for one in figures) for name in ("p50", "p99"))
    return (
        per_second,
        f"  {name:<10} {per_second:>8.0f}/s   p50 {p50:>7.2f} ms   p99 {p99:>7.2f} ms",
    )


def main() -> None:
    """Run all workloads and print the table."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "data"
        demo = asyncio.run(prepare(folder))
        copy = Path(shutil.copy(folder / "secrets.db", Path(temporary) / "limit.db"))
        with serving(folder, demo) as server, _limit(copy) as limit_port:
            port = urlsplit(server.url).port or 0
            for workload, (request, status) in _workloads(demo).items():
                ours: list[Figures] = []
                limit: list[Figures] = []
                for _ in range(ROUNDS):
                    ours.append(measure(port, request, seconds=SECONDS, status=status))
                    limit.append(measure(limit_port, request, seconds=SECONDS, status=status))
                our_rate, our_row = _row("gateway", ours)
                limit_rate, limit_row = _row("limit", limit)
                print(f"{workload}: {our_rate / limit_rate:.3f} of the limit")
                print(our_row, limit_row, sep="\n")


if __name__ == "__main__":
    main()
