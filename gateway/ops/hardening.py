"""A server process's use of memory: keys stay in it, and garbage collection is short."""

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
# Garbage collections are rare, and full ones rarer still: each stops the event loop.
_GC_THRESHOLDS: Final = (50_000, 20, 100)


def pause_collection() -> None:
    """Collect no garbage until `freeze_start_up`: nearly all that a start makes stays."""
    gc.disable()


def freeze_start_up() -> None:
    """Exclude the objects of the start from garbage collection: they live as long as the process.

    Each process must do this once, when it is ready to serve.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_GC_THRESHOLDS)
    gc.enable()


def harden(swaps: Path = _SWAPS) -> None:
    """Forbid core dumps and access to the process's memory; warn if swap is on.

    Only Linux supports the second. A refused call is logged.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux" and ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0):
        _log.warning("memory_is_dumpable")
    if _has_swap(swaps):
        _log.warning("swap_is_on", advice="keys may reach the disk: turn swap off or encrypt it")


def _has_swap(swaps: Path) -> bool:
    # The first line is the table's head.
    return swaps.exists() and len(swaps.read_text().splitlines()) > 1
