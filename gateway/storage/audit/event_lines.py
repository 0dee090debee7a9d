"""Committed events as lines of JSON, in a file or on standard output, for other programs.

A line is written after the commit: an event that was undone has none, and a crash in between loses
the line of an event that is in the log. The numbers of events have no gaps, so a reader sees that.
"""

import json
import os
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from fcntl import LOCK_EX, flock
from pathlib import Path
from typing import BinaryIO, Final

import structlog

from gateway.domain.audit import SealedEvent
from gateway.domain.errors import RefusedStart
from gateway.storage.audit.checkpoints import end_of_rest

_log = structlog.get_logger(__name__)

# Names standard output instead of a file.
STANDARD_OUTPUT: Final = Path("-")


class UnwritableEvents(RefusedStart):
    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(
            f"{path} cannot be written: {reason}. Choose another file for the events with "
            "SECRETS_GATEWAY_AUDIT_EVENTS_FILE."
        )


class EventLines:
    def __init__(self, target: Path | BinaryIO) -> None:
        """Take the file, or a stream such as standard output."""
        self._target = target
        # How many events have a line, and of how many it is lost.
        self.counts: Counter[str] = Counter(written=0, lost=0)

    def ensure_writable(self) -> None:
        """Refuse a file that cannot be written; create it if it is missing.

        Raises:
            UnwritableEvents: with the reason.

        """
        if isinstance(self._target, Path):
            try:
                os.close(_open(self._target))
            except OSError as error:
                raise UnwritableEvents(self._target, error.strerror or "it is closed") from None

    def write(self, events: Sequence[SealedEvent]) -> None:
        """Write committed events. A failure is logged, because nothing can be undone any more."""
        # In ASCII, so that no name can end a line or move a terminal's cursor.
        lines = "".join(f"{json.dumps(sealed.plain)}\n" for sealed in events)
        fault = self._fault_of_writing(lines)
        self.counts["lost" if fault else "written"] += len(events)
        if fault:
            first, last = events[0].event.seq, events[-1].event.seq
            _log.error("audit_events_not_written", kind=fault, first=first, last=last)

    def _fault_of_writing(self, lines: str) -> str | None:
        try:
            if isinstance(self._target, Path):
                return None if _append(self._target, lines) else "CutOff"
            self._target.write(lines.encode("ascii"))
            self._target.flush()
        except (OSError, ValueError) as error:
            return type(error).__name__
        return None


def _append(path: Path, lines: str) -> bool:
    """Append lines to a file; return whether all of them are there."""
    # Opened each time, so that the file can be rotated at any moment.
    descriptor = _open(path)
    try:
        # Another process may be in the middle of its lines. Some file systems have no locks.
        with suppress(OSError):
            flock(descriptor, LOCK_EX)
        # One call, so that lines of several processes do not mix without locks either.
        whole = f"{end_of_rest(descriptor)}{lines}".encode("ascii")
        return os.write(descriptor, whole) == len(whole)
    finally:
        os.close(descriptor)


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
