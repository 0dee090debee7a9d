"""Measure the gateway and its peers, and print the report as Markdown: `make bench`.

All servers run at the same time over copies of the same data, on one core; the client has another
one. They are measured in turn. Everything of the gateway is on: credentials, permissions, MACs,
the audit log, logs, synchronous=FULL. docs/performance.md explains the figures.
"""

import asyncio
import os
import platform
import re
import signal
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, NoReturn

from gateway.config.logging import configure_logs
from gateway.config.types import LogFormat, LogLevel
from tests.benchmarks.cases import GATEWAY
from tests.benchmarks.figures import Results, to_markdown
from tests.benchmarks.options import Options, UnknownOption
from tests.benchmarks.peers.launching import Missing, Place, gateway, node_version
from tests.benchmarks.processes import Cores, NotStarted, Server
from tests.benchmarks.rounds import WRK, FailedRequests
from tests.benchmarks.samples import prepare
from tests.benchmarks.workloads import PEERS, WORKLOADS, Bench, Workload

_JOBS: Final = 100
_SMALL: Final = 1_000
_WRONG_OPTION: Final = 2
_INTERRUPTED: Final = 130
_POSTGRAPHILE_NODE: Final = 22


def main() -> None:
    """Measure and print.

    Raises:
        SystemExit: with 1 if something failed, with 2 for a wrong option, with 130 after an
            interrupt.

    """
    configure_logs(LogFormat.JSON, LogLevel.ERROR)
    # Servers that are started compile the gateway once, and not at each start.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    # What was started ends with this process.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    try:
        options = Options.read()
    except UnknownOption as wrong:
        _say(f"{wrong}")
        sys.exit(_WRONG_OPTION)
    results, status = Results(), 1
    try:
        _run(options, results)
        status = int(bool(results.failed))
    except KeyboardInterrupt:
        status = _INTERRUPTED
    finally:
        # Whatever happens, what was measured so far is printed.
        print("\n".join([*_head(options), "", *to_markdown(results)]))
    sys.exit(status)


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


def _run(options: Options, results: Results) -> None:
    with (
        TemporaryDirectory(prefix="bench-") as temporary,
        _bench(options, Path(temporary), results) as bench,
    ):
        for name, workloads in WORKLOADS.items():
            if name in options.only:
                _say(f"{name} …")
                for workload in workloads:
                    _measure(bench, name, workload)


def _measure(bench: Bench, name: str, workload: Workload) -> None:
    try:
        workload(bench)
    except Missing as missing:
        bench.results.missing.append(f"{name}, OpenBao: {missing}")
    except (FailedRequests, NotStarted, OSError) as failure:
        bench.results.failed.append(f"{name}: {str(failure) or 'it took too long'}")


@contextmanager
def _bench(options: Options, folder: Path, results: Results) -> Iterator[Bench]:
    cores, small = Cores.available(), folder / "small"
    _say(f"Making databases with 1,000 and {options.secrets:,} further secrets …")
    place = Place(folder, folder / "data", cores)
    samples = asyncio.run(prepare(place.data, size=options.secrets, written_jobs=_JOBS))
    small.mkdir()
    small_place = Place(small, small / "data", cores)
    small_samples = asyncio.run(prepare(small_place.data, size=_SMALL, written_jobs=_JOBS))
    os.sched_setaffinity(0, cores.clients)
    with ExitStack() as stack:
        servers = _start(place, results, stack)
        yield Bench(options, place, samples, servers, results, (small_place, small_samples))


def _start(place: Place, results: Results, stack: ExitStack) -> dict[str, Server]:
    servers: dict[str, Server] = {}
    for name, start in PEERS.items():
        try:
            servers[name] = stack.enter_context(start(place))
        except Missing as missing:
            results.missing.append(f"{name}: {missing}")
    results.missing.append(f"PostGraphile 5: {why_no_postgraphile(node_version())}")
    return {GATEWAY: stack.enter_context(gateway(place)), **servers}


def why_no_postgraphile(node: int | None) -> str:
    """Return why it is not a peer: with this Node, or with any."""
    if node is None or node < _POSTGRAPHILE_NODE:
        return f"it needs Node {_POSTGRAPHILE_NODE} or newer; here is {node or 'no Node'}"
    return "it answers from PostgreSQL only, and the gateway from SQLite only"


def _head(options: Options) -> Iterator[str]:
    size, rounds = f"{options.secrets:,}", f"{options.rounds} rounds of {options.seconds} s"
    yield (
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC. {_processor()}, {os.cpu_count()} cores, "
        f"{platform.system()} {platform.release()}. Python {platform.python_version()}, "
        f"SQLite {sqlite3.sqlite_version}, Node {node_version() or 'is not installed'}. "
        f"{rounds} after {options.warm_up} s of warming up, by "
        f"{'wrk' if WRK else 'a client in Python'}; {size} further secrets."
    )


def _processor() -> str:
    found = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return found[1] if found else platform.machine()


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
