"""A process that writes and checkpoints as fast as it can: `python -m … <data folder> <count>`."""

import asyncio
import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from gateway.config.settings import Settings
from gateway.runtime import Runtime
from tests.servers import command, environment

_SECONDS: Final = 3_600


async def _checkpoint(data_dir: Path, count: int) -> int:
    """Write an event and checkpoint it, so many times; return how often there was an alarm."""
    alarms = 0
    async with Runtime.over(Settings(data_dir=data_dir)).running() as runtime:
        audit, organizations = runtime.operator.audit, runtime.operator.organizations
        name = f"of process {os.getpid()}"
        own = await organizations.create(name=name)
        for number in range(count):
            await organizations.rename(organization_id=own.id, name=f"{name}, {number}")
            await audit.checkpoint()
            alarms += audit.trust_fault is not None
    return alarms


def run_beside_each_other(data_dir: Path, *, count: int) -> list[tuple[int, str]]:
    """Run two such processes, and the command line beside them until both have ended.

    Returns the exit code and the output of each process and command.
    """
    found: list[tuple[int, str]] = []
    here, settings = str(Path(__file__).parents[2]), environment(data_dir)
    program = [sys.executable, "-m", __name__, str(data_dir), str(count // 2)]
    with ExitStack() as stack:
        writers = [
            stack.enter_context(
                subprocess.Popen(
                    program,
                    env=settings,
                    cwd=here,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    text=True,
                )
            )
            for _ in range(2)
        ]
        while any(writer.poll() is None for writer in writers):
            for asked in (("audit", "head"), ("audit", "verify"), ("doctor",)):
                ended = subprocess.run(
                    command(*asked),
                    env=settings,
                    capture_output=True,
                    text=True,
                    timeout=_SECONDS,
                    check=False,
                )
                found.append((ended.returncode, ended.stdout + ended.stderr))
        found += [(writer.wait(), "".join(writer.stdout or ())) for writer in writers]
    return found


if __name__ == "__main__":
    sys.exit(asyncio.run(_checkpoint(Path(sys.argv[1]), int(sys.argv[2]))))
