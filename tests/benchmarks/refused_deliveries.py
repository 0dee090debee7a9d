"""What a delivery costs a server: `python -m tests.benchmarks.refused_deliveries`.

The CPU time of the server's threads counts, so a busy machine disturbs little; Linux alone.
"""

import asyncio
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Final

import httpx

from gateway.config.logging import configure_logs
from gateway.config.settings import Settings
from gateway.config.types import LogFormat, LogLevel
from gateway.runtime import Runtime, migrate_database
from gateway.services.demo import Demo, ensure_demo
from tests.operations.delivering import asked, fill
from tests.patience import PATIENCE
from tests.servers import serving

_ROUNDS: Final = 30
_MULTIPLIED: Final = {"A": "s3cr3t--" * 8 * 1024} | {f"K{n}": "{{A}}" * 16 for n in range(500)}


def _values(count: int) -> Mapping[str, str]:
    return {f"S_{n}": "{{S_0}}-x" if n % 5 == 1 else f"value {n}" for n in range(count)}


def _cpu_milliseconds(process_id: int) -> float:
    threads = Path(f"/proc/{process_id}/task").iterdir()
    return sum(int((each / "schedstat").read_text().split()[0]) for each in threads) / 1e6


async def _prepare(folder: Path) -> Demo:
    settings = Settings(data_dir=folder)
    await migrate_database(settings)
    async with Runtime.over(settings).running() as runtime:
        return await ensure_demo(runtime.services, runtime.operator, runtime.database)


async def _measure(client: httpx.AsyncClient, process_id: int, name: str, job_id: str) -> None:
    await asked(client, job_id)
    cpu, wall = list[float](), list[float]()
    for _ in range(_ROUNDS):
        used, begun = _cpu_milliseconds(process_id), time.perf_counter()
        await asked(client, job_id)
        wall.append((time.perf_counter() - begun) * 1_000)
        cpu.append(_cpu_milliseconds(process_id) - used)
    print(
        f"{name:<9} CPU {min(cpu):.1f} ms, median {median(cpu):.1f};"
        f" answered in {min(wall):.1f} ms, median {median(wall):.1f}"
    )


async def main() -> None:
    """Measure, and print."""
    with tempfile.TemporaryDirectory() as temporary:
        demo = await _prepare(Path(temporary) / "data")
        unlimited = {"rate_per_minute": "0", "organization_rate_per_minute": "0"}
        with serving(Path(temporary) / "data", demo, **unlimited) as server:
            assert server.process is not None
            headers = {"Authorization": f"Bearer {demo.token}"}
            async with httpx.AsyncClient(
                base_url=server.url, headers=headers, timeout=PATIENCE
            ) as client:
                for name, job_id, values in (
                    ("refused", demo.job_id, _MULTIPLIED),
                    ("300 keys", demo.other_job_id, _values(300)),
                    ("39 keys", demo.foreign_job_id, _values(39)),
                ):
                    await fill(client, job_id, values)
                    await _measure(client, server.process.pid, name, job_id)


if __name__ == "__main__":
    configure_logs(LogFormat.CONSOLE, LogLevel.ERROR)
    asyncio.run(main())
