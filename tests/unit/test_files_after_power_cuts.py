"""Files that are made once are there when the power goes right after.

The fault tests do the same with a whole gateway.
"""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Final

import pytest

from gateway.crypto.keyfile import KeyFile
from tests.faults.disk import Disk, Rest
from tests.faults.trace import events, is_traceable, tracing

MAKES_CHECKPOINT: Final = """
import sys, pathlib
from gateway.storage.audit.checkpoints import CheckpointFile
CheckpointFile(pathlib.Path(sys.argv[1]) / "anchors").append("{}")
"""
MAKES_KEYS: Final = """
import sys, pathlib
from gateway.crypto.keyfile import KeyFile
KeyFile.create(pathlib.Path(sys.argv[1]) / "keys.json")
"""
FORGETS_THE_FOLDER: Final = """
import os, sys, pathlib
with (pathlib.Path(sys.argv[1]) / "anchors").open("w") as file:
    file.write("{}")
    file.flush()
    os.fsync(file.fileno())
"""

pytestmark = pytest.mark.skipif(
    not is_traceable(), reason="strace is missing, or may not trace here"
)


def _left(folder: Path, program: str) -> Mapping[str, bytes]:
    """Return the files that are sure to be there when the program has run."""
    made, trace = folder / "made", folder / "trace"
    made.mkdir()
    subprocess.run(tracing(trace, sys.executable, "-c", program, str(made)), check=True)
    disk = Disk()
    with trace.open() as lines:
        for event in events(lines, made):
            disk.take(event)
    return disk.after(Rest.DROPPED, Random(0))  # noqa: S311 - nothing is left to chance


@pytest.mark.rule("S56")
def test_the_first_checkpoint_is_there(tmp_path: Path) -> None:
    """Without it a trail would look like one whose anchors somebody took away."""
    assert _left(tmp_path, MAKES_CHECKPOINT) == {"anchors": b"{}\n"}


def test_a_new_key_file_is_there(tmp_path: Path) -> None:
    """A database that outlives its keys is lost."""
    left = _left(tmp_path, MAKES_KEYS)

    assert left["keys.json"] == (tmp_path / "made" / "keys.json").read_bytes()
    assert KeyFile.load(tmp_path / "made" / "keys.json").keys


def test_a_file_whose_folder_was_not_synchronised_is_gone(tmp_path: Path) -> None:
    """The control of the tests above."""
    assert _left(tmp_path, FORGETS_THE_FOLDER) == {}
    assert (tmp_path / "made" / "anchors").exists()
