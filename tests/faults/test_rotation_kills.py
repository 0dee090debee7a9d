"""Rotations killed at every step and at any moment, under load; servers killed with them."""

import asyncio
import os
import statistics
import sys
from pathlib import Path
from random import Random
from typing import Final

import pytest

from gateway.services.demo import Demo
from tests.faults.rotating import DYING_PROGRAM, Load, killed_rotation, loaded, rotation
from tests.servers import serving

KILLS: Final = int(os.environ.get("FAULT_KILLS", "500"))
CALM_SECONDS: Final = 10
SECRETS: Final = 200
KILLED: Final = -9
POINTS: Final = [
    ("rotate", "add_key:1"),
    ("rotate", "rewrap:1"),
    ("rotate", "rewrap:3"),
    ("rotate --data", "retire:1"),
    ("rotate --data", "_renew:1"),
    ("rotate --data", "_renew:2"),
    ("rotate --data", "reseal:1"),
    ("rotate --data", "reseal:75"),
    ("rewrap", "remove_unused:1"),
]

pytestmark = pytest.mark.timeout(7_200)


@pytest.mark.parametrize(("arguments", "point"), POINTS, ids=[item[1] for item in POINTS])
async def test_dying_at_this_point_loses_nothing(
    template: tuple[Path, Demo], data_dir: Path, arguments: str, point: str
) -> None:
    """At every step that has a name."""
    with serving(data_dir, template[1]) as server:
        async with loaded(server, first=SECRETS) as load:
            ended = await rotation(data_dir, *arguments.split(), program=DYING_PROGRAM, point=point)
            await load.ensure_complete()
            finished = await rotation(data_dir, "rewrap")

    assert (ended, finished) == (KILLED, 0)


async def test_rotations_killed_at_any_moment_lose_nothing(
    template: tuple[Path, Demo], data_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """No read fails, no acknowledged value is lost, and the last run ends what was begun."""
    chance = Random(8)  # noqa: S311 - chooses moments only
    kills = 0
    with serving(data_dir, template[1]) as server:
        async with loaded(server, first=SECRETS) as load:
            load.times.clear()
            await asyncio.sleep(CALM_SECONDS)
            calm = _p99(load)
            while kills < KILLS:
                arguments = chance.choice(["rotate", "rotate --data", "rewrap"]).split()
                ended = await killed_rotation(data_dir, *arguments, after=chance.uniform(0.8, 2.5))
                kills += ended == KILLED
                await load.ensure_complete()
            finished = await rotation(data_dir, "rewrap")
            retired = await rotation(data_dir, "retire", "--yes")

    assert (finished, retired) == (0, 0)
    with capsys.disabled():
        counted = f"{kills} kills, {load.writes} acknowledged, {load.reads} complete reads"
        sys.stdout.write(
            f"\n{counted}; p99 of writes {calm:.0f} ms before, {_p99(load):.0f} beside\n"
        )


def _p99(load: Load) -> float:
    """Return the milliseconds that 99 of 100 writes stayed below, and begin to count anew."""
    times, load.times = load.times, []
    return statistics.quantiles(times, n=100)[98] * 1_000
