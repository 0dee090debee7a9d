"""Sixteen clients for ten minutes: the write-ahead log stays short, and few are refused.

Their reads are short, so SQLite often starts the log again by itself. The control is in
tests/operating/test_wal.py, where reads always overlap.
"""

import asyncio
import os
import shutil
from collections import Counter
from dataclasses import dataclass, field
from http import HTTPStatus
from itertools import count
from pathlib import Path
from typing import Final

import httpx
import pytest

from gateway.services.demo import Demo
from tests.patience import PATIENCE
from tests.servers import LiveServer, serving

SECONDS: Final = int(os.environ.get("FAULT_WAL_SECONDS", "600"))
CLIENTS: Final = 16
MAX_BYTES: Final = 64 * 2**20
# Of ten requests; the others are lists.
EDITS: Final = 0
DELIVERIES: Final = 5
DELIVER: Final = "query ($id: ID!) { runtimeSecrets(serviceId: $id) { key value } }"

pytestmark = pytest.mark.timeout(SECONDS * 2 + 300)


@dataclass(slots=True)
class Load:
    """What clients ask, and how it goes."""

    server: LiveServer
    log: Path
    numbers: "count[int]" = field(default_factory=count)
    statuses: Counter[int] = field(default_factory=Counter)
    secret_id: str = ""
    longest_bytes: int = 0
    longest_wait: float = 0

    async def run(self, seconds: float) -> None:
        """Send requests from all clients, and look at the log beside them."""
        headers = {"Authorization": f"Bearer {self.server.demo['token']}"}
        async with httpx.AsyncClient(
            base_url=self.server.url, headers=headers, timeout=PATIENCE, limits=httpx.Limits()
        ) as client:
            await self._begin(client)
            loop = asyncio.get_running_loop()
            end = loop.time() + seconds
            clients = [asyncio.create_task(self._ask(client, end)) for _ in range(CLIENTS)]
            while loop.time() < end:
                self.longest_bytes = max(self.longest_bytes, self.log.stat().st_size)
                await asyncio.sleep(0.1)
            await asyncio.gather(*clients)

    async def _ask(self, client: httpx.AsyncClient, end: float) -> None:
        loop = asyncio.get_running_loop()
        while (begun := loop.time()) < end:
            response = await self._send(client, next(self.numbers))
            self.statuses[response.status_code] += 1
            is_answered = response.status_code == HTTPStatus.SERVICE_UNAVAILABLE or (
                "errors" not in response.json()
            )
            assert is_answered, response.text
            self.longest_wait = max(self.longest_wait, loop.time() - begun)

    async def _send(self, client: httpx.AsyncClient, number: int) -> httpx.Response:
        job_id = self.server.demo["job_id"]
        if number % 10 == EDITS:
            edit = {"key": "EDITED", "value": f"{number:010}" * 6_000}
            return await client.put(f"/job/{job_id}/secret/{self.secret_id}", json=edit)
        if number % 10 == DELIVERIES:
            body = {"query": DELIVER, "variables": {"id": job_id}}
            return await client.post("/graphql", json=body)
        return await client.get(f"/job/{job_id}/secret")

    async def _begin(self, client: httpx.AsyncClient) -> None:
        secret = {"key": "EDITED", "value": ""}
        made = await client.post(f"/job/{self.server.demo['job_id']}/secret", json=secret)
        self.secret_id = made.json()["id"]


async def test_the_log_stays_short_under_load(template: tuple[Path, Demo], tmp_path: Path) -> None:
    folder = shutil.copytree(template[0], tmp_path / "data")
    with serving(folder, template[1], RATE_PER_MINUTE="0") as server:
        load = Load(server, folder / "secrets.db-wal")
        await load.run(SECONDS)
    requests = sum(load.statuses.values())
    print(
        f"\n{requests} requests in {SECONDS} s, {load.statuses[503]} refused, "
        f"longest wait {load.longest_wait:.2f} s, "
        f"log at most {load.longest_bytes / 2**20:.1f} MiB\n"
    )

    assert load.longest_bytes <= MAX_BYTES
    # Where much else runs, some requests would wait too long.
    assert load.statuses.keys() <= {200, 503}
    assert load.statuses[503] < load.statuses[200] / 20
