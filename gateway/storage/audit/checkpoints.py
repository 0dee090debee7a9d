"""Checkpoints: audit log heads, kept where those who can write to the database cannot write.

The file only grows, by whole lines. Each line is a JSON object with its own signature.
"""

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from gateway.crypto.private_files import sync_folder

# Room for one day's checkpoints; older ones add nothing to these.
_TAIL_BYTES: Final = 512 * 1024


class CheckpointFile:
    def __init__(self, path: Path) -> None:
        self.path = path

    def append(self, line: str) -> None:
        """Append a line, and return when it is on the disk.

        Raises:
            OSError: if it cannot be written.

        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            is_first = os.fstat(descriptor).st_size == 0
            # One call, so that lines of several processes do not mix. A line that a crash cut off
            # is ended first.
            os.write(descriptor, f"{end_of_rest(descriptor)}{line}\n".encode("ascii"))
            os.fsync(descriptor)
            if is_first:
                # If a power cut removed the name, the missing checkpoint would raise an alarm.
                sync_folder(self.path.parent)
        finally:
            os.close(descriptor)

    def newest(self) -> Iterator[bytes]:
        """Yield the last lines, in order; the first one can be incomplete."""
        return self._lines(_TAIL_BYTES)

    def all(self) -> Iterator[bytes]:
        return self._lines(None)

    def state(self) -> tuple[int, int, int] | None:
        """Return values that change with every appended line; None if there is no file."""
        try:
            found = self.path.stat()
        except OSError:
            return None
        return found.st_ino, found.st_size, found.st_mtime_ns

    def _lines(self, tail: int | None) -> Iterator[bytes]:
        if not self.path.exists():
            return
        with self.path.open("rb") as file:
            if tail is not None:
                file.seek(max(0, self.path.stat().st_size - tail))
            yield from file


def read_line(line: bytes) -> Mapping[str, Any] | None:
    """Return a line's JSON object; None if the line is something else."""
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def end_of_rest(descriptor: int) -> str:
    """Return what ends a line that a crash or a full disk has cut off: nothing, or a line break."""
    size = os.fstat(descriptor).st_size
    is_whole = size == 0 or os.pread(descriptor, 1, size - 1) == b"\n"
    return "" if is_whole else "\n"
