"""Former values are destroyed on request, or when they are old, and leave nothing in the files."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from gateway.domain.permissions import Role
from gateway.domain.scopes import Scope
from gateway.services.context import ServiceContext
from gateway.services.operator.versions import Versions
from tests.faces import GraphQLFace
from tests.operations.past import (
    codes,
    deleted_at,
    events_of_secret,
    purge,
    purge_at,
    restore,
    roll_back,
    versions_of,
)
from tests.patience import until
from tests.world import World

pytestmark = pytest.mark.asyncio(loop_scope="module")

DAY = timedelta(days=1)


async def _edited(world: World, holder_id: str, key: str, texts: Sequence[str]) -> str:
    first, *others = texts
    made = await world.rest.create(Scope.JOB, holder_id, key=key, value=first)
    for text in others:
        await world.rest.edit(Scope.JOB, holder_id, made.row["id"], key=key, value=text)
    secret_id: str = made.row["id"]
    return secret_id


def _former_ciphertexts(world: World, secret_id: str) -> Sequence[bytes]:
    """Return the former values of a secret as they are stored."""
    path = world.runtime.settings.data_dir / "secrets.db"
    statement = "SELECT ciphertext FROM secret_version WHERE secret_id = ?"
    with closing(sqlite3.connect(path)) as connection:
        return [box for (box,) in connection.execute(statement, (secret_id,)) if box]


def _is_in_files(world: World, ciphertext: bytes) -> bool:
    files = world.runtime.settings.data_dir.glob("secrets.db*")
    return any(ciphertext in path.read_bytes() for path in files)


def _retention(world: World, *, days_later: int) -> Versions:
    """Return what applies the retention, at a later time."""
    at = datetime.now(UTC) + days_later * DAY
    context = ServiceContext(world.runtime.database, world.runtime.vault, now=lambda: at)
    return Versions(context)


@pytest.mark.rule("Y1")
async def test_a_purge_destroys_former_values_and_keeps_the_present_one(
    shared_world: World, fresh_job: str, key: str
) -> None:
    secret_id = await _edited(shared_world, fresh_job, key, ["one", "two", "three"])

    payload = await purge(shared_world.graphql, secret_id)

    assert (payload["purgedCount"], payload["errors"]) == (2, [])
    assert await shared_world.stored_value(secret_id) == "three"
    found = await versions_of(shared_world.graphql, secret_id)
    assert [item["isValueKept"] for item in found] == [True, False, False]
    assert codes(await roll_back(shared_world.graphql, secret_id, 1)) == ["VERSION_NOT_KEPT"]


@pytest.mark.rule("Y1")
async def test_a_purge_leaves_no_former_value_in_the_file_or_its_log(
    shared_world: World, fresh_job: str, key: str
) -> None:
    long = "0123456789" * 2_000
    secret_id = await _edited(shared_world, fresh_job, key, ["one", long, "three"])
    ciphertexts = _former_ciphertexts(shared_world, secret_id)
    # The end of a long ciphertext is on a page of its own.
    parts = [part for box in ciphertexts for part in (box[-40:], box[:40])]
    before = [_is_in_files(shared_world, part) for part in parts]

    await purge(shared_world.graphql, secret_id)

    assert len(ciphertexts) == 2
    assert all(before)
    await until(lambda: not any(_is_in_files(shared_world, part) for part in parts))


@pytest.mark.rule("Y1")
async def test_a_purged_deleted_secret_cannot_come_back(
    shared_world: World, fresh_job: str, key: str
) -> None:
    secret_id = await _edited(shared_world, fresh_job, key, ["one"])
    await shared_world.rest.delete(Scope.JOB, fresh_job, secret_id)

    payload = await purge(shared_world.graphql, secret_id)

    (deleted,) = await deleted_at(shared_world.graphql, fresh_job)
    assert payload["purgedCount"] == 1
    assert not deleted["isValueKept"]
    assert codes(await restore(shared_world.graphql, secret_id)) == ["VERSION_NOT_KEPT"]


@pytest.mark.rule("Y1")
async def test_a_purge_at_a_holder_is_for_all_below_it_and_nothing_beside_it(
    shared_world: World, fresh_job: str, key: str
) -> None:
    here = await _edited(shared_world, fresh_job, key, ["one", "two"])
    other_job = shared_world.demo.other_job_id
    beside = await _edited(shared_world, other_job, f"{key}_2", ["one", "two"])

    of_job = await purge_at(shared_world.graphql, jobId=fresh_job)
    kept = _former_ciphertexts(shared_world, beside)
    of_environment = await purge_at(
        shared_world.graphql, environmentId=shared_world.demo.environment_id
    )

    assert of_job["purgedCount"] == 1
    assert _former_ciphertexts(shared_world, here) == []
    assert len(kept) == 1
    assert of_environment["purgedCount"] >= 1
    assert _former_ciphertexts(shared_world, beside) == []


@pytest.mark.rule("Y1")
async def test_a_dry_run_of_a_purge_destroys_nothing(
    shared_world: World, fresh_job: str, key: str
) -> None:
    secret_id = await _edited(shared_world, fresh_job, key, ["one", "two"])

    payload = await purge(shared_world.graphql, secret_id, dry=True)

    assert payload["purgedCount"] == 1
    assert (await roll_back(shared_world.graphql, secret_id, 1))["errors"] == []


@pytest.mark.rule("Y1")
async def test_an_editor_cannot_destroy_what_an_edit_replaced(
    shared_world: World, fresh_job: str, key: str
) -> None:
    secret_id = await _edited(shared_world, fresh_job, key, ["one", "two"])
    document = """mutation ($id: ID!) { purgeSecretVersions(secretId: $id) {
        purgedCount errors { code } } }"""

    async with await shared_world.client_with(Role.EDITOR) as editor:
        response = await editor.post(
            "/graphql", json={"query": document, "variables": {"id": secret_id}}
        )
    async with await shared_world.client_with(Role.ADMIN) as admin:
        allowed = await purge(GraphQLFace(admin), secret_id)

    assert response.json()["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert allowed["purgedCount"] == 1


@pytest.mark.rule("Y1")
async def test_the_audit_log_says_who_destroyed_how_many_values(
    shared_world: World, fresh_job: str, key: str
) -> None:
    secret_id = await _edited(shared_world, fresh_job, key, ["one", "two"])

    await purge(shared_world.graphql, secret_id)

    *_, purged = await events_of_secret(shared_world, secret_id)
    assert (purged["action"], purged["key"]) == ("VERSIONS_PURGED", key)
    assert purged["details"] == {"count": 1}


@pytest.mark.rule("Y1")
async def test_versions_that_are_old_are_removed_but_for_the_last_of_a_living_secret(
    shared_world: World, fresh_job: str, key: str
) -> None:
    texts = [f"{number}" for number in range(5)]
    living = await _edited(shared_world, fresh_job, key, texts)
    deleted = await _edited(shared_world, fresh_job, f"{key}_2", texts)
    await shared_world.rest.delete(Scope.JOB, fresh_job, deleted)
    retention = _retention(shared_world, days_later=31)

    await retention.apply_retention(days=30, kept=2)

    found = await versions_of(shared_world.graphql, living)
    assert [item["version"] for item in found] == [5, 4, 3]
    assert found[-1]["isNewValue"] is None
    assert await deleted_at(shared_world.graphql, fresh_job) == []
    assert codes(await restore(shared_world.graphql, deleted)) == ["NOT_FOUND"]
    assert codes(await roll_back(shared_world.graphql, living, 2)) == ["VERSION_NOT_KEPT"]
    assert (await roll_back(shared_world.graphql, living, 3))["errors"] == []


@pytest.mark.rule("Y1")
async def test_versions_that_are_not_old_stay(
    shared_world: World, fresh_job: str, key: str
) -> None:
    secret_id = await _edited(shared_world, fresh_job, key, ["one", "two"])
    retention = _retention(shared_world, days_later=29)

    await retention.apply_retention(days=30, kept=0)

    assert len(await versions_of(shared_world.graphql, secret_id)) == 2


@pytest.mark.rule("Y1")
async def test_more_old_versions_than_a_step_are_removed(
    shared_world: World, fresh_job: str, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.services.operator.versions._STEP", 3)
    secret_id = await _edited(shared_world, fresh_job, key, [f"{number}" for number in range(9)])
    retention = _retention(shared_world, days_later=32)

    await retention.apply_retention(days=30, kept=1)

    found = await versions_of(shared_world.graphql, secret_id)
    assert [item["version"] for item in found] == [9, 8]
    # Once a day is enough.
    assert await retention.apply_retention(days=30, kept=0) == 0
