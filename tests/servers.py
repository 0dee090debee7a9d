"""Real server processes, started as an operator would."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

import httpx

from gateway.services.demo import Demo
from tests.patience import PATIENCE, PATIENT_SETTINGS, wait_until


@dataclass(frozen=True, slots=True)
class LiveServer:
    """Where a server listens, and what the demo in it is made of."""

    url: str
    demo: Mapping[str, str]
    # Where it is one process, that; for tests of how it ends.
    process: "subprocess.Popen[bytes] | None" = field(default=None, repr=False)
    log: Path | None = None

    @property
    def logged(self) -> str:
        """What the process has logged so far."""
        assert self.log, "Several processes log elsewhere."
        return self.log.read_text()


# With this variable a process measures its coverage, which takes as long again as its start.
MEASURES: Final = "COVERAGE_PROCESS_CONFIG"
# The command line's own program.
PROGRAM: Final = ("-c", "from gateway.cli import main; main()")


def command(*arguments: str, program: Sequence[str] = PROGRAM) -> list[str]:
    """Return the command line's program, or a test's version of it, with these arguments."""
    return [sys.executable, *program, *arguments]


def unmeasured() -> dict[str, str]:
    """Return this process's environment for one that does not measure its coverage."""
    return {name: value for name, value in os.environ.items() if name != MEASURES}


def environment(data_dir: Path, **settings: str) -> dict[str, str]:
    """Return this process's environment with the gateway's settings instead of any it has.

    The process does not measure its coverage.
    """
    kept = {k: v for k, v in unmeasured().items() if not k.startswith("SECRETS_GATEWAY_")}
    named = {f"SECRETS_GATEWAY_{name}": setting for name, setting in settings.items()}
    return kept | {"SECRETS_GATEWAY_DATA_DIR": str(data_dir)} | named


@contextmanager
def serving(
    data_dir: Path, demo: Demo | None, *, program: Sequence[str] = PROGRAM, **settings: str
) -> Iterator[LiveServer]:
    """Run a server on a free port until the block ends; it is patient where no setting differs."""
    log = data_dir.parent / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command("serve", "--host", "127.0.0.1", "--port", "0", program=program),
            env=measured(environment(data_dir, **{**PATIENT_SETTINGS, **settings})),
            stdout=output,
            stderr=output,
        )
        try:
            yield LiveServer(_address(process, log), asdict(demo) if demo else {}, process, log)
        finally:
            process.terminate()
            process.wait(timeout=PATIENCE)


def measured(variables: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of a process that measures its coverage, if this one does."""
    return {**variables, **{k: v for k, v in os.environ.items() if k == MEASURES}}


def _address(process: "subprocess.Popen[bytes]", log: Path) -> str:
    def listens() -> re.Match[str] | None:
        assert process.poll() is None, log.read_text()
        return re.search(r"running on (http://[\d.:]+)", log.read_text())

    url = wait_until(listens)[1]
    wait_until(lambda: httpx.get(f"{url}/readyz", timeout=PATIENCE).is_success)
    return url
