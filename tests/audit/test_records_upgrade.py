"""A database of the version that recorded rows by their columns: taken over by the first start."""

import asyncio
import shutil
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path

import pytest

from gateway.config.settings import Settings
from gateway.domain.audit import AuditAction
from gateway.domain.permissions import Role
from gateway.domain.scopes import Scope
from gateway.runtime import Runtime, migrate_database
from gateway.services.audit import upgrade
from gateway.services.audit.trust import TrustFault
from gateway.services.demo import Demo
from gateway.storage.audit import records
from gateway.storage.audit.changes import Key
from gateway.storage.unit_of_work import WriteUnit
from tests.audit.audit_log import (
    events_of,
    faults,
    row_faults,
    run_by_force,
    trust_fault_of,
)
from tests.former_version import downgrade, rewrite
from tests.world import open_world

pytestmark = pytest.mark.rule("S56")

REVOKED = "UPDATE api_token SET revoked_at = NULL WHERE name = 'a viewer'"
# What somebody does to the older database, and what the scan finds after the upgrade.
ATTACKS = {
    "a renamed holder": (
        "UPDATE holder SET name = name || '-forged' WHERE kind = 'JOB'",
        "CHANGED",
    ),
    "a value cut short": (
        "UPDATE sealed_value SET box = zeroblob(60)",
        "CHANGED",
    ),
    "a deleted secret": (
        "DELETE FROM secret WHERE key = 'INVOICE_SIGNING_KEY'",
        "MISSING",
    ),
    "a new organization": (
        "INSERT INTO organization SELECT lower(hex(randomblob(18))), 'theirs', '2026-01-01'",
        "ADDED",
    ),
    "a record taken away": (
        "DELETE FROM audit_state WHERE noun = 'organization'",
        "ADDED",
    ),
    "a row and its record taken away": (
        "DELETE FROM audit_state WHERE noun = 'role_grant'; DELETE FROM role_grant",
        "ROLLED_BACK",
    ),
}


@pytest.fixture
async def older(data_dir: Path, template: tuple[Path, Demo]) -> Path:
    """A data folder of the older version, with a revoked token."""
    async with open_world(data_dir, template[1]) as world:
        await world.client_with(Role.VIEWER)
        found = await world.runtime.operator.tokens.of_organization(world.demo.organization_id)
        (token_id,) = [token.id for token, _ in found if token.name == f"a {Role.VIEWER}"]
        await world.graphql.ask(
            "mutation ($id: ID!) { revokeApiToken(tokenId: $id) { errors { code } } }",
            {"id": token_id},
        )
    await rewrite(data_dir)
    await downgrade(data_dir)
    return data_dir


async def _upgraded(older: Path) -> None:
    await migrate_database(Settings(data_dir=older))


async def test_all_is_taken_over_and_recorded(older: Path, template: tuple[Path, Demo]) -> None:
    await _upgraded(older)

    async with open_world(older, template[1]) as world:
        events = await events_of(world)
        listed = await world.client.get(f"/job/{world.demo.job_id}/secret")
        made = await world.rest.create(Scope.JOB, world.demo.job_id, key="KEY", value="v")
        assert await faults(world) == []
        assert await row_faults(world) == set()
        assert trust_fault_of(world) is None

    assert events[-1]["action"] == AuditAction.AUDIT_BEGUN
    assert events[-1]["details"]["records"] == "MAC"
    assert events[-1]["details"]["rows"] > 20
    assert (listed.status_code, made.status) == (HTTPStatus.OK, HTTPStatus.CREATED)


@pytest.mark.parametrize(("statements", "fault"), ATTACKS.values(), ids=ATTACKS)
async def test_what_differed_before_is_found_after(
    older: Path, template: tuple[Path, Demo], statements: str, fault: str
) -> None:
    run_by_force(older, *statements.split("; "))
    await _upgraded(older)

    async with open_world(older, template[1]) as world:
        assert fault in {found for found, _ in await row_faults(world)}


async def test_a_revocation_that_was_undone_before_counts_after(
    older: Path, template: tuple[Path, Demo]
) -> None:
    """The row has no MAC that could be taken over, so it is refused."""
    run_by_force(older, REVOKED)
    await _upgraded(older)

    async with open_world(older, template[1]) as world:
        assert ("CHANGED", "api_token") in await row_faults(world)


async def test_access_sums_that_did_not_match_do_not_match_after(
    older: Path, template: tuple[Path, Demo]
) -> None:
    """Nor does an older database without such a sum, if the sum over all rows does not match."""
    run_by_force(
        older,
        "DELETE FROM audit_state WHERE noun = 'role_grant'",
        "UPDATE audit_head SET access_box = NULL",
    )
    await _upgraded(older)

    async with open_world(older, template[1]) as world:
        refused = await world.client.get(f"/job/{world.demo.job_id}/secret")

    assert refused.status_code == HTTPStatus.SERVICE_UNAVAILABLE
    assert trust_fault_of(world) is TrustFault.ACCESS_DIFFERS


async def test_a_database_from_before_there_was_an_access_sum_gets_one(
    older: Path, template: tuple[Path, Demo]
) -> None:
    run_by_force(older, "UPDATE audit_head SET access_box = NULL")
    await _upgraded(older)

    async with open_world(older, template[1]) as world:
        listed = await world.client.get(f"/job/{world.demo.job_id}/secret")

    assert listed.status_code == HTTPStatus.OK
    assert trust_fault_of(world) is None


async def test_an_older_state_is_found_after_the_upgrade(
    older: Path, template: tuple[Path, Demo], tmp_path: Path
) -> None:
    """A backup of the older version put back over an upgraded database."""
    await _upgraded(older)
    backup = shutil.copytree(older, tmp_path / "backup")
    async with open_world(older, template[1]) as world:
        for number in range(3):
            await world.rest.create(Scope.JOB, world.demo.job_id, key=f"K{number}", value="v")
        await world.runtime.operator.audit.checkpoint()
    for name in ("secrets.db", "secrets.db-wal", "secrets.db-shm"):
        (older / name).unlink(missing_ok=True)
    shutil.copy(backup / "secrets.db", older / "secrets.db")

    async with open_world(older, template[1]) as world:
        assert trust_fault_of(world) is TrustFault.DATABASE_OLDER


async def test_an_upgrade_that_ends_halfway_is_made_by_the_next_start(
    older: Path, template: tuple[Path, Demo], monkeypatch: pytest.MonkeyPatch
) -> None:
    await _upgraded(older)
    kept = 0
    keep = records.keep

    def fail_late(unit: WriteUnit, macs: Mapping[Key, bytes | None]) -> None:
        nonlocal kept
        kept += 1
        if kept > 4:
            raise OSError
        keep(unit, macs)

    with monkeypatch.context() as patched:
        patched.setattr(records, "keep", fail_late)
        with pytest.raises(OSError):  # noqa: PT011 - the one above
            async with Runtime.over(Settings(data_dir=older)).running():
                pass

    async with open_world(older, template[1]) as world:
        assert await row_faults(world) == set()
        assert await faults(world) == []


async def test_processes_that_start_together_upgrade_once(older: Path) -> None:
    await _upgraded(older)
    settings = Settings(data_dir=older)

    async def run() -> None:
        async with Runtime.over(settings).running():
            await asyncio.sleep(0)

    await asyncio.gather(run(), run())

    async with Runtime.over(settings).running() as runtime:
        actions = [event["action"] async for event in runtime.operator.audit.exported()]
    assert actions.count(AuditAction.AUDIT_BEGUN) == 2


async def test_without_the_comparison_what_differed_is_taken_over(
    older: Path, template: tuple[Path, Demo], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control of the tests above."""
    run_by_force(older, ATTACKS["a renamed holder"][0])
    await _upgraded(older)
    monkeypatch.setattr(upgrade.FormerKeys, "matches", lambda *_: True)
    monkeypatch.setattr(upgrade, "compare_digest", lambda *_: True)

    async with open_world(older, template[1]) as world:
        assert await row_faults(world) == set()
