"""A server's memory stays in the server. Tried in processes of their own."""

import ctypes
import json
import re
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.config.types import LogFormat
from gateway.ops.hardening import harden
from tests.operations.canaries import all_logs
from tests.patience import PATIENCE, wait_until
from tests.servers import command, environment

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="what Linux tells of a process")
REPORT = """
import ctypes, json, resource
from gateway.ops.hardening import harden
{harden}
print(json.dumps([resource.getrlimit(resource.RLIMIT_CORE)[0], ctypes.CDLL(None).prctl(3)]))
"""


READY = """
import asyncio, gc, json
from gateway.app import build_app, create_app
from gateway.ops.hardening import pause_collection
from gateway.runtime import Runtime
from gateway.config.settings import Settings

pause_collection()

async def ready():
    app = {make}
    async with app.router.lifespan_context(app):
        print(json.dumps([gc.get_threshold()[0], gc.get_freeze_count(), gc.isenabled()]))

asyncio.run(ready())
"""


def _collector_of(make: str, data_dir: Path) -> list[int]:
    """Return what the collector of a server is like that is ready.

    Its first threshold, the number of frozen objects, and whether it collects.
    """
    ended = subprocess.run(
        [sys.executable, "-c", READY.format(make=make)],
        env=environment(data_dir),
        capture_output=True,
        check=True,
    )
    found: list[int] = json.loads(ended.stdout)
    return found


def test_what_the_start_made_is_left_out_of_garbage_collections(data_dir: Path) -> None:
    """Nothing is collected before. The control is an application that nobody serves."""
    threshold, frozen, collects = _collector_of("create_app()", data_dir)
    stock = _collector_of("build_app(Runtime.over(Settings()))", data_dir)

    assert threshold == 50_000
    assert collects
    assert frozen > 50_000
    # Which threshold an interpreter begins with differs between its versions.
    assert stock[0] < threshold
    assert stock[1:] == [0, False]


def _reported(harden_line: str) -> list[int]:
    program = [sys.executable, "-c", REPORT.format(harden=harden_line)]
    ended = subprocess.run(program, capture_output=True, check=True)
    result: list[int] = json.loads(ended.stdout)
    return result


@pytest.mark.rule("S49")
@LINUX
def test_a_hardened_process_leaves_no_dump() -> None:
    """The control is a process that was not hardened."""
    assert _reported("harden()") == [0, 0]
    assert _reported("pass")[1] == 1


@pytest.mark.rule("S49")
@LINUX
def test_a_server_is_hardened(data_dir: Path) -> None:
    log = data_dir / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command("serve", "--port", "0"),
            env=environment(data_dir),
            stdout=output,
            stderr=output,
        )
        try:
            wait_until(lambda: "running on" in log.read_text() or process.poll() is not None)
            limits = Path(f"/proc/{process.pid}/limits").read_text()
        finally:
            process.terminate()
            process.wait(timeout=PATIENCE)

    assert re.search(r"Max core file size\s+0\s+0\s", limits)


def _warned(swaps: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    # In this process only what is told.
    monkeypatch.setattr(resource, "setrlimit", lambda *_: None)
    monkeypatch.setattr(ctypes, "CDLL", lambda _: _Kernel())
    with all_logs(LogFormat.JSON) as logs:
        harden(swaps)
    return logs.getvalue()


class _Kernel:
    answer = 0

    def prctl(self, *_: int) -> int:
        """Do nothing."""
        return self.answer


@pytest.mark.rule("S49")
@pytest.mark.parametrize("lines", [1, 2])
def test_swap_is_warned_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lines: int) -> None:
    swaps = tmp_path / "swaps"
    swaps.write_text("Filename Type Size\n/dev/sda2 partition 1\n"[: None if lines == 2 else 19])

    assert ("swap_is_on" in _warned(swaps, monkeypatch)) is (lines == 2)


def test_where_nothing_is_reported_of_swap_nothing_is_warned_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "swap_is_on" not in _warned(tmp_path / "none", monkeypatch)


def test_a_kernel_that_refuses_is_warned_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_Kernel, "answer", -1)
    monkeypatch.setattr(sys, "platform", "linux")

    assert "memory_is_dumpable" in _warned(tmp_path / "none", monkeypatch)
