"""A disk that is full (T3, S59): nothing acknowledged is lost, and reading goes on."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Final

import httpx
import pytest

from gateway.services.demo import Demo
from tests.faults.test_kills import _damage
from tests.patience import PATIENCE
from tests.servers import serving

SMALL: Final = "size=3m"
LARGE: Final = "size=64m"
VALUE: Final = "x" * 16_000

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="needs to mount a file system"),
]


def _mount(place: Path, size: str, *options: str) -> None:
    command = ["mount", "-t", "tmpfs", "-o", ",".join([*options, size]), "tmpfs", str(place)]
    subprocess.run(command, check=True)


@pytest.fixture
def small_disk(template: tuple[Path, Demo], tmp_path: Path) -> Iterator[Path]:
    """A data folder on a disk that is soon full."""
    folder = tmp_path / "data"
    folder.mkdir()
    try:
        _mount(folder, SMALL, "mode=700")
    except subprocess.CalledProcessError:
        pytest.skip("file systems cannot be mounted here")
    shutil.copytree(template[0], folder, dirs_exist_ok=True)
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def _fill(client: httpx.Client, path: str, first: int) -> tuple[list[str], httpx.Response]:
    """Write until something is refused; return what was acknowledged, and the refusal."""
    acknowledged: list[str] = []
    while True:
        key = f"KEY_{first + len(acknowledged):05}"
        answer = client.post(path, json={"key": key, "value": VALUE})
        if answer.status_code != HTTPStatus.CREATED:
            return acknowledged, answer
        acknowledged.append(key)


def test_a_full_disk_loses_nothing_and_is_over_when_there_is_room(
    small_disk: Path, template: tuple[Path, Demo]
) -> None:
    """T3, S59: by the same process."""
    demo = template[1]
    path, headers = f"/job/{demo.job_id}/secret", {"Authorization": f"Bearer {demo.token}"}
    with (
        serving(small_disk, demo) as server,
        httpx.Client(base_url=server.url, headers=headers, timeout=PATIENCE) as client,
    ):
        acknowledged, refused = _fill(client, path, 0)
        while_full = client.get(path)
        _mount(small_disk, LARGE, "remount")
        after = client.post(path, json={"key": "AFTER", "value": VALUE})
        found = {row["key"] for row in client.get(path).json()["results"]}

    assert len(acknowledged) > 10
    assert refused.status_code == HTTPStatus.SERVICE_UNAVAILABLE
    assert int(refused.headers["retry-after"]) <= 2
    assert while_full.status_code == HTTPStatus.OK
    assert set(acknowledged) <= {row["key"] for row in while_full.json()["results"]}
    assert after.status_code == HTTPStatus.CREATED
    assert {*acknowledged, "AFTER"} <= found
    assert _damage(small_disk / "secrets.db") == []
