"""Rotations that are killed, beside a server that is written to and read from all the while."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Final

import httpx

from tests.forking import PROGRAM
from tests.patience import PATIENCE
from tests.races.arena import new_key
from tests.servers import LiveServer, command, environment, run_forked

DELIVER: Final = "query ($id: ID!) { runtimeSecrets(serviceId: $id) { key value } }"
DYING_PROGRAM: Final = ("-m", "tests.faults.dying_rotation")
# As many are read at once, over and over.
MAX: Final = 400
_WRITERS: Final = 2


@dataclass(slots=True)
class Load:
    """Writers and a reader, and what they know: how often each value was changed.

    A value names its key and the number of its change, so that a reader can tell an older one from
    one that was acknowledged.
    """

    client: httpx.AsyncClient
    job_id: str
    most: int
    ids: dict[str, str] = field(default_factory=dict)
    sent: dict[str, int] = field(default_factory=dict)
    acknowledged: dict[str, int] = field(default_factory=dict)
    writes: int = 0
    reads: int = 0
    # How long each write took, in seconds.
    times: list[float] = field(default_factory=list)
    is_over: bool = False

    async def fill(self, count: int) -> None:
        """Create so many secrets."""
        for _ in range(count):
            await self._create()

    async def write(self, number: int) -> None:
        """Create secrets, and when there are enough change every so-manieth, until it is over."""
        turn = 0
        while not self.is_over:
            if len(self.sent) < self.most:
                await self._create()
            else:
                # Of two changes at once to one secret nobody could say which is the later.
                own = list(self.acknowledged)[number::_WRITERS]
                await self._change(own[turn % len(own)])
                turn += 1
            await asyncio.sleep(0.05)

    async def read(self) -> None:
        """Read all, over and over; none may fail, and nothing acknowledged be missing."""
        while not self.is_over:
            await self.ensure_complete()
            await asyncio.sleep(0.01)

    async def ensure_complete(self) -> None:
        """Read all once."""
        at_least = dict(self.acknowledged)
        result = await self.client.post(
            "/graphql", json={"query": DELIVER, "variables": {"id": self.job_id}}
        )
        assert result.status_code == HTTPStatus.OK, result.text
        delivered = {
            runtime_secret["key"]: runtime_secret["value"]
            for runtime_secret in result.json()["data"]["runtimeSecrets"]
        }
        for key, change in at_least.items():
            possible = range(change, self.sent[key] + 1)
            assert delivered.get(key) in [f"{key} {number}" for number in possible]
        self.reads += 1

    async def _create(self) -> None:
        key = new_key()
        self.sent[key] = 1
        made = await self._ask("POST", key, "")
        assert made.status_code == HTTPStatus.CREATED, made.text
        self.ids[key] = made.json()["id"]
        await self._change(key)

    async def _change(self, key: str) -> None:
        number = self.sent[key] = self.sent[key] + 1
        changed = await self._ask("PUT", key, f"/{self.ids[key]}")
        assert changed.status_code == HTTPStatus.OK, changed.text
        self.acknowledged[key] = number

    async def _ask(self, method: str, key: str, rest: str) -> httpx.Response:
        begun = time.perf_counter()
        body = {"key": key, "value": f"{key} {self.sent[key]}"}
        answer = await self.client.request(method, f"/job/{self.job_id}/secret{rest}", json=body)
        self.times.append(time.perf_counter() - begun)
        self.writes += 1
        return answer


@asynccontextmanager
async def loaded(server: LiveServer, *, first: int, most: int = MAX) -> AsyncIterator[Load]:
    """Write and read until the block ends; at its beginning so many secrets are there."""
    headers = {"Authorization": f"Bearer {server.demo['token']}"}
    async with httpx.AsyncClient(base_url=server.url, headers=headers, timeout=PATIENCE) as client:
        load = Load(client, server.demo["job_id"], most)
        await load.fill(first)
        async with asyncio.TaskGroup() as tasks:
            for number in range(_WRITERS):
                tasks.create_task(load.write(number))
            tasks.create_task(load.read())
            try:
                yield load
            finally:
                load.is_over = True
        await load.ensure_complete()


async def rotation(
    data_dir: Path, *arguments: str, program: Sequence[str] = PROGRAM, point: str = ""
) -> int:
    """Run `keys` with these arguments; return its exit code."""
    keys = partial(run_forked, data_dir, "keys", *arguments, program=program, POINT=point)
    status, _ = await asyncio.to_thread(keys)
    return status


async def killed_rotation(data_dir: Path, *arguments: str, after: float) -> int:
    """Run `keys` in a new interpreter, killed after so many seconds; return its exit code."""
    process = await asyncio.create_subprocess_exec(
        *command("keys", *arguments),
        env=environment(data_dir, LOG_LEVEL="warning"),
        stdout=asyncio.subprocess.DEVNULL,
    )
    await asyncio.sleep(after)
    with suppress(ProcessLookupError):
        process.send_signal(signal.SIGKILL)
    return await asyncio.wait_for(process.wait(), PATIENCE)
