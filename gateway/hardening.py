"""How a server's process treats its memory: keys stay in it, and collecting garbage is short."""

import ctypes
import gc
import resource
import sys
from pathlib import Path
from typing import Final

import structlog

_log = structlog.get_logger(__name__)

_SWAPS: Final = Path("/proc/swaps")
# From <sys/prctl.h>.
_PR_SET_DUMPABLE: Final = 4
# Garbage collections are rare, and those of everything are rarer still: each stops the event loop.
_GC_THRESHOLDS: Final = (50_000, 20, 100)


def freeze_start_up() -> None:
    """Leave what the start has made out of later garbage collections: it lives as long as they do.

    Each process does this once, when it is ready to serve.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_GC_THRESHOLDS)


def harden(swaps: Path = _SWAPS) -> None:
    """Write no memory to disk when the process crashes, let no other look into it; tell of swap.

    Only Linux knows the second; where something is refused, the log says so.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux" and ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0):
        _log.warning("memory_is_dumpable")
    if _has_swap(swaps):
        _log.warning("swap_is_on", advice="keys may reach the disk: turn swap off or encrypt it")


def _has_swap(swaps: Path) -> bool:
    # The first line is the table's head.
    return swaps.exists() and len(swaps.read_text().splitlines()) > 1
