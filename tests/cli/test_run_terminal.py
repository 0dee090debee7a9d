"""`run` in a terminal: the command is stopped and continued like any other."""

import os
import pty
import re
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.patience import PATIENCE

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="signals say where they are from")

_STOPS = 3
# Seconds that a stop takes at least: longer than any wait for a signal that has a time limit.
_STOP_SECONDS = 0.6
RUNNING = """
import os, sys
from gateway.cli.launching import holding_signals, run_child
with holding_signals() as mask:
    code = run_child(sys.argv[1:], dict(os.environb), mask)
sys.exit(code)
"""
COMMAND = f"""
import signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, {{signal.SIGCONT}})
print("begun", flush=True)
for number in range({_STOPS}):
    signal.sigwait({{signal.SIGCONT}})
    print("again", number, flush=True)
sys.exit(7)
"""


class _Terminal:
    """An interactive shell on a terminal, as a person has it before them."""

    def __init__(self, keyboard: int) -> None:
        self._keyboard = keyboard
        self._shown = ""

    def type(self, text: str) -> None:
        os.write(self._keyboard, text.encode())

    def wait_for(self, pattern: str) -> str:
        """Read until the pattern is on the screen; forget what was before its end."""
        while not (found := re.search(pattern, self._shown)):
            self._read(PATIENCE)
        self._shown = self._shown[found.end() :]
        return found[0]

    def stay_silent(self, seconds: float) -> None:
        """Read on until nothing comes for so long."""
        while select.select([self._keyboard], [], [], seconds)[0]:
            self._read(0)

    def _read(self, seconds: float) -> None:
        ready, _, _ = select.select([self._keyboard], [], [], seconds)
        assert ready, f"Nothing more comes after: {self._shown}"
        self._shown += os.read(self._keyboard, 4_096).decode()


@contextmanager
def _terminal() -> Iterator[_Terminal]:
    keyboard, terminal = pty.openpty()
    name = os.ttyname(terminal)
    # A session of its own, whose terminal the first one that it opens becomes.
    opening = ["sh", "-c", f"exec sh -i <{name} >{name} 2>&1"]
    with subprocess.Popen(
        opening, env=os.environ | {"PS1": "ready> ", "ENV": ""}, start_new_session=True
    ) as process:
        try:
            yield _Terminal(keyboard)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    os.close(terminal)
    os.close(keyboard)


def test_command_that_is_stopped_and_continued_ends_by_itself(tmp_path: Path) -> None:
    """Continuing interrupts the wait for signals, which is no signal for the command."""
    running, command = tmp_path / "running.py", tmp_path / "command.py"
    running.write_text(RUNNING)
    command.write_text(COMMAND)
    with _terminal() as terminal:
        terminal.wait_for("ready> ")
        terminal.type(f"'{sys.executable}' {running} '{sys.executable}' {command}; echo code=$?\n")
        terminal.wait_for("begun")
        for number in range(_STOPS):
            terminal.type("\x1a")
            terminal.wait_for("Stopped[^>]*ready> ")
            terminal.stay_silent(_STOP_SECONDS)
            terminal.type("fg; echo code=$?\n")
            assert terminal.wait_for(r"again \d+|code=\d+") == f"again {number}"

        assert terminal.wait_for(r"code=\d+") == "code=7"


WAITING = """
import signal
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
print("begun", flush=True)
while signal.sigtimedwait({signal.SIGUSR1}, 0.02) is None:
    print("nothing", flush=True)
print("a signal", flush=True)
"""


def test_control_wait_with_a_time_limit_returns_a_signal_that_nobody_sent() -> None:
    """CPython: a wait that is interrupted when its time is over returns what was in memory."""
    with subprocess.Popen(
        [sys.executable, "-c", WAITING], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        seen = process.stdout.readline()
        while seen != "a signal\n":
            process.send_signal(signal.SIGSTOP)
            os.waitid(os.P_PID, process.pid, os.WSTOPPED)
            # Until more than its time is over.
            select.select([], [], [], 0.03)
            process.send_signal(signal.SIGCONT)
            seen = process.stdout.readline()
            assert seen, "It ended without a word."
