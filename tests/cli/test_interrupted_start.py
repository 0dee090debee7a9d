"""Ctrl-C while the program starts ends it as it ends any other, and prints nothing."""

import signal
import subprocess
import sys

import pytest

from gateway.cli import server
from tests.cli.conftest import CommandLine

# Interrupts the process when it begins to import the module that its argument names.
INTERRUPTED = """
import os, signal, sys
# Whoever starts the tests in the background may have had it ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
moment = sys.argv.pop(1)
class Finder:
    def find_spec(self, name, *_):
        if name == moment:
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Finder())
"""
PROGRAM = "from gateway.cli import main; sys.argv += ['organization', 'list', '--help']; main()"


def _run(module: str, program: str) -> tuple[int, str, str]:
    arguments = [sys.executable, "-c", INTERRUPTED + program, module]
    ended = subprocess.run(arguments, capture_output=True, text=True, check=False)
    return ended.returncode, ended.stdout, ended.stderr


@pytest.mark.parametrize("module", ["gateway.cli.entry", "sqlalchemy"])
def test_interrupt_during_the_start_is_silent(module: str) -> None:
    """A shell shows the end by this signal as 130."""
    assert _run(module, PROGRAM) == (-signal.SIGINT, "", "")


def test_interrupt_of_a_command_is_silent(
    line: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(server, "settings", interrupt)

    ended = line("check")

    assert (ended.code, ended.out, ended.err) == (128 + signal.SIGINT, "", "")


def test_interrupt_is_ignored_where_it_is_ignored_at_the_start() -> None:
    """As in the background of a shell without job control."""
    ignoring = "signal.signal(signal.SIGINT, signal.SIG_IGN)\n"

    code, out, _ = _run("sqlalchemy", ignoring + PROGRAM)

    assert code == 0
    assert "secrets-gateway organization list" in out


def test_control_import_alone_prints_where_it_was_interrupted() -> None:
    code, _, err = _run("typer", "import gateway.cli.entry")

    assert code != 0
    assert err.endswith("KeyboardInterrupt\n")
