"""Rotations that are killed, beside a server that is written to and read from all the while."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Final

import httpx

from tests.races.arena import new_key
from tests.servers import LiveServer, environment

DELIVER: Final = "query ($id: ID!) { runtimeSecrets(serviceId: $id) { key value } }"
PROGRAM: Final = (sys.executable, "-c", "from gateway.cli import main; main()")
DYING_PROGRAM: Final = (sys.executable, "-m", "tests.faults.dying_rotation")
_WRITERS: Final = 2
_END_SECONDS: Final = 60


@dataclass(slots=True)
class Load:
    """Writers and a reader, and what was acknowledged to them: values by key."""

    client: httpx.AsyncClient
    job_id: str
    acknowledged: dict[str, str] = field(default_factory=dict)
    reads: int = 0
    is_over: bool = False

    async def fill(self, count: int) -> None:
        """Create so many secrets."""
        for _ in range(count):
            await self._write()

    async def write(self) -> None:
        """Create and change secrets until it is over."""
        while not self.is_over:
            await self._write()
            await asyncio.sleep(0.05)

    async def read(self) -> None:
        """Read all, over and over; none may fail, and nothing acknowledged be missing."""
        while not self.is_over:
            await self.ensure_complete()
            await asyncio.sleep(0.01)

    async def ensure_complete(self) -> None:
        """Read all once."""
        expected = dict(self.acknowledged)
        told = await self.client.post(
            "/graphql", json={"query": DELIVER, "variables": {"id": self.job_id}}
        )
        assert told.status_code == HTTPStatus.OK, told.text
        delivered = {it["key"]: it["value"] for it in told.json()["data"]["runtimeSecrets"]}
        assert {key: delivered.get(key) for key in expected} == expected
        self.reads += 1

    async def _write(self) -> None:
        key, value = new_key(), new_key()
        made = await self.client.post(
            f"/job/{self.job_id}/secret", json={"key": key, "value": value}
        )
        assert made.status_code == HTTPStatus.CREATED, made.text
        secret_id, value = made.json()["id"], new_key()
        changed = await self.client.put(
            f"/job/{self.job_id}/secret/{secret_id}", json={"key": key, "value": value}
        )
        assert changed.status_code == HTTPStatus.OK, changed.text
        self.acknowledged[key] = value


@asynccontextmanager
async def loaded(server: LiveServer, *, first: int) -> AsyncIterator[Load]:
    """Write and read until the block ends; at its beginning so many secrets are there."""
    headers = {"Authorization": f"Bearer {server.demo['token']}"}
    async with httpx.AsyncClient(base_url=server.url, headers=headers, timeout=30) as client:
        load = Load(client, server.demo["job_id"])
        await load.fill(first)
        async with asyncio.TaskGroup() as tasks:
            for _ in range(_WRITERS):
                tasks.create_task(load.write())
            tasks.create_task(load.read())
            try:
                yield load
            finally:
                load.is_over = True
        await load.ensure_complete()


async def rotation(
    data_dir: Path,
    *arguments: str,
    program: tuple[str, ...] = PROGRAM,
    kill_after: float | None = None,
    point: str = "",
) -> int:
    """Run `keys` with these arguments, killed after so many seconds; return its exit code."""
    process = await asyncio.create_subprocess_exec(
        *program,
        "keys",
        *arguments,
        env=environment(data_dir, LOG_LEVEL="warning") | {"POINT": point},
        stdout=asyncio.subprocess.DEVNULL,
    )
    if kill_after is not None:
        await asyncio.sleep(kill_after)
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGKILL)
    return await asyncio.wait_for(process.wait(), _END_SECONDS)
