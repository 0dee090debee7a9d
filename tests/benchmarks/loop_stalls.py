"""The gateway's server, which also notes how long its event loop was held up.

`STALLS` names the file. A task sleeps for 2 ms again and again; what its wake-up is late by is how
long anything else in the loop waits, too. Each time of more than 5 ms is one line: when it ended,
by the monotonic clock, and its milliseconds.
"""

import asyncio
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from unittest.mock import patch

from uvicorn import Server

from gateway.cli import main, serving

_PERIOD: Final = 0.002
_NOTED: Final = 0.005


class WatchedServer(Server):
    """uvicorn's server with the task beside its own loop."""

    async def main_loop(self) -> None:
        watching = asyncio.create_task(_watch(Path(os.environ["STALLS"])))
        try:
            await super().main_loop()
        finally:
            watching.cancel()


async def _watch(file: Path) -> None:
    with file.open("w", buffering=1) as lines:
        while True:
            begun = time.monotonic()
            await asyncio.sleep(_PERIOD)
            late = time.monotonic() - begun - _PERIOD
            if late > _NOTED:
                lines.write(f"{time.monotonic()} {late * 1000}\n")


def stalls_since(file: Path, begun: float) -> Iterator[float]:
    """Yield the milliseconds of the stalls that ended after a moment of the monotonic clock."""
    for line in file.read_text().splitlines():
        ended, milliseconds = map(float, line.split())
        if ended > begun:
            yield milliseconds


if __name__ == "__main__":
    with patch.object(serving, "Server", WatchedServer):
        main()
