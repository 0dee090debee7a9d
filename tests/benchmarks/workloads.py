"""The workloads: each measures its servers in turn, and adds to the results."""

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, partial
from statistics import median
from types import MappingProxyType
from typing import Final

import httpx

from tests.benchmarks import cases, requests
from tests.benchmarks.answers import DifferentAnswer, comparable, ensure_same
from tests.benchmarks.cases import GATEWAY, LIMIT, OPENBAO, STOCK, Case
from tests.benchmarks.figures import TIMES, Measured, Results, Single
from tests.benchmarks.loop_stalls import stalls_since
from tests.benchmarks.options import Options
from tests.benchmarks.peers.launching import Place, Start, gateway, limit, mercurius, stock
from tests.benchmarks.peers.openbao import openbao
from tests.benchmarks.processes import Server
from tests.benchmarks.requests import EACH, Request
from tests.benchmarks.rounds import FailedRequests, NothingAnswered, Round, measure, median_of
from tests.benchmarks.samples import Samples
from tests.benchmarks.sequential import measure_after_changes
from tests.benchmarks.subscribers import NAMED, SHOWN, Hall
from tests.patience import PATIENCE, wait_until

_LISTENERS: Final = 500
_CHANGES: Final = 10


@dataclass(frozen=True, slots=True)
class Bench:
    """What workloads measure with: the servers that are there, by name, and where others start."""

    options: Options
    place: Place
    samples: Samples
    servers: dict[str, Server]
    results: Results
    # A database that is as small as the samples.
    small: tuple[Place, Samples]

    def compare(self, title: str, wanted: Iterable[Case]) -> None:
        """Measure cases in rounds A B A B, after each server has warmed up and been checked.

        A case that fails is left out, and the others go on.
        """
        present = [case for case in wanted if case.server in self.servers]
        present = [case for case in present if self._succeeds(case, self._prepare)]
        rounds: dict[str, list[Round]] = {case.name: [] for case in present}

        def measure_one(case: Case) -> None:
            rounds[case.name].append(self._measure(case, self.options.seconds))

        for _ in range(self.options.rounds):
            present = [case for case in present if self._succeeds(case, measure_one)]
        self.add(title, *(Measured(c.name, median_of(rounds[c.name]), c.of) for c in present))

    def _succeeds(self, case: Case, work: Callable[[Case], None]) -> bool:
        try:
            work(case)
        except (FailedRequests, DifferentAnswer) as failure:
            self.results.failed.append(f"{case.name}: {failure}")
            return False
        return True

    def _prepare(self, case: Case) -> None:
        self._check(case)
        with suppress(NothingAnswered):
            self._measure(case, self.options.warm_up)

    def add(self, title: str, *measured: Measured) -> None:
        self.results.measured.setdefault(title, []).extend(measured)

    def _measure(self, case: Case, seconds: int) -> Round:
        server = self.servers[case.server]
        return measure(server, case.requests, seconds=seconds, clients=case.clients)

    def _check(self, case: Case) -> None:
        """Refuse a peer whose answer differs from the gateway's.

        Raises:
            DifferentAnswer: with the beginning of both.

        """
        if case.server in {GATEWAY, OPENBAO}:
            return
        key = f"ALIAS_CHECK_{time.monotonic_ns()}"
        for request in (case.requests[0], case.requests[-1]):
            theirs = _answer(self.servers[case.server], request, key)
            ensure_same(case.name, theirs, _answer(self.servers[GATEWAY], request, key))


def _answer(server: Server, request: Request, key: str) -> object:
    response = _send(server, request, key)
    return comparable(response.content, new_key=key)


def _send(server: Server, request: Request, key: str = "") -> httpx.Response:
    body = request.body.replace(f"ALIAS_{EACH}", key) if request.body else None
    url = f"http://127.0.0.1:{server.port}{request.path}"
    try:
        response = _client().request(request.method, url, content=body, headers=request.headers)
    except httpx.TransportError as error:
        message = f"{server.name} broke the connection: {error}"
        raise FailedRequests(message) from error
    if response.status_code != request.status:
        message = f"{server.name} answered {response.status_code}: {response.text[:200]}"
        raise FailedRequests(message)
    return response


@cache
def _client() -> httpx.Client:
    # To make one takes longer than most answers.
    return httpx.Client(timeout=PATIENCE)


def _reads(bench: Bench) -> None:
    listed = requests.read_by_rest(bench.samples)
    tag = _send(bench.servers[GATEWAY], listed).headers["ETag"]
    title = "W1: 50 secrets with 12 fields, 16 clients"
    bench.compare(title, cases.reads(bench.samples, tag=tag))
    if typename := bench.results.by_case.get("gateway: `{__typename}`"):
        amount = typename.cpu / 1000
        bench.results.singles.append(
            Single(what="W1, `{__typename}`: CPU", amount=amount, unit="ms", bound=0.25)
        )


def _after_changes(bench: Bench) -> None:
    servers = {name: bench.servers[name] for name in (LIMIT, GATEWAY)}
    title = "W1 after a change: each read follows an alias elsewhere, one client"
    what, of = "read after a change", f"{LIMIT}: read after a change"
    for name, figures in _sequential(bench, {n: (s, bench.samples) for n, s in servers.items()}):
        bench.add(title, Measured(f"{name}: {what}", figures, of))


def _sequential(
    bench: Bench, servers: dict[str, tuple[Server, Samples]]
) -> Iterable[tuple[str, Round]]:
    rounds: dict[str, list[Round]] = {name: [] for name in servers}
    for number in range(bench.options.rounds + 1):
        for name, (server, samples) in servers.items():
            one = measure_after_changes(
                server,
                requests.read(samples),
                requests.aliases(samples),
                seconds=bench.options.seconds,
            )
            # The first round warms up.
            rounds[name] += [one] if number else []
    return [(name, median_of(taken)) for name, taken in rounds.items()]


def _aliases(bench: Bench) -> None:
    title = "W2: an alias, on the disk before it is answered (synchronous=FULL)"
    bench.compare(title, cases.aliases(bench.samples))


def _deliveries(bench: Bench) -> None:
    title = "W3: values in clear, 16 clients"
    bench.compare(title, cases.deliveries(bench.samples))
    with openbao(bench.place) as peer:
        bench.servers[OPENBAO] = peer.server
        try:
            bench.compare(title, cases.openbao(peer.each, peer.together))
        finally:
            del bench.servers[OPENBAO]
    one = bench.results.by_case.get("OpenBao: one value")
    for name, amount in (("CPU", one.cpu / 1000), ("p50", one.p50)) if one else ():
        what = f"W3, OpenBao, 25 values by a read each: 25 {TIMES} {name}"
        bench.results.singles.append(Single(what=what, amount=amount * 25, unit="ms"))


def _mixed(bench: Bench) -> None:
    stalls = bench.place.folder / "stalls"
    with gateway(bench.place, stalls=stalls) as watched:
        other = bench.servers[GATEWAY]
        bench.servers[GATEWAY] = watched
        try:
            begun = time.monotonic() + bench.options.warm_up
            bench.compare("W4: 90 % reads and 10 % aliases, 16 clients", cases.mixed(bench.samples))
        finally:
            bench.servers[GATEWAY] = other
        longest = max(stalls_since(stalls, begun), default=0.0)
    bench.results.singles.append(
        Single(what="W4, longest stall of the event loop", amount=longest, unit="ms", bound=50)
    )


def _growth(bench: Bench) -> None:
    place, samples = bench.small
    with gateway(place) as small:
        servers = {
            "the small database": (small, samples),
            "the large database": (bench.servers[GATEWAY], bench.samples),
        }
        size = bench.options.secrets
        title = (
            f"W5: a read after a change with 1,000 and with {size:,} further secrets, one client"
        )
        of = "gateway: the small database"
        for name, figures in _sequential(bench, servers):
            bench.add(title, Measured(f"{GATEWAY}: {name}", figures, of))


def _starts(bench: Bench) -> None:
    read = requests.read(bench.samples)
    starts: dict[str, Start] = {
        GATEWAY: gateway,
        LIMIT: limit,
        STOCK: stock,
    }
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in starts}
    for _ in range(bench.options.rounds):
        for name, start in starts.items():
            begun = time.monotonic()
            with start(bench.place) as server:
                wait_until(partial(_is_answered, server, read))
                taken[name].append((time.monotonic() - begun, server.megabytes))
    for name, pairs in taken.items():
        seconds, megabytes = (median(column) for column in zip(*pairs, strict=True))
        is_ours = name == GATEWAY
        bench.results.singles += [
            Single(
                what=f"W6, {name}: first answer after a start",
                amount=seconds,
                unit="s",
                bound=1.0 if is_ours else None,
            ),
            Single(
                what=f"W6, {name}: memory after it",
                amount=megabytes,
                unit="MB",
                bound=110 if is_ours else None,
            ),
        ]
    loaded = bench.servers[GATEWAY].megabytes
    bench.results.singles.append(
        Single(what="W6, gateway: memory after all other load", amount=loaded, unit="MB")
    )


def _is_answered(server: Server, request: Request) -> bool:
    try:
        return bool(_send(server, request))
    except FailedRequests:
        return False


def _subscribers(bench: Bench) -> None:
    for how, document in (("named", NAMED), ("shown with its secret", SHOWN)):
        change = requests.aliases_by_rest(bench.samples)[0]
        with gateway(bench.place) as server:
            hall = Hall(server, bench.samples, document, _LISTENERS)
            heard = asyncio.run(hall.hear(change, changes=_CHANGES))
        is_target = document is NAMED
        until = f"W7, a change until {_LISTENERS} listeners have it {how}"
        bench.results.singles += [
            Single(
                what=f"{until}, median of {_CHANGES}",
                amount=median(heard.milliseconds),
                unit="ms",
                bound=100 if is_target else None,
            ),
            Single(what=f"{until}, the slowest", amount=max(heard.milliseconds), unit="ms"),
            Single(what=f"{until}, CPU", amount=heard.cpu_seconds / _CHANGES * 1000, unit="ms"),
        ]
        if is_target:
            each = heard.megabytes * 1024
            what = f"W7, memory of each of {2 * _LISTENERS:,} subscribers"
            bench.results.singles.append(Single(what=what, amount=each, unit="KB"))


Workload = Callable[[Bench], None]
# W1 has two parts. W6 comes last: it says what the others have left in memory.
WORKLOADS: Final[MappingProxyType[str, Sequence[Workload]]] = MappingProxyType(
    {
        "W1": (_reads, _after_changes),
        "W2": (_aliases,),
        "W3": (_deliveries,),
        "W4": (_mixed,),
        "W5": (_growth,),
        "W7": (_subscribers,),
        "W6": (_starts,),
    }
)
PEERS: Final = MappingProxyType({LIMIT: limit, STOCK: stock, cases.MERCURIUS: mercurius})
