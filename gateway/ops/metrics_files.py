"""The files to which each of several workers writes its metrics.

The library maps them into memory and makes them longer without taking the room on the disk. If that
room is gone when a number is written, the system ends the process with SIGBUS. So a worker takes
the room first.
"""

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

import structlog

_log = structlog.get_logger(__name__)

# Where the library keeps the numbers of several processes; it reads this when it is imported.
FOLDER_VARIABLE: Final = "PROMETHEUS_MULTIPROC_DIR"
# Bytes of each file, by the library's name for it. They hold about 500 operations.
_SIZES: Final[Mapping[str, int]] = {
    "counter": 1024 * 1024,
    "histogram": 2 * 1024 * 1024,
    "gauge_livesum": 64 * 1024,
    "gauge_livemax": 64 * 1024,
}


def reserve_files() -> bool:
    """Take the room for this process's files; return whether there is enough.

    One process alone needs no files.
    """
    folder = os.environ.get(FOLDER_VARIABLE)
    if folder is None:
        return True
    files = {Path(folder, f"{name}_{os.getpid()}.db"): size for name, size in _SIZES.items()}
    try:
        for file, size in files.items():
            _reserve(file, size)
    except OSError as error:
        _log.error("metrics_have_no_room", folder=folder, kind=type(error).__name__)
        for file in files:
            with suppress(OSError):
                file.unlink()
        return False
    return True


def _reserve(file: Path, size: int) -> None:
    with file.open("ab") as opened:
        os.posix_fallocate(opened.fileno(), 0, size)
