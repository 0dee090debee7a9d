"""Values that a person types: on a terminal, and unseen."""

import os
import pty
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gateway.services.demo import Demo
from tests.cli.conftest import CommandLine
from tests.patience import PATIENCE
from tests.servers import command, environment

MARKER = b"marker-77c1e0"
END = b"\x04"


@contextmanager
def _asked(data_dir: Path, demo: Demo) -> Iterator[tuple["subprocess.Popen[bytes]", int]]:
    """Start a rotation on a terminal, and go on when it asks for the value."""
    keyboard, terminal = pty.openpty()
    with subprocess.Popen(
        command("builtin", "rotate", demo.built_in_secret_id),
        env=environment(data_dir, LOG_LEVEL="warning"),
        stdin=terminal,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # Without a terminal of its own it asks where its standard input is.
        start_new_session=True,
    ) as process:
        assert process.stderr
        assert process.stderr.read(len("Value: ")) == b"Value: "
        yield process, keyboard
    os.close(terminal)
    os.close(keyboard)


def test_typed_value_is_taken_and_not_shown(data_dir: Path, demo: Demo, line: CommandLine) -> None:
    with _asked(data_dir, demo) as (process, keyboard):
        os.write(keyboard, MARKER + b"\n")
        out, err = process.communicate(timeout=PATIENCE)
        # Something of our own, so that there is an end to read up to.
        os.write(keyboard, b"x")
        shown = os.read(keyboard, 1_000)

    assert process.returncode == 0
    assert MARKER not in out + err + shown
    delivered = line("export", "--service", demo.job_id, "--format", "json").answer
    assert delivered["QOVERY_POSTGRESQL_ZF83A_PASSWORD"] == MARKER.decode()


def test_nothing_typed_is_refused(data_dir: Path, demo: Demo) -> None:
    with _asked(data_dir, demo) as (process, keyboard):
        os.write(keyboard, END)
        _, err = process.communicate(timeout=PATIENCE)

    assert process.returncode == 1
    assert err.splitlines()[-1] == b"secrets-gateway: no value was given."
