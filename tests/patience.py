"""How long tests wait: the one place for it.

A test waits for a condition, which has as long as a busy machine needs. A wait ends only so that a
defect fails the test instead of stopping the run. No bound here is an expectation: a statement
about time keeps its own bound beside its test.
"""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Mapping
from inspect import isawaitable
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, TypeVar

from gateway.config.settings import Settings

Found = TypeVar("Found")

# Seconds in which something that must happen does happen. TEST_PATIENCE changes it.
PATIENCE: Final = float(os.environ.get("TEST_PATIENCE", "120"))
# Seconds in which a test looks for something that must not happen. A busy machine can hide a defect
# from such a look, but cannot make it find one.
SILENCE: Final = 0.5
# Settings of a server whose deadlines are not what a test is about.
PATIENT_SETTINGS: Final[Mapping[str, str]] = MappingProxyType(
    dict.fromkeys(
        ("DEADLINE_SECONDS", "HEAD_SECONDS", "BODY_SECONDS", "KEEP_ALIVE_SECONDS"), f"{PATIENCE:g}"
    )
)
_PAUSE: Final = 0.02


def patient_settings(data_dir: Path, **chosen: Any) -> Settings:
    """Return the settings of a gateway in this process, whose deadlines no test is about."""
    patient = {"graphiql": False, "deadline_seconds": PATIENCE}
    return Settings(data_dir=data_dir, **{**patient, **chosen})


def wait_until(condition: Callable[[], Found | None]) -> Found:
    """Wait until the condition returns something that is true, and return it.

    Raises:
        TimeoutError: if it does not.

    """
    end = time.monotonic() + PATIENCE
    while not (found := condition()):
        if time.monotonic() > end:
            raise TimeoutError(condition)
        time.sleep(_PAUSE)
    return found


async def until(condition: Callable[[], Awaitable[Found | None] | Found | None]) -> Found:
    """Wait as `wait_until` does, while the event loop goes on; the condition may be awaitable.

    Raises:
        TimeoutError: if it does not become true.

    """
    async with patiently():
        while True:
            looked = condition()
            found = await looked if isawaitable(looked) else looked
            if found:
                return found
            await asyncio.sleep(_PAUSE)


def patiently() -> asyncio.Timeout:
    """Return a context that ends with TimeoutError if its block, which must end, does not."""
    return asyncio.timeout(PATIENCE)
