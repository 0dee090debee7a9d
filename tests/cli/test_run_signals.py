"""`run`: signals reach the command, once, and nothing is left behind."""

import os
import pty
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest

from gateway.cli import deliveries
from gateway.cli.delivered import Delivered
from gateway.cli.deliveries import delivered_to
from gateway.cli.launching import holding_signals, run_child
from gateway.cli.options import OnUnresolved
from gateway.services.demo import Demo
from tests.cli.conftest import CommandLine
from tests.patience import PATIENCE
from tests.servers import command, environment

WAITING = """
import os, signal, sys
def end(number, _):
    print("got", signal.Signals(number).name, flush=True)
    sys.exit(5)
for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
    signal.signal(number, end)
print(os.environ["TLS_CERTIFICATE"], flush=True)
signal.pause()
"""
# Two signals that come at the same time may become one, so it is asked for several times.
COUNTING = """
import signal
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
print("ready", flush=True)
for _ in range(5):
    signal.sigwait({signal.SIGINT})
    print("twice" if signal.sigtimedwait({signal.SIGINT}, 0.3) else "once", flush=True)
"""


def _python(script: str) -> list[str]:
    return [sys.executable, "-c", script]


@contextmanager
def _running(data_dir: Path, service: str, script: str) -> Iterator[subprocess.Popen[str]]:
    arguments = command("run", "--service", service, "--", *_python(script))
    settings = environment(data_dir, LOG_LEVEL="warning")
    with subprocess.Popen(
        arguments, env=settings, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def _next_line(stream: IO[str] | None) -> str:
    assert stream
    return stream.readline().rstrip()


def test_signals_are_ours_again_afterwards(line: CommandLine, demo: Demo) -> None:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, []), signal.getsignal(signal.SIGCHLD)

    line("run", "--service", demo.job_id, "--", "true")

    after = signal.pthread_sigmask(signal.SIG_BLOCK, []), signal.getsignal(signal.SIGCHLD)
    assert after == before


@pytest.mark.skipif(sys.platform != "linux", reason="tells a process's signals in /proc")
def test_command_gets_the_signals_that_are_held_or_ignored_here(
    line: CommandLine, demo: Demo
) -> None:
    """We hold what we pass on; Python ignores SIGPIPE and SIGXFSZ."""
    looking = ["grep", "-E", "^Sig(Blk|Ign):", "/proc/self/status"]

    finished = line("run", "--service", demo.job_id, "--", *looking)

    blocked, ignored = (int(mask, 16) for mask in finished.out.split()[1::2])
    assert blocked == 0
    assert ignored & (1 << signal.SIGPIPE - 1 | 1 << signal.SIGXFSZ - 1) == 0


def test_signals_are_held_before_the_gateways_threads_start(
    line: CommandLine, demo: Demo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thread has the mask that it starts with; one without it would be ended by a signal."""
    held: set[int] = set()

    def deliver(service_id: str, on_unresolved: OnUnresolved) -> Delivered:
        held.update(signal.pthread_sigmask(signal.SIG_BLOCK, []))
        return delivered_to(service_id, on_unresolved)

    monkeypatch.setattr(deliveries, "delivered_to", deliver)

    line("run", "--service", demo.job_id, "--", "true")

    assert held >= {signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGCHLD}


def test_signal_that_comes_before_the_command_starts_keeps_it_from_starting(
    tmp_path: Path,
) -> None:
    file = tmp_path / "started"

    with holding_signals() as mask:
        # To this thread: another one of the test run does not hold it back.
        signal.pthread_kill(threading.get_ident(), signal.SIGUSR1)
        code = run_child(["touch", str(file)], {}, mask)
        signal.sigwait({signal.SIGUSR1})

    assert code == 128 + signal.SIGUSR1
    assert not file.exists()


@pytest.mark.parametrize("name", ["SIGHUP", "SIGINT", "SIGTERM"])
def test_signals_are_passed_on_and_the_files_removed(data_dir: Path, demo: Demo, name: str) -> None:
    with _running(data_dir, demo.job_id, WAITING) as process:
        certificate = Path(_next_line(process.stdout))
        was_there = certificate.exists()

        process.send_signal(signal.Signals[name])

        assert _next_line(process.stdout) == f"got {name}"
        assert process.wait(timeout=PATIENCE) == 5
    assert was_there
    assert not certificate.parents[2].exists()


def _pressed_interrupt(keyboard: int, process: "subprocess.Popen[str]") -> str:
    os.write(keyboard, b"\x03")
    return _next_line(process.stdout)


@pytest.mark.skipif(sys.platform == "darwin", reason="its signals do not tell where they are from")
def test_interrupt_from_the_keyboard_reaches_the_command_once(data_dir: Path, demo: Demo) -> None:
    """The terminal sends it to both; passing it on would make it two."""
    keyboard, terminal = pty.openpty()
    arguments = command("run", "--service", demo.job_id, "--", *_python(COUNTING))
    # A session of its own, whose terminal the first one that it opens becomes.
    opening = ["sh", "-c", f'exec "$@" <{os.ttyname(terminal)}', "sh", *arguments]
    with subprocess.Popen(
        opening,
        env=environment(data_dir, LOG_LEVEL="warning"),
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        ready = _next_line(process.stdout)

        seen = {_pressed_interrupt(keyboard, process) for _ in range(5)}

    assert (ready, seen) == ("ready", {"once"})
    os.close(terminal)
    os.close(keyboard)
