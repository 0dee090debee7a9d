"""A disk that is full or read-only: nothing is lost, reading goes on, probes say why."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http import HTTPStatus
from pathlib import Path
from typing import Final

import httpx
import pytest

from gateway.config.settings import Settings
from gateway.domain.errors import RefusedStart
from gateway.runtime import Runtime
from gateway.services.demo import Demo
from tests.faults.test_kills import _damage
from tests.patience import PATIENCE
from tests.servers import serving

SMALL: Final = "size=4m"
LARGE: Final = "size=64m"
VALUE: Final = "x" * 16_000

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs to mount a file system")


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


@contextmanager
def _read_only(folder: Path) -> Iterator[None]:
    """Put the same folder over itself, read-only: no kernel remounts a disk that is written."""
    subprocess.run(["mount", "--bind", str(folder), str(folder)], check=True)
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", str(folder)], check=True)
        yield
    finally:
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


@pytest.mark.rule("S59")
def test_a_full_disk_loses_nothing_and_is_over_when_there_is_room(
    small_disk: Path, template: tuple[Path, Demo]
) -> None:
    """By the same process."""
    demo = template[1]
    path, headers = f"/job/{demo.job_id}/secret", {"Authorization": f"Bearer {demo.token}"}
    with (
        serving(small_disk, demo) as server,
        httpx.Client(base_url=server.url, headers=headers, timeout=PATIENCE) as client,
    ):
        before = client.get("/readyz")
        acknowledged, refused = _fill(client, path, 0)
        while_full, ready_while_full = client.get(path), client.get("/readyz")
        _mount(small_disk, LARGE, "remount")
        after = client.post(path, json={"key": "AFTER", "value": VALUE})
        ready_after = client.get("/readyz")
        found = {row["key"] for row in client.get(path).json()["results"]}

    assert len(acknowledged) > 10
    assert refused.status_code == HTTPStatus.SERVICE_UNAVAILABLE
    assert "cannot write to its storage" in refused.json()["detail"]
    assert (before.status_code, ready_after.status_code) == (HTTPStatus.OK, HTTPStatus.OK)
    assert ready_while_full.status_code == HTTPStatus.SERVICE_UNAVAILABLE
    assert ready_while_full.json() == {"status": "unavailable", "reason": "disk_full"}
    assert int(refused.headers["retry-after"]) <= 2
    assert while_full.status_code == HTTPStatus.OK
    assert set(acknowledged) <= {row["key"] for row in while_full.json()["results"]}
    assert after.status_code == HTTPStatus.CREATED
    assert {*acknowledged, "AFTER"} <= found
    assert _damage(small_disk / "secrets.db") == []


@pytest.mark.rule("S59")
def test_a_read_only_database_is_read_and_is_not_ready(
    small_disk: Path, template: tuple[Path, Demo]
) -> None:
    """Until it can be written again, by the same process."""
    demo = template[1]
    path, headers = f"/job/{demo.job_id}/secret", {"Authorization": f"Bearer {demo.token}"}
    with (
        serving(small_disk, demo) as server,
        httpx.Client(base_url=server.url, headers=headers, timeout=PATIENCE) as client,
    ):
        with _read_only(small_disk):
            during, read = client.get("/readyz"), client.get(path)
        after, written = client.get("/readyz"), client.post(path, json={"key": "AFTER"})

    assert during.status_code == HTTPStatus.SERVICE_UNAVAILABLE
    assert during.json() == {"status": "unavailable", "reason": "read_only"}
    assert read.status_code == HTTPStatus.OK
    assert (after.status_code, written.status_code) == (HTTPStatus.OK, HTTPStatus.CREATED)


@pytest.mark.rule("S58")
@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("remount", "ro"), "read-only for this user"),
        (("remount",), "its disk is full: free some space"),
    ],
    ids=["read-only", "full"],
)
async def test_the_start_says_why_a_database_that_is_there_cannot_be_used(
    small_disk: Path, options: tuple[str, ...], words: str
) -> None:
    """SQLite says "unable to open database file" of both, and of one that is missing."""
    with (small_disk / "ballast").open("wb", buffering=0) as ballast, suppress(OSError):
        while True:
            ballast.write(b"x" * 4_096)
    _mount(small_disk, SMALL, *options)

    with pytest.raises(RefusedStart, match=words) as refused:
        async with Runtime.over(Settings(data_dir=small_disk)).running():
            pass

    assert "secrets-gateway migrate" not in str(refused.value)
