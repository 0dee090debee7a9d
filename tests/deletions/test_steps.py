"""A large deletion is answered at once; its rows go in steps, each with its events."""

from collections import Counter
from pathlib import Path

import pytest

from gateway import runtime as runtimes
from gateway.domain.drafts import HolderReference
from gateway.domain.holders import new_id
from gateway.domain.permissions import Role
from gateway.domain.scopes import Scope
from gateway.runtime import periodic_tasks
from gateway.services.deletions import MAX_ROWS
from tests.audit.audit_log import database_of, events_since, faults, last_seq, row_faults
from tests.deletions.large import MANY, another, delete, fill, large_project, rows_below, stored
from tests.patience import until
from tests.world import World

pytestmark = pytest.mark.unmeasured
TABLES = ("secret", "sealed_value", "value_reference", "role_grant", "data_key", "holder")


async def _unsound(world: World) -> list[object]:
    return [*await row_faults(world), *await faults(world)]


async def test_the_answer_names_all_rows_while_they_are_still_stored(world: World) -> None:
    large = await large_project(world)

    payload = await delete(world, Scope.PROJECT, large[Scope.PROJECT])

    assert set(payload["deletedHolderIds"]) == set(large.values())
    assert len(payload["deletedSecretIds"]) == MANY
    assert rows_below(world, large[Scope.PROJECT]) == MANY + len(large)
    assert await _unsound(world) == []


async def test_steps_delete_all_rows_and_nothing_else(world: World) -> None:
    def counts() -> list[int]:
        return [stored(world, f"SELECT count(*) FROM {table}")[0][0] for table in TABLES]  # noqa: S608 - our own tables

    before = counts()
    large = await large_project(world)
    at = HolderReference(Scope.JOB, large[Scope.JOB])
    await world.client_with(Role.VIEWER, on=at)
    await delete(world, Scope.PROJECT, large[Scope.PROJECT])

    await world.runtime.operator.deletions.finish()

    assert counts() == before
    assert stored(world, "SELECT * FROM deletion") == []
    assert await _unsound(world) == []


async def test_a_step_deletes_a_bounded_number_of_rows(world: World) -> None:
    large, sizes = await large_project(world), []
    await delete(world, Scope.PROJECT, large[Scope.PROJECT])
    before = rows_below(world, large[Scope.PROJECT])

    def note() -> None:
        nonlocal before
        now = rows_below(world, large[Scope.PROJECT])
        sizes.append(before - now)
        before = now

    world.runtime.database.after_commit = note
    await world.runtime.operator.deletions.finish()

    assert sizes == [MAX_ROWS, MAX_ROWS, len(large)]


async def test_a_small_deletion_is_one_transaction(world: World) -> None:
    """Up to the bound, nothing is put off."""
    job_id = await another(
        world, Scope.JOB, HolderReference(Scope.ENVIRONMENT, world.demo.environment_id)
    )
    await fill(world, job_id, secrets=MAX_ROWS - 1)
    since = await last_seq(world)

    await delete(world, Scope.JOB, job_id)

    assert stored(world, "SELECT * FROM holder WHERE id = ?", job_id) == []
    assert stored(world, "SELECT * FROM deletion") == []
    (event,) = [e for e in await events_since(world, since) if e["subject"] == "HOLDER"]
    assert event["details"] == {"kind": "JOB"}


async def test_what_refers_to_secrets_goes_before_them(world: World) -> None:
    large = await large_project(world)
    job = (Scope.JOB, large[Scope.JOB])
    above = await world.rest.create(Scope.PROJECT, large[Scope.PROJECT], key="ABOVE", value="v")
    override = await world.rest.override(*job, above.row["id"], value="{{FILLER_1}}")
    for number in range(MAX_ROWS):
        target = (above, override)[number % 2]
        await world.rest.alias(*job, target.row["id"], key=f"ALIAS_{number}")

    await delete(world, Scope.PROJECT, large[Scope.PROJECT])
    await world.runtime.operator.deletions.finish()

    assert rows_below(world, large[Scope.PROJECT]) == 0
    assert await _unsound(world) == []


async def test_the_log_names_who_deleted_in_every_step(world: World) -> None:
    large, since = await large_project(world), await last_seq(world)
    await delete(world, Scope.PROJECT, large[Scope.PROJECT])
    (begun,) = await events_since(world, since)

    await world.runtime.operator.deletions.finish()

    events = await events_since(world, since)
    assert Counter(event["action"] for event in events) == {
        "SECRET_DELETED": MANY,
        "DATA_KEY_DELETED": 1,
        "HOLDER_DELETED": len(large) + 1,
    }
    origins = {(e["actor_kind"], e["actor_id"], e["face"], e["request_id"]) for e in events}
    assert origins == {("TOKEN", begun["actor_id"], "GRAPHQL", begun["request_id"])}
    facts = {"kind": "PROJECT", "holders": 2, "secrets": MANY}
    ends = [e["details"] for e in events if e["subject_id"] == large[Scope.PROJECT]]
    assert ends == [facts | {"is_complete": False}, facts | {"is_complete": True}]


async def test_a_server_goes_on_with_a_deletion(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtimes, "DELETIONS_ARE_FINISHED_EVERY", 0.01)
    large = await large_project(world)
    await delete(world, Scope.PROJECT, large[Scope.PROJECT])

    async with periodic_tasks(world.runtime.operator, world.runtime.settings):
        await until(lambda: rows_below(world, large[Scope.PROJECT]) == 0)


async def test_a_dry_run_deletes_and_hides_nothing(world: World) -> None:
    large = await large_project(world)

    payload = await delete(world, Scope.PROJECT, large[Scope.PROJECT], dry=True)

    assert len(payload["deletedSecretIds"]) == MANY
    assert len(await world.rest.visible(Scope.JOB, large[Scope.JOB])) == MANY
    assert stored(world, "SELECT * FROM deletion") == []


async def test_a_repeated_request_is_answered_as_before(world: World) -> None:
    """With an idempotency key, while rows go and afterwards."""
    large, key = await large_project(world), new_id()
    first = await delete(world, Scope.PROJECT, large[Scope.PROJECT], key=key)

    during = await delete(world, Scope.PROJECT, large[Scope.PROJECT], key=key)
    await world.runtime.operator.deletions.finish()
    after = await delete(world, Scope.PROJECT, large[Scope.PROJECT], key=key)

    assert during == after == first


async def test_a_project_can_be_deleted_while_a_part_of_it_goes(world: World) -> None:
    large = await large_project(world)
    environment = HolderReference(Scope.ENVIRONMENT, large[Scope.ENVIRONMENT])
    await fill(world, await another(world, Scope.JOB, environment), secrets=10)
    await delete(world, Scope.JOB, large[Scope.JOB])

    payload = await delete(world, Scope.PROJECT, large[Scope.PROJECT])
    await world.runtime.operator.deletions.finish()

    assert large[Scope.JOB] not in payload["deletedHolderIds"]
    assert len(payload["deletedSecretIds"]) == 10
    assert rows_below(world, large[Scope.PROJECT]) == 0
    assert stored(world, "SELECT * FROM deletion") == []
    assert await _unsound(world) == []


async def test_an_organization_goes_in_steps(world: World, data_dir: Path) -> None:
    assert data_dir == database_of(world)
    await large_project(world)
    organizations, since = world.runtime.operator.organizations, await last_seq(world)

    deleted = await organizations.delete(
        organization_id=world.demo.organization_id, with_content=True
    )

    begun = (await events_since(world, since))[-1]
    assert begun["action"] == "ORGANIZATION_DELETED"
    assert begun["details"] == {
        "holders": deleted.holders,
        "secrets": deleted.secrets,
        "is_complete": False,
    }
    assert await organizations.all() == []
    again = await organizations.create(name=deleted.organization.name)
    await world.runtime.operator.deletions.finish()
    assert await organizations.all() == [again]
    counts = [stored(world, f"SELECT count(*) FROM {table}")[0][0] for table in TABLES]  # noqa: S608 - our own tables
    # The instance has a data key of its own.
    assert counts == [0, 0, 0, 0, 1, 0]
    assert await _unsound(world) == []
