"""An old database that is put back under a running server stops deliveries at once."""

import os
import shutil
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from gateway.domain.permissions import Role
from gateway.domain.scopes import Scope
from gateway.services.audit.database_guard import DatabaseGuard
from gateway.services.audit.trust import TrustFault
from gateway.services.demo import Demo
from tests.audit.audit_log import trust_fault_of
from tests.patience import PATIENCE
from tests.servers import serving
from tests.world import World, open_world

DELIVERY: Final = "query ($id: ID!) { runtimeSecrets(serviceId: $id) { key value } }"
NAME: Final = "secrets.db"


def _backup(data_dir: Path, copy: Path) -> Path:
    with (
        closing(sqlite3.connect(data_dir / NAME)) as source,
        closing(sqlite3.connect(copy)) as target,
    ):
        source.backup(target)
    return copy


def _by_rename(copy: Path, data_dir: Path) -> None:
    staged = shutil.copy(copy, data_dir / "staged.db")
    for name in (f"{NAME}-wal", f"{NAME}-shm"):
        (data_dir / name).unlink()
    os.replace(staged, data_dir / NAME)  # noqa: PTH105 - what a restore does


def _over_it(copy: Path, data_dir: Path) -> None:
    for name in (f"{NAME}-wal", f"{NAME}-shm"):
        (data_dir / name).unlink()
    shutil.copyfile(copy, data_dir / NAME)


def _over_it_beside_an_empty_wal(copy: Path, data_dir: Path) -> None:
    with closing(sqlite3.connect(data_dir / NAME)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.copyfile(copy, data_dir / NAME)


WAYS: Final[Mapping[str, Callable[[Path, Path], None]]] = {
    "renamed": _by_rename,
    "copied over beside an empty WAL": _over_it_beside_an_empty_wal,
}


async def _change(world: World, key: str) -> None:
    made = await world.rest.create(Scope.JOB, world.demo.job_id, key=key, value="v")
    assert made.code is None


async def _deliver(client: httpx.AsyncClient, demo: Demo) -> httpx.Response:
    body = {"query": DELIVERY, "variables": {"id": demo.job_id}}
    return await client.post("/graphql", json=body)


async def _deliver_known(client: httpx.AsyncClient, demo: Demo) -> httpx.Response:
    """Ask for a 304, which is not recorded."""
    return await client.get(f"/runtime/{demo.job_id}", headers={"If-None-Match": "*"})


async def _revoked_since(world: World, data_dir: Path, copy: Path) -> httpx.AsyncClient:
    """Return a client whose token was revoked after a backup was made."""
    client = await world.client_with(Role.ADMIN)
    _backup(data_dir, copy)
    tokens = world.runtime.operator.tokens
    found = await tokens.of_organization(world.demo.organization_id)
    (token_id,) = [token.id for token, _ in found if token.name == f"a {Role.ADMIN}"]
    await tokens.revoke(token_id)
    assert (await _deliver(client, world.demo)).status_code == HTTPStatus.UNAUTHORIZED
    return client


@pytest.mark.rule("S65")
@pytest.mark.parametrize("way", WAYS)
async def test_an_old_database_put_back_refuses_everything(
    world: World, data_dir: Path, tmp_path: Path, way: str
) -> None:
    """With the first request that comes, and not only for who was revoked since."""
    revoked = await _revoked_since(world, data_dir, tmp_path / "old.db")
    WAYS[way](tmp_path / "old.db", data_dir)

    answers = [
        await _deliver(revoked, world.demo),
        await _deliver(world.client, world.demo),
        await world.client.get(f"/job/{world.demo.job_id}/secret"),
        await _deliver_known(revoked, world.demo),
        await _deliver_known(world.client, world.demo),
    ]
    made = await world.rest.create(Scope.JOB, world.demo.job_id, key="KEY", value="v")

    assert {answer.status_code for answer in answers} == {HTTPStatus.SERVICE_UNAVAILABLE}
    assert made.status == HTTPStatus.SERVICE_UNAVAILABLE
    assert trust_fault_of(world) is TrustFault.DATABASE_OLDER


@pytest.mark.parametrize("way", WAYS)
async def test_an_old_database_put_back_delivers_without_the_check(
    world: World, data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """The control of the test above: the token that was revoked is good once more."""

    async def no_fault(*_: Any) -> None:
        return None

    revoked = await _revoked_since(world, data_dir, tmp_path / "old.db")
    WAYS[way](tmp_path / "old.db", data_dir)
    monkeypatch.setattr(DatabaseGuard, "_fault", no_fault)

    answer = await _deliver(revoked, world.demo)

    assert answer.json()["data"]["runtimeSecrets"]


async def test_the_newest_database_put_back_changes_nothing(
    world: World, data_dir: Path, tmp_path: Path
) -> None:
    """Another control: the file is another one, and has all that this process has seen."""
    await _change(world, "KEY")
    _by_rename(_backup(data_dir, tmp_path / "same.db"), data_dir)

    listed = await world.client.get(f"/job/{world.demo.job_id}/secret")
    await _change(world, "NEXT")

    assert listed.status_code == HTTPStatus.OK
    assert trust_fault_of(world) is None


@pytest.mark.rule("S65")
async def test_an_old_database_copied_over_without_its_wal_delivers_nothing(
    world: World, data_dir: Path, tmp_path: Path
) -> None:
    """The connections that are open have a WAL that is gone; SQLite itself refuses that."""
    revoked = await _revoked_since(world, data_dir, tmp_path / "old.db")
    _over_it(tmp_path / "old.db", data_dir)

    answers = [await _deliver(each, world.demo) for each in (revoked, world.client)]

    assert {answer.status_code for answer in answers} == {HTTPStatus.SERVICE_UNAVAILABLE}


def _folder_with_its_keys(data_dir: Path, folder: Path) -> Path:
    folder.mkdir()
    for path in data_dir.iterdir():
        if not path.name.startswith(NAME):
            shutil.copy(path, folder / path.name)
    _backup(data_dir, folder / NAME)
    return folder


@pytest.mark.rule("S65")
@pytest.mark.parametrize("changes", [1, 3], ids=["as long", "longer"])
async def test_a_database_that_took_another_way_refuses_everything(
    world: World, data_dir: Path, tmp_path: Path, template: tuple[Path, Demo], changes: int
) -> None:
    """As many events as this process has seen or more, and others."""
    other_dir = _folder_with_its_keys(data_dir, tmp_path / "other")
    async with open_world(other_dir, template[1]) as other:
        for number in range(changes):
            await _change(other, f"OTHER_{number}")
    await _change(world, "OWN")
    _by_rename(_backup(other_dir, tmp_path / "other.db"), data_dir)

    listed = await world.client.get(f"/job/{world.demo.job_id}/secret")
    delivered = await _deliver(world.client, world.demo)

    assert listed.status_code == HTTPStatus.SERVICE_UNAVAILABLE
    assert delivered.status_code == HTTPStatus.SERVICE_UNAVAILABLE
    assert trust_fault_of(world) is TrustFault.DATABASE_OTHER


@pytest.mark.rule("S65")
async def test_an_acknowledged_database_is_taken_by_a_server_that_runs(
    world: World, data_dir: Path, tmp_path: Path, template: tuple[Path, Demo]
) -> None:
    """With the request after it."""
    _backup(data_dir, tmp_path / "old.db")
    await _change(world, "KEY")
    await world.runtime.operator.audit.checkpoint()
    _by_rename(tmp_path / "old.db", data_dir)
    refused = await world.client.get(f"/job/{world.demo.job_id}/secret")
    async with open_world(data_dir, template[1]) as operator:
        assert await operator.runtime.operator.audit.acknowledge()

    listed = await world.client.get(f"/job/{world.demo.job_id}/secret")
    await _change(world, "NEXT")

    assert refused.status_code == HTTPStatus.SERVICE_UNAVAILABLE
    assert listed.status_code == HTTPStatus.OK
    assert trust_fault_of(world) is None


@pytest.mark.rule("S65")
async def test_the_database_that_belongs_there_ends_the_alarm(
    world: World, data_dir: Path, tmp_path: Path
) -> None:
    """Whoever put an old one there by mistake puts the right one back."""
    _backup(data_dir, tmp_path / "old.db")
    await _change(world, "KEY")
    _backup(data_dir, tmp_path / "right.db")
    _by_rename(tmp_path / "old.db", data_dir)
    refused = await world.client.get(f"/job/{world.demo.job_id}/secret")
    _by_rename(tmp_path / "right.db", data_dir)

    listed = await world.client.get(f"/job/{world.demo.job_id}/secret")

    assert refused.status_code == HTTPStatus.SERVICE_UNAVAILABLE
    assert listed.status_code == HTTPStatus.OK
    assert trust_fault_of(world) is None


@pytest.mark.rule("S65")
def test_a_real_server_stops_delivering_with_the_first_request(
    data_dir: Path, tmp_path: Path, template: tuple[Path, Demo]
) -> None:
    """Its next checkpoint is a day away."""
    demo = template[1]
    body = {"query": DELIVERY, "variables": {"id": demo.job_id}}
    headers = {"Authorization": f"Bearer {demo.token}"}
    with (
        serving(data_dir, demo, AUDIT_CHECKPOINT_SECONDS="86400") as server,
        httpx.Client(base_url=server.url, headers=headers, timeout=PATIENCE) as client,
    ):
        _backup(data_dir, tmp_path / "old.db")
        before = client.post("/graphql", json=body)
        _by_rename(tmp_path / "old.db", data_dir)
        after = client.post("/graphql", json=body)
        ready = client.get("/readyz")

    assert before.json()["data"]["runtimeSecrets"]
    assert after.status_code == HTTPStatus.SERVICE_UNAVAILABLE
    assert ready.json()["integrity"] == "alarm"
