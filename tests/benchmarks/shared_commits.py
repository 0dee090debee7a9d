"""How many writes share a commit, and what it gives: `python -m tests.benchmarks.shared_commits`.

One server, one client and then sixteen, in turn. A tracer counts what the kernel was asked to put
on the disk; the rates come from rounds without it.
"""

import asyncio
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final
from urllib.parse import urlsplit

from tests.benchmarks.load import CONNECTIONS, Figures, measure
from tests.benchmarks.requests import Request, aliases_by_rest
from tests.benchmarks.samples import prepare
from tests.faults.trace import is_traceable
from tests.patience import PATIENCE
from tests.servers import serving

ROUNDS: Final = 5
SECONDS: Final = 4.0
JOBS: Final = 20
_SYNCS: Final = re.compile(r"^.*?(\d+)\s+(?:\d+\s+)?f(?:data)?sync$", re.MULTILINE)


class Tracer:
    """Counts the fsyncs of a process inside the block."""

    def __init__(self) -> None:
        self.fsyncs = 0

    @contextmanager
    def tracing(self, pid: int, folder: Path) -> Iterator[None]:
        summary = folder / "fsyncs"
        options = ["-f", "-c", "-U", "calls,name", "-e", "trace=fsync,fdatasync"]
        tracer = subprocess.Popen(
            ["strace", *options, "-p", str(pid), "-o", str(summary)], stderr=subprocess.PIPE
        )
        assert tracer.stderr
        # It says so when it is attached.
        tracer.stderr.readline()
        try:
            yield
        finally:
            tracer.send_signal(signal.SIGINT)
            tracer.wait(PATIENCE)
        self.fsyncs += sum(int(count) for count in _SYNCS.findall(summary.read_text()))


def _print(clients: int, rounds: list[Figures]) -> float:
    rate = median(one.per_second for one in rounds)
    p50, p99 = median(one.p50 for one in rounds), median(one.p99 for one in rounds)
    sys.stdout.write(
        f"{clients:>2} clients {rate:>7.1f}/s   p50 {p50:>7.2f} ms   p99 {p99:>7.2f} ms\n"
    )
    return rate


def _measure(port: int, pid: int, requests: Sequence[Request], folder: Path) -> None:
    rounds: dict[int, list[Figures]] = {1: [], CONNECTIONS: []}
    for _ in range(ROUNDS):
        for clients, figures in rounds.items():
            figures.append(measure(port, requests, seconds=SECONDS, clients=clients))
    one, many = (_print(clients, figures) for clients, figures in rounds.items())
    sys.stdout.write(f"throughput against one client: {many / one:.2f}\n")
    for clients in rounds if is_traceable() else ():
        tracer = Tracer()
        with tracer.tracing(pid, folder):
            traced = measure(port, requests, seconds=SECONDS, clients=clients)
        sys.stdout.write(
            f"{clients:>2} clients: {tracer.fsyncs} fsyncs for {traced.answers} writes, "
            f"{tracer.fsyncs / traced.answers:.3f} each\n"
        )


def main() -> None:
    """Measure, and print."""
    with TemporaryDirectory() as temporary:
        folder = Path(temporary) / "data"
        samples = asyncio.run(prepare(folder, size=0, written_jobs=JOBS))
        requests = aliases_by_rest(samples)
        with serving(folder, None) as server:
            assert server.process
            _measure(urlsplit(server.url).port or 0, server.process.pid, requests, Path(temporary))


if __name__ == "__main__":
    main()
