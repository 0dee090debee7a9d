"""Real server processes, started as an operator would."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Final, Protocol

import httpx

from gateway.services.demo import Demo
from tests.forking import PROGRAM, ForkedProcess
from tests.patience import PATIENCE, PATIENT_SETTINGS, wait_until


class Process(Protocol):
    """A process that a test started."""

    @property
    def pid(self) -> int:
        """Its id."""

    def poll(self) -> int | None:
        """Return its exit status, if it has ended."""

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end, and return its exit status."""

    def terminate(self) -> None:
        """Ask it to end."""

    def kill(self) -> None:
        """End it."""


@dataclass(frozen=True, slots=True)
class LiveServer:
    """Where a server listens, and what the demo in it is made of."""

    url: str
    demo: Mapping[str, str]
    # Where it is one process, that; for tests of how it ends.
    process: Process | None = field(default=None, repr=False)
    log: Path | None = None

    @property
    def logged(self) -> str:
        """What the process has logged so far."""
        assert self.log, "Several processes log elsewhere."
        return self.log.read_text()


# With this variable a process measures its coverage, which takes as long again as its start. Tests
# put it aside under the other name, so that only those processes have it that are to be measured.
MEASURES: Final = "COVERAGE_PROCESS_CONFIG"
ASIDE: Final = "TEST_COVERAGE_PROCESS_CONFIG"


def command(*arguments: str, program: Sequence[str] = PROGRAM) -> list[str]:
    """Return the command line's program, or a test's version of it, with these arguments."""
    return [sys.executable, *program, *arguments]


def run_forked(
    data_dir: Path, *arguments: str, program: Sequence[str] = PROGRAM, **more: str
) -> tuple[int, str]:
    """Run a command on a data folder; return how it ended and what it printed."""
    with NamedTemporaryFile("r", encoding="utf-8") as output:
        variables = environment(data_dir, LOG_LEVEL="warning") | more
        process = ForkedProcess.started(
            *arguments, variables=variables, output=Path(output.name), program=program
        )
        return process.wait(PATIENCE), output.read()


def environment(data_dir: Path, **settings: str) -> dict[str, str]:
    """Return this process's environment with the gateway's settings instead of any it has."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("SECRETS_GATEWAY_")}
    named = {f"SECRETS_GATEWAY_{name}": setting for name, setting in settings.items()}
    return kept | {"SECRETS_GATEWAY_DATA_DIR": str(data_dir)} | named


@contextmanager
def serving(
    data_dir: Path, demo: Demo | None, *, program: Sequence[str] = PROGRAM, **settings: str
) -> Iterator[LiveServer]:
    """Run a server on a free port until the block ends; it is patient where no setting differs."""
    variables = environment(data_dir, **{**PATIENT_SETTINGS, **settings})
    with _running(data_dir, demo, program, variables) as server:
        yield server


@contextmanager
def serving_measured(data_dir: Path, demo: Demo, **settings: str) -> Iterator[LiveServer]:
    """Run a server whose coverage is measured if this process's is."""
    variables = environment(data_dir, **{**PATIENT_SETTINGS, **settings})
    with _running(data_dir, demo, PROGRAM, measured(variables)) as server:
        yield server


@contextmanager
def _running(
    data_dir: Path, demo: Demo | None, program: Sequence[str], variables: Mapping[str, str]
) -> Iterator[LiveServer]:
    log = data_dir.parent / "server.log"
    process = _started(program, variables, log)
    try:
        yield LiveServer(_address(process, log), asdict(demo) if demo else {}, process, log)
    finally:
        process.terminate()
        process.wait(timeout=PATIENCE)


def _started(program: Sequence[str], variables: Mapping[str, str], log: Path) -> Process:
    arguments = ("serve", "--host", "127.0.0.1", "--port", "0")
    log.write_bytes(b"")
    # A process that measures its coverage has to see its imports.
    if program is PROGRAM and MEASURES not in variables:
        return ForkedProcess.started(*arguments, variables=variables, output=log)
    with log.open("wb") as output:
        return subprocess.Popen(
            command(*arguments, program=program), env=variables, stdout=output, stderr=output
        )


def measured(variables: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of a process that measures its coverage, if this one does."""
    return {**variables, MEASURES: os.environ[ASIDE]} if ASIDE in os.environ else dict(variables)


def _address(process: Process, log: Path) -> str:
    def listens() -> re.Match[str] | None:
        assert process.poll() is None, log.read_text()
        return re.search(r"running on (http://[\d.:]+)", log.read_text())

    url = wait_until(listens)[1]
    wait_until(lambda: httpx.get(f"{url}/readyz", timeout=PATIENCE).is_success)
    return url
