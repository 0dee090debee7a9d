"""Keys change while a server is written to, and whoever changes them is killed."""

import json
from pathlib import Path
from typing import Any

import pytest

from gateway.crypto.keyfile import KeyFile
from gateway.services.demo import Demo
from tests.faults.rotating import DYING_PROGRAM, loaded, rotation
from tests.servers import run_forked, serving

pytestmark = pytest.mark.rule("S54")

SECRETS = 60
# Each is where something has been done and what follows from it has not; the number says which
# time. The fault tests have more of them.
POINTS = [("rotate", "rewrap:2"), ("rotate --data", "_renew:1"), ("rotate --data", "reseal:55")]


def _status(data_dir: Path) -> Any:
    _, printed = run_forked(data_dir, "keys", "status", "--json")
    return json.loads(printed)


async def test_a_killed_rotation_loses_nothing_and_is_finished_by_the_next(
    template: tuple[Path, Demo], data_dir: Path
) -> None:
    """Killed at each step, under load: every read goes through, every acknowledged value opens."""
    with serving(data_dir, template[1]) as server:
        async with loaded(server, first=SECRETS) as load:
            for arguments, point in POINTS:
                killed = await rotation(
                    data_dir,
                    *arguments.split(),
                    program=DYING_PROGRAM,
                    point=point,
                )
                assert killed == -9, point
                await load.ensure_complete()
            finished = await rotation(data_dir, "rewrap")
            retired = await rotation(data_dir, "retire", "--yes")
        status = _status(data_dir)

    assert (finished, retired) == (0, 0)
    assert load.reads > len(POINTS)
    assert {data_key["kek_id"] for data_key in status["data_keys"]} == {status["kek_id"]}
    assert {data_key["state"] for data_key in status["data_keys"]} == {"ACTIVE"}
    assert sum(data_key["values"] for data_key in status["data_keys"]) > SECRETS
    assert list(KeyFile.load(data_dir / "keys.json").keys) == [status["kek_id"]]
