"""Two processes and the command line beside them, over thousands of checkpoints."""

import os
from pathlib import Path
from typing import Final

import pytest

from gateway.services.demo import Demo
from tests.audit.audit_log import checkpoints_in, trust_fault_of
from tests.audit.checkpointing import run_beside_each_other
from tests.world import open_world

CHECKPOINTS: Final = int(os.environ.get("FAULT_CHECKPOINTS", "10000"))

pytestmark = [pytest.mark.timeout(7_200), pytest.mark.rule("S68")]


async def test_thousands_of_checkpoints_raise_no_alarm(
    data_dir: Path, template: tuple[Path, Demo]
) -> None:
    before = len(checkpoints_in(data_dir))

    ended = run_beside_each_other(data_dir, count=CHECKPOINTS)

    assert [item for item in ended if item[0] != 0 or "database_not_trusted" in item[1]] == []
    assert len(checkpoints_in(data_dir)) >= before + CHECKPOINTS // 2
    async with open_world(data_dir, template[1]) as world:
        assert trust_fault_of(world) is None
