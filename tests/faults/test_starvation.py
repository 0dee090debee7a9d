"""Everybody is served in turn, and what is too much is refused at once instead of kept waiting."""

import os
import shutil
import statistics
import sys
from collections import Counter
from collections.abc import Iterator
from http import HTTPStatus
from itertools import chain
from pathlib import Path
from typing import Final

import pytest

from gateway.services.demo import Demo
from tests.faults.crowd import Crowd
from tests.servers import LiveServer, serving

SECONDS: Final = float(os.environ.get("FAULT_SECONDS", "60"))
CLIENTS: Final = int(os.environ.get("FAULT_CLIENTS", "64"))
TOO_MANY: Final = int(os.environ.get("FAULT_TOO_MANY", "1000"))
# Seconds. The deadline, and what it takes to say that it has passed.
LONGEST: Final = 12


@pytest.fixture
def server(template: tuple[Path, Demo], tmp_path: Path) -> Iterator[LiveServer]:
    """A server with its own deadline, which lets one address hold all these connections."""
    folder = shutil.copytree(template[0], tmp_path / "data")
    chosen = {"CONNECTIONS_PER_PEER": "0", "DEADLINE_SECONDS": "10"}
    with serving(folder, template[1], **chosen) as started:
        yield started


@pytest.mark.rule("S37", "S59")
async def test_every_client_is_served_and_none_waits_much_longer_than_others(
    server: LiveServer, capsys: pytest.CaptureFixture[str]
) -> None:
    """64 clients that fetch values at once."""
    clients = await Crowd(server, CLIENTS).fetch_for(SECONDS)
    waits = list(chain.from_iterable(client.served for client in clients))
    median, longest = statistics.median(waits), max(client.longest_wait for client in clients)
    with capsys.disabled():
        sys.stdout.write(
            f"\n{CLIENTS} clients, {SECONDS:g} s: {len(waits)} deliveries, "
            f"{min(len(client.served) for client in clients)} to the one with the fewest, "
            f"median {median:.2f} s, longest wait {longest:.2f} s\n"
        )

    assert all(client.served for client in clients)
    assert longest <= 5 * median


@pytest.mark.rule("S37", "S59")
async def test_what_is_too_much_is_refused_at_once(
    server: LiveServer, capsys: pytest.CaptureFixture[str]
) -> None:
    """A thousand clients."""
    clients = await Crowd(server, TOO_MANY).fetch_for(SECONDS)
    statuses = sum((client.statuses for client in clients), Counter())
    longest = max(client.longest_answer for client in clients)
    with capsys.disabled():
        sys.stdout.write(
            f"\n{TOO_MANY} clients, {SECONDS:g} s: {dict(statuses)}, "
            f"longest answer {longest:.2f} s\n"
        )

    assert statuses[HTTPStatus.OK]
    assert statuses[HTTPStatus.SERVICE_UNAVAILABLE]
    # Some were let in before it was known how slowly places become free.
    late = statuses[HTTPStatus.GATEWAY_TIMEOUT]
    assert late < statuses[HTTPStatus.SERVICE_UNAVAILABLE] / 100
    assert (
        statuses.total()
        == sum(statuses[item] for item in (HTTPStatus.OK, HTTPStatus.SERVICE_UNAVAILABLE)) + late
    )
    assert longest <= LONGEST
