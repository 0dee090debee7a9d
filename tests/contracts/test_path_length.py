"""The way of one REST alias from the ASGI entry to its row stays short."""

from pathlib import Path
from typing import Final

from gateway.services.demo import Demo
from tests.benchmarks.path_length import count

MAX_HOPS: Final = 32


async def test_an_alias_takes_few_hops_to_its_row(
    template: tuple[Path, Demo], data_dir: Path
) -> None:
    counted = await count(data_dir, template[1])

    names = [code.co_qualname for code in counted.trunk]
    # The control: both ends and a context manager on the way are seen.
    assert names[0] == "RequestPipeline.__call__"
    assert names[-1] == "_Connection.run_all"
    assert "Database.write" in names
    assert len(names) <= MAX_HOPS, names
