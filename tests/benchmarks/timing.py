"""Whether answering times tell what answers do not: `python -m tests.benchmarks.timing`.

Pairs of requests, the order within a pair thrown anew for each: an unknown token beside a revoked
one, what does not exist beside what the caller may not see. `PAIRS` is how many of each.

Each pair is sent to a real server over a socket, which is what an attacker can do, and run once
more in this process, where only processor time counts: neither other programs nor the network can
hide in it what the gateway does.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection
from math import sqrt
from pathlib import Path
from random import Random
from statistics import NormalDist, median
from tempfile import TemporaryDirectory
from typing import Final
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message

from gateway.app import build_app
from gateway.config.logging import configure_logs
from gateway.config.settings import Settings
from gateway.config.types import LogFormat, LogLevel
from gateway.domain.holders import new_id
from gateway.domain.permissions import Role
from gateway.domain.principals import Principal
from gateway.domain.tokens import new_token_text
from gateway.runtime import Runtime, migrate_database
from gateway.services.demo import Demo, ensure_demo
from tests.access.territories import Territory, settle_territory
from tests.patience import PATIENCE
from tests.servers import serving
from tests.world import open_world

PAIRS: Final = int(os.environ.get("PAIRS", "10000"))
_WARM_UP: Final = 200
_JOB: Final = "query ($id: ID!) { job(id: $id) { name } }"
_SECRET: Final = "query ($id: ID!) { secret(id: $id) { key } }"
_DELIVERY: Final = "query ($id: ID!) { runtimeSecrets(serviceId: $id) { key } }"


@dataclass(frozen=True, slots=True)
class Asked:
    """A request; `%` in it stands for a new random id or token each time."""

    token: str
    path: str
    body: Mapping[str, object] | None = None

    def made(self) -> tuple[str, str, bytes, dict[str, str]]:
        """Return its method, path, body and headers."""
        # Made whether needed or not: what the client does in between gives the server time, too.
        chosen, unknown = new_id(), new_token_text()
        token = unknown if self.token == "%" else self.token
        body = json.dumps(self.body).replace("%", chosen) if self.body else ""
        headers = {
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/json",
            "Content-Length": str(len(body)),
            "Host": "localhost",
        }
        method = "POST" if self.body else "GET"
        return method, self.path.replace("%", chosen), body.encode(), headers


Timed = Callable[[Asked], Awaitable[float]]


@dataclass(frozen=True, slots=True)
class Facts:
    """What is there to ask for."""

    demo: Demo
    revoked: str
    foreign: Territory


@dataclass(frozen=True, slots=True)
class Compared:
    """The medians of two kinds of requests (us), and how likely chance makes them differ."""

    one: float
    other: float
    chance: float

    @property
    def difference(self) -> float:
        """By how much the second takes longer (as a part of the first)."""
        return self.other / self.one - 1


def _pairs(facts: Facts) -> Mapping[str, tuple[Asked, Asked]]:
    token, job, secret = (facts.demo.token, *map(facts.foreign.ids.get, ("jobId", "secretId")))
    own, target = f"/job/{facts.demo.job_id}/secret", {"key": "TIMED"}

    def graphql(document: str, chosen: str | None) -> Asked:
        return Asked(token, "/graphql", {"query": document, "variables": {"id": chosen or "%"}})

    simple = {"query": "{ __typename }"}
    return {
        "token: unknown, unknown": (Asked("%", "/graphql", simple), Asked("%", "/graphql", simple)),
        "token: unknown, revoked": (
            Asked("%", "/graphql", simple),
            Asked(facts.revoked, "/graphql", simple),
        ),
        "list of a job: random, foreign": (
            Asked(token, "/job/%/secret"),
            Asked(token, f"/job/{job}/secret"),
        ),
        "alias of a target: random, foreign": (
            Asked(token, f"{own}/%/alias", target),
            Asked(token, f"{own}/{secret}/alias", target),
        ),
        "job: random, foreign": (graphql(_JOB, None), graphql(_JOB, job)),
        "secret: random, foreign": (graphql(_SECRET, None), graphql(_SECRET, secret)),
        "delivery: random, foreign": (graphql(_DELIVERY, None), graphql(_DELIVERY, job)),
    }


async def _facts(folder: Path) -> Facts:
    settings = Settings(data_dir=folder)
    await migrate_database(settings)
    async with Runtime.over(settings).running() as runtime:
        demo = await ensure_demo(runtime.services, runtime.operator, runtime.database)
    async with open_world(folder, demo) as world:
        runtime, principal = world.runtime, Principal.operator(demo.organization_id)
        token = await runtime.services.for_principal(principal).tokens.create(
            name="revoked", role=Role.ADMIN
        )
        await runtime.operator.tokens.revoke(token.facts.id)
        organization = await runtime.operator.organizations.create(name="Foreign")
        operator = Principal.operator(organization.id)
        return Facts(demo, token.text, await settle_territory(world, operator, "foreign"))


async def compare(timed: Timed, one: Asked, other: Asked, *, pairs: int) -> Compared:
    """Send so many pairs, and look at their times."""
    chance = Random(18)  # noqa: S311 - throws an order only
    taken: list[tuple[float, float]] = []
    for number in range(pairs + _WARM_UP):
        order = [one, other] if chance.random() < 1 / 2 else [other, one]
        times = {id(asked): await timed(asked) for asked in order}
        if number >= _WARM_UP:
            taken.append((times[id(one)], times[id(other)]))
    return Compared(
        median(first for first, _ in taken),
        median(second for _, second in taken),
        _chance(sum(second > first for first, second in taken), len(taken)),
    )


def _over(connection: HTTPConnection) -> Timed:
    """Return what tells how many microseconds an answer takes over a connection."""

    async def timed(asked: Asked) -> float:
        method, path, body, headers = asked.made()
        begun = time.perf_counter()
        connection.request(method, path, body, headers)
        connection.getresponse().read()
        return (time.perf_counter() - begun) * 1e6

    return timed


def _within(app: ASGIApp) -> Timed:
    """Return what tells how many microseconds of processor time an answer takes."""

    async def timed(asked: Asked) -> float:
        method, path, body, headers = asked.made()
        raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "scheme": "http",
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": raw,
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 2),
        }
        given = iter([{"type": "http.request", "body": body, "more_body": False}])

        async def receive() -> Message:
            found = next(given, None)
            return found if found is not None else await asyncio.Future()

        async def send(_: Message) -> None:
            pass

        begun = time.process_time_ns()
        await app(scope, receive, send)
        return (time.process_time_ns() - begun) / 1e3

    return timed


def _chance(longer: int, pairs: int) -> float:
    """Return how likely so uneven a split is if neither takes longer (sign test, two-sided)."""
    distance = abs(longer - pairs / 2) / (sqrt(pairs) / 2)
    return 2 * (1 - NormalDist().cdf(distance))


async def _report(kind: str, timed: Timed, facts: Facts) -> None:
    for name, (one, other) in _pairs(facts).items():
        found = await compare(timed, one, other, pairs=PAIRS)
        sys.stdout.write(
            f"{kind}, {name}: {found.one:.0f} and {found.other:.0f} us, "
            f"{found.difference:+.1%}, p = {found.chance:.2g}\n"
        )
        sys.stdout.flush()


async def _report_both(data_dir: Path, facts: Facts) -> None:
    settings = Settings(data_dir=data_dir, failed_logins_per_minute=0, rate_per_minute=0)
    runtime = Runtime.over(settings)
    async with runtime.running():
        await _report("processor", _within(build_app(runtime)), facts)
    chosen = {"FAILED_LOGINS_PER_MINUTE": "0", "RATE_PER_MINUTE": "0"}
    with serving(data_dir, facts.demo, **chosen) as server:
        address = urlsplit(server.url)
        with closing(
            HTTPConnection(str(address.hostname), address.port, timeout=PATIENCE)
        ) as connection:
            await _report("socket", _over(connection), facts)


def main() -> None:
    """Measure, and print."""
    with TemporaryDirectory() as folder:
        data_dir = Path(folder) / "data"
        asyncio.run(_report_both(data_dir, asyncio.run(_facts(data_dir))))


if __name__ == "__main__":
    configure_logs(LogFormat.CONSOLE, LogLevel.WARNING)
    main()
