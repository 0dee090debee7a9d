"""Several workers: a slow start is waited for, and what does not answer is replaced."""

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.patience import PATIENCE, wait_until
from tests.servers import command, environment, measured

# Imported by each Python process that finds it on its path: workers start as slowly as it says.
SLOW_START = """
import os, sys, time
if "--multiprocessing-fork" in sys.argv or any("spawn_main" in part for part in sys.orig_argv):
    time.sleep(float(os.environ["TEST_START_SECONDS"]))
"""
# Answers with the number of its process.
SUPERVISE = """
import os, sys
from uvicorn import Config
from gateway.cli.serving import run_server

async def app(scope, receive, send):
    assert scope["type"] == "http"
    await send({"type": "http.response.start", "status": 200})
    await send({"type": "http.response.body", "body": str(os.getpid()).encode()})

if __name__ == "__main__":
    run_server(
        Config(
            "supervise:app",
            port=0,
            workers=2,
            lifespan="off",
            timeout_worker_healthcheck=int(sys.argv[1]),
        )
    )
"""


@dataclass(frozen=True, slots=True)
class Running:
    """A parent process with its workers."""

    process: "subprocess.Popen[bytes]"
    log: Path

    def url(self) -> str:
        """Return where it listens, once it does."""
        wait_until(lambda: "running on http" in self.log.read_text())
        return self.log.read_text().partition("running on ")[2].split()[0]

    def ask(self, path: str = "/") -> httpx.Response | None:
        """Return an answer, or None while there is nobody to give one."""
        try:
            return httpx.get(self.url() + path, timeout=2)
        except httpx.TransportError:
            return None

    def log_has(self, event: str, *, pid: int) -> bool:
        """Tell whether the log has a line about this and a process."""
        return any(
            event in line and line.endswith(f"pid={pid}")
            for line in self.log.read_text().splitlines()
        )

    def count(self, event: str) -> int:
        """Return how often the log has a line about this."""
        return self.log.read_text().count(event)


@contextmanager
def _running(arguments: Sequence[str], env: dict[str, str], tmp_path: Path) -> Iterator[Running]:
    log = tmp_path / "parent.log"
    with log.open("wb") as output:
        process = subprocess.Popen(arguments, env=env, stdout=output, stderr=output, cwd=tmp_path)
        try:
            yield Running(process, log)
        finally:
            process.terminate()
            process.wait(PATIENCE)


@contextmanager
def _supervised(tmp_path: Path, *, patience: int, start: float = 0) -> Iterator[Running]:
    (tmp_path / "supervise.py").write_text(textwrap.dedent(SUPERVISE))
    arguments = [sys.executable, "supervise.py", str(patience)]
    with _running(arguments, _slow(measured(os.environ), tmp_path, start), tmp_path) as running:
        yield running


def _slow(environ: dict[str, str], tmp_path: Path, start: float) -> dict[str, str]:
    (tmp_path / "sitecustomize.py").write_text(SLOW_START)
    path = os.pathsep.join([str(tmp_path), str(Path.cwd())])
    return {**environ, "PYTHONPATH": path, "TEST_START_SECONDS": f"{start:g}"}


def test_workers_that_start_slowly_come_up(data_dir: Path, tmp_path: Path) -> None:
    """uvicorn itself would replace them after 5 seconds, for ever."""
    serve = command("serve", "--host", "127.0.0.1", "--port", "0", "--workers", "2")
    with _running(serve, _slow(environment(data_dir), tmp_path, 6), tmp_path) as running:
        wait_until(lambda: (answer := running.ask("/readyz")) and answer.is_success)

        assert running.count("worker_replaced") == 0


def test_workers_that_are_not_waited_for_do_not(tmp_path: Path) -> None:
    """The control of the test above, with shorter times."""
    with _supervised(tmp_path, patience=1, start=4) as running:
        wait_until(lambda: running.count("worker_replaced") >= 4)

        assert running.ask() is None


def test_a_worker_that_hangs_is_replaced(tmp_path: Path) -> None:
    # Long enough for a start on a busy machine.
    with _supervised(tmp_path, patience=30) as running:
        answer = wait_until(running.ask)
        hanging = int(answer.text)
        os.kill(hanging, signal.SIGSTOP)
        wait_until(lambda: running.log_has("worker_replaced", pid=hanging))
        others = wait_until(running.ask)

        assert int(others.text) != hanging
        with pytest.raises(ProcessLookupError):
            os.kill(hanging, 0)


@pytest.mark.rule("S73")
def test_a_worker_that_hangs_does_not_keep_the_parent_from_stopping(tmp_path: Path) -> None:
    """Neither the question whether it is alive, nor its end, is waited for."""
    with _supervised(tmp_path, patience=600) as running:
        answer = wait_until(running.ask)
        os.kill(int(answer.text), signal.SIGSTOP)
        running.process.terminate()
        status = running.process.wait(PATIENCE)

        assert running.count("worker_killed") == 1
    assert status == 0
