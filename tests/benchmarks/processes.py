"""Processes that are measured: where they run, what they take, and that they end."""

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.patience import PATIENCE, wait_until

_TICKS: Final = os.sysconf("SC_CLK_TCK")
_MEMORY: Final = re.compile(r"^VmRSS:\s+(\d+) kB$", re.MULTILINE)


class NotStarted(Exception):
    """A server ended before it listened; the text is the end of its log."""


@dataclass(frozen=True, slots=True)
class Server:
    """A server that listens on loopback."""

    name: str
    port: int
    pid: int

    @property
    def cpu_seconds(self) -> float:
        """Processor time that it has taken, in steps of 10 ms."""
        return _cpu_ticks(Path(f"/proc/{self.pid}/stat").read_text()) / _TICKS

    @property
    def cpu_nanoseconds(self) -> int:
        """Processor time of its present threads, exactly."""
        threads = Path(f"/proc/{self.pid}/task").glob("*/schedstat")
        return sum(int(thread.read_text().split()[0]) for thread in threads)

    @property
    def megabytes(self) -> float:
        """Memory that it has in use."""
        found = _MEMORY.search(Path(f"/proc/{self.pid}/status").read_text())
        assert found
        return int(found[1]) / 1024


def _cpu_ticks(stat: str) -> int:
    # The name of the program is in parentheses, and can have blanks.
    fields = stat.rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


@dataclass(frozen=True, slots=True)
class Cores:
    """The core of the servers and the one of the clients; without two cores, all share them."""

    servers: frozenset[int]
    clients: frozenset[int]

    @classmethod
    def available(cls) -> "Cores":
        first, *others = sorted(os.sched_getaffinity(0))
        if not others:
            return cls(frozenset({first}), frozenset({first}))
        return cls(frozenset({others[-1]}), frozenset({first}))

    @contextmanager
    def of_servers(self) -> Iterator[None]:
        """Start processes on the servers' core inside the block."""
        before = os.sched_getaffinity(0)
        os.sched_setaffinity(0, self.servers)
        try:
            yield
        finally:
            os.sched_setaffinity(0, before)


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextmanager
def running(
    name: str,
    command: Sequence[str],
    *,
    port: int,
    cores: Cores,
    log: Path,
    variables: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> Iterator[Server]:
    """Run a server until the block ends; the block begins when it listens.

    Raises:
        NotStarted: if it ends before.
        TimeoutError: if it does neither.

    """
    with log.open("ab") as output, cores.of_servers():
        # In a session of its own, so that Ctrl-C reaches it through the end of the block only.
        process = subprocess.Popen(
            command,
            env=variables,
            cwd=folder,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        wait_until(lambda: _listens(name, process, port, log))
        yield Server(name, port, process.pid)
    finally:
        process.terminate()
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(PATIENCE)


def _listens(name: str, process: subprocess.Popen[bytes], port: int, log: Path) -> bool:
    if process.poll() is not None:
        message = f"{name} ended with {process.returncode}: {log.read_text()[-500:]}"
        raise NotStarted(message)
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def uvicorn(application: str, port: int) -> list[str]:
    """Return the command that serves what a function of a module returns."""
    return [sys.executable, "-m", "uvicorn", "--factory", application, "--port", str(port)]
