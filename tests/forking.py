"""Processes of the command line that are forked from one which has imported the gateway.

They start in a third of the time. Tests of the start itself use a new interpreter.
"""

import multiprocessing
import os
import runpy
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import chdir
from multiprocessing.context import ForkServerProcess
from multiprocessing.reduction import DupFd
from pathlib import Path
from threading import Lock
from typing import Any, Final

from gateway.cli.commands import COMMANDS

# The command line's own program, as arguments of Python.
PROGRAM: Final = ("-c", "from gateway.cli import main; main()")
FORKING: Final = multiprocessing.get_context("forkserver")
_ROOT: Final = Path(__file__).parents[1]
_STARTING: Final = Lock()
_COMMANDS: Final = {
    f"gateway.cli.{target.partition(':')[0]}"
    for row in COMMANDS.values()
    for target in (row.function, row.remote)
    if target
}
FORKING.set_forkserver_preload(["gateway.app", "gateway.cli.entry", *sorted(_COMMANDS)])


class ForkedProcess:
    """A process of the command line, with the methods of a `subprocess.Popen` that tests call."""

    def __init__(self, process: ForkServerProcess) -> None:
        self._process = process

    @classmethod
    def started(
        cls,
        *arguments: str,
        variables: Mapping[str, str],
        output: Path,
        program: Sequence[str] = PROGRAM,
    ) -> "ForkedProcess":
        """Run a command, which prints into a file, by the program or by a test's version of it."""
        with Path(os.devnull).open("rb") as nothing, output.open("ab") as file:
            streams = nothing.fileno(), file.fileno(), file.fileno()
            return cls.over(streams, *arguments, variables=variables, program=program)

    @classmethod
    def over(
        cls,
        streams: Sequence[int],
        *arguments: str,
        variables: Mapping[str, str],
        folder: Path | None = None,
        program: Sequence[str] = PROGRAM,
    ) -> "ForkedProcess":
        """Run a command with these standard streams, in this folder or the present one."""
        own = [_Stream(stream) for stream in streams]
        given = (tuple(program), arguments, dict(variables), folder or Path.cwd(), own)
        process = FORKING.Process(target=_run, args=given, daemon=True)
        # The first start also starts the process that the others are forked from.
        with _STARTING, chdir(_ROOT):
            process.start()
        return cls(process)

    @property
    def pid(self) -> int:
        """Its id."""
        assert self._process.pid is not None
        return self._process.pid

    def poll(self) -> int | None:
        """Return its exit status, if it has ended; a signal that ended it is a negative number."""
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end, and return its exit status.

        Raises:
            subprocess.TimeoutExpired: if it goes on.

        """
        self._process.join(timeout)
        status = self._process.exitcode
        if status is None:
            raise subprocess.TimeoutExpired(str(self._process), timeout or 0)
        return status

    def terminate(self) -> None:
        """Ask it to end."""
        self._process.terminate()

    def kill(self) -> None:
        """End it."""
        self._process.kill()


class _Stream:
    """A file descriptor that a process is given, in the place where it is there."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def __reduce__(self) -> tuple[Callable[[Any], int], tuple[Any]]:
        return _detached, (DupFd(self._descriptor),)


def _detached(given: Any) -> int:
    descriptor: int = given.detach()
    return descriptor


def _run(
    program: tuple[str, str],
    arguments: Sequence[str],
    variables: Mapping[str, str],
    folder: Path,
    streams: Sequence[int],
) -> None:
    """Become a process as the operating system starts it, but for what is imported."""
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    # Python chose these by what was there before.
    sys.stdin = os.fdopen(0, encoding="utf-8")
    sys.stdout = os.fdopen(1, "w", encoding="utf-8")
    sys.stderr = os.fdopen(2, "w", 1, "utf-8", "backslashreplace")
    os.environ.clear()
    os.environ.update(variables)
    os.chdir(folder)
    sys.argv = ["secrets-gateway", *arguments]
    option, text = program
    if option == "-m":
        runpy.run_module(text, run_name="__main__")
    else:
        exec(text, {"__name__": "__main__"})  # noqa: S102 - a program of the tests
