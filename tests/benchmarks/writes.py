"""What single requests and bulk work cost: `python -m tests.benchmarks.writes`.

Processor time, visits to a connection's thread and time, in this process, everything on. With
`BEFORE=<folder of another checkout>` both are measured in turn, in processes of their own.
"""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import mean, median
from tempfile import TemporaryDirectory
from typing import Any, Final

import aiosqlite
import httpx

from gateway.app import build_app
from gateway.config.logging import configure_logs
from gateway.config.settings import Settings
from gateway.config.types import LogFormat, LogLevel
from gateway.domain.drafts import HolderReference
from gateway.domain.principals import Principal
from gateway.domain.scopes import Scope
from gateway.runtime import Runtime, migrate_database
from gateway.services.demo import Demo, ensure_demo

_ROUNDS: Final = 5
_WARM_UP: Final = 10
_REPEATS: Final = 60
_BULK: Final = 1_000
_DELIVER: Final = "query ($id: ID!) { runtimeSecrets(serviceId: $id) { key value } }"
_AFTER_A_CHANGE: Final = "list of 50, after a change"
# A path of this checkout would be the first where Python looks.
_THIS: Final = Path(__file__)

Send = Callable[[int], Awaitable[httpx.Response]]


class _Visits:
    """Counts what connections' threads are asked to do."""

    def __init__(self) -> None:
        self.count = 0
        go: Any = aiosqlite.Connection._execute  # noqa: SLF001 - every visit passes here

        async def counted(connection: aiosqlite.Connection, *call: object) -> object:
            self.count += 1
            return await go(connection, *call)

        aiosqlite.Connection._execute = counted  # type: ignore[method-assign] # noqa: SLF001


async def _measure_one(name: str, send: Send, visits: _Visits, change: Send | None) -> None:
    spent, taken = [], []
    for number in range(_WARM_UP + _REPEATS):
        if change is not None:
            (await change(number)).raise_for_status()
        start, before = time.process_time(), visits.count
        (await send(number)).raise_for_status()
        spent.append((time.process_time() - start) * 1_000)
        taken.append(visits.count - before)
    print(f"{name}\t{median(spent[_WARM_UP:]):.1f} ms CPU\t{mean(taken[_WARM_UP:]):.1f} visits")


def _singles(client: httpx.AsyncClient, demo: Demo, target: str) -> dict[str, Send]:
    job = f"/job/{demo.job_id}/secret"
    edited = {"key": "TARGET"}
    return {
        _AFTER_A_CHANGE: lambda _: client.get(job),
        "the same list again": lambda _: client.get(job),
        "alias": lambda n: client.post(f"{job}/{target}/alias", json={"key": f"ALIAS_{n}"}),
        "edit": lambda n: client.put(
            f"/project/{demo.project_id}/secret/{target}", json=edited | {"value": f"{n}"}
        ),
        "delivery": lambda _: client.post(
            "/graphql", json={"query": _DELIVER, "variables": {"id": demo.container_id}}
        ),
    }


async def _import(client: httpx.AsyncClient, job_id: str, value: str, stem: str = "BULK") -> None:
    rows = [
        {"name": f"{stem}_{number}", "value": value, "scope": Scope.JOB, "is_secret": True}
        for number in range(_BULK)
    ]
    path = f"/job/{job_id}/environmentVariable/import"
    answer = await client.post(path, json={"overwrite": True, "vars": rows})
    answer.raise_for_status()


async def _bulk(runtime: Runtime, client: httpx.AsyncClient, demo: Demo) -> None:
    principal = Principal.operator(demo.organization_id)
    administration = runtime.services.for_principal(principal).administration
    environment = HolderReference(Scope.ENVIRONMENT, demo.environment_id)
    for name in ("an import of 1,000", "the same, overwritten"):
        with _timed(name):
            await _import(client, demo.job_id, name)
    for number in range(3):
        job = await administration.create_holder(
            kind=Scope.JOB, name=f"bulk {number}", parent=environment
        )
        await _import(client, job.id, "x", f"OF_{number}")
    with _timed("deletion of a project with 4,000 secrets"):
        await administration.delete_holder(
            holder_reference=HolderReference(Scope.PROJECT, demo.project_id), with_content=True
        )


@contextmanager
def _timed(name: str) -> Iterator[None]:
    start, spent = time.perf_counter(), time.process_time()
    yield
    print(f"{name}\t{time.process_time() - spent:.2f} s CPU\t{time.perf_counter() - start:.2f} s")


async def _measure(folder: Path) -> None:
    configure_logs(LogFormat.JSON, LogLevel.ERROR)
    visits = _Visits()
    settings = Settings(data_dir=folder, rate_per_minute=0)
    await migrate_database(settings)
    runtime = Runtime.over(settings)
    async with runtime.running():
        demo = await ensure_demo(runtime.services, runtime.operator, runtime.database)
        client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=build_app(runtime)),
            base_url="http://localhost",
            headers={"Authorization": f"Bearer {demo.token}"},
        )
        async with client:
            made = await client.post(
                f"/project/{demo.project_id}/secret", json={"key": "TARGET", "value": "x"}
            )
            for number in range(50):
                key = {"key": f"LISTED_{number}", "value": "x"}
                (await client.post(f"/job/{demo.job_id}/secret", json=key)).raise_for_status()
            singles = _singles(client, demo, made.json()["id"])
            for name, send in singles.items():
                change = singles["edit"] if name == _AFTER_A_CHANGE else None
                await _measure_one(name, send, visits, change)
            await _bulk(runtime, client, demo)


def _compare(trees: dict[str, str]) -> None:
    for _ in range(_ROUNDS):
        for name, tree in trees.items():
            print(name, flush=True)
            # Not with -m: Python would look in this folder first.
            subprocess.run(
                [sys.executable, str(_THIS), "--one"],
                check=True,
                env=os.environ | {"PYTHONPATH": tree},
            )


if __name__ == "__main__":
    if "--one" in sys.argv:
        with TemporaryDirectory() as chosen:
            asyncio.run(_measure(Path(chosen)))
    else:
        here = {"this checkout": str(_THIS.parents[2])}
        _compare(({"before": os.environ["BEFORE"]} if "BEFORE" in os.environ else {}) | here)
