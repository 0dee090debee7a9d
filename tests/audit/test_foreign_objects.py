"""Triggers and other objects of somebody else change nothing that is served."""

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.config.types import LogFormat
from gateway.domain.audit import CatalogNotTrusted
from gateway.domain.errors import ErrorCode
from gateway.domain.permissions import Role
from gateway.domain.scopes import Scope
from gateway.services.audit.trust import SetProof, TrustFault
from gateway.services.demo import Demo
from gateway.storage.dialects import catalog
from tests.audit import foreign
from tests.audit.audit_log import (
    checkpoints_in,
    database_of,
    events_of,
    faults,
    row_faults,
    run_by_force,
    trust_fault_of,
)
from tests.operations.canaries import all_logs
from tests.patience import PATIENCE
from tests.servers import serving
from tests.world import World, open_world

pytestmark = pytest.mark.rule("S62")

UNAVAILABLE = [ErrorCode.UNAVAILABLE]
ALTERED_CHECK = (
    "PRAGMA writable_schema = ON",
    """UPDATE sqlite_schema SET sql = replace(sql, '(role IN (', '(1 OR role IN (')
        WHERE name = 'role_grant'""",
)
# What the scan says of it, and how it is put in.
OBJECTS = {
    "a trigger": (["ADDED"], foreign.UNDO),
    "a view": (["ADDED"], "CREATE VIEW names AS SELECT name FROM holder"),
    "a table": (["ADDED"], "CREATE TABLE own (id TEXT)"),
    "an index": (["ADDED"], "CREATE INDEX own ON holder (created_at)"),
    "one of the gateway's indexes dropped": (["MISSING"], "DROP INDEX uq_role_grant_once"),
    "an index in the place of the gateway's": (
        ["CHANGED"],
        "DROP INDEX uq_data_key_active",
        "CREATE INDEX uq_data_key_active ON data_key (project_id) WHERE state = 'ACTIVE'",
    ),
    "a column": (["CHANGED"], "ALTER TABLE holder ADD COLUMN more TEXT"),
    "a rule of a table": (["CHANGED"], *ALTERED_CHECK),
}


@pytest.fixture
async def token(world: World) -> tuple[str, httpx.AsyncClient]:
    """A token's id, and a client that uses it."""
    client = await world.client_with(Role.VIEWER)
    found = await world.runtime.operator.tokens.of_organization(world.demo.organization_id)
    (token_id,) = [item.id for item, _ in found if item.name == f"a {Role.VIEWER}"]
    return token_id, client


async def _status(world: World, client: httpx.AsyncClient) -> int:
    return (await client.get(f"/job/{world.demo.job_id}/secret")).status_code


async def _integrity(world: World) -> str:
    return str((await world.client.get("/readyz")).json().get("integrity"))


async def _create(world: World, key: str) -> HTTPStatus:
    return (await world.rest.create(Scope.JOB, world.demo.job_id, key=key, value="v")).status


@pytest.mark.parametrize("put_in", [run_by_force, foreign.put_in_quietly])
async def test_a_trigger_that_moves_a_job_stops_writes(
    world: World, put_in: Callable[[Path, str], None]
) -> None:
    """Also where the schema's version was set back, which a connection believes."""
    job = await foreign.movable_job(world)
    before = await events_of(world)
    put_in(database_of(world), job.trigger)

    with all_logs(LogFormat.JSON) as logs:
        renamed = await foreign.rename(world, job.job_id)
        delivered = await foreign.asked(world, foreign.DELIVER, {"id": job.job_id})

    assert foreign.codes(renamed) == UNAVAILABLE
    assert foreign.codes(delivered) == UNAVAILABLE
    assert "trigger moves" in logs.getvalue()
    assert await events_of(world) == before
    assert ("ADDED", catalog.TABLE) in await row_faults(world)
    assert (trust_fault_of(world), await _integrity(world)) == (TrustFault.CATALOG_DIFFERS, "alarm")


async def test_without_guards_such_a_job_gets_what_is_not_for_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control of the test above and of the next two: with all guards switched off."""
    job = await foreign.movable_job(world)
    foreign.look_away(monkeypatch)
    foreign.seal_what_is_read_back(monkeypatch)
    run_by_force(database_of(world), job.trigger)

    renamed = await foreign.rename(world, job.job_id)
    delivered = await world.graphql.ask(foreign.DELIVER, {"id": job.job_id})

    assert foreign.codes(renamed) == []
    assert {"key": "LIVE", "value": "not for the job"} in delivered["runtimeSecrets"]
    assert (await row_faults(world), await faults(world)) == (set(), [])


async def test_what_a_trigger_wrote_gets_no_mac(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where nobody looks at the catalog or counts: the row is refused when it is used."""
    job = await foreign.movable_job(world)
    foreign.look_away(monkeypatch)
    run_by_force(database_of(world), job.trigger)

    await foreign.rename(world, job.job_id)
    delivered = await foreign.asked(world, foreign.DELIVER, {"id": job.job_id})

    assert foreign.codes(delivered) == UNAVAILABLE


async def test_what_a_trigger_wrote_is_found(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody looks at the catalog: the record has what was meant."""
    job = await foreign.movable_job(world)
    foreign.look_away(monkeypatch)
    run_by_force(database_of(world), job.trigger)

    await foreign.rename(world, job.job_id)

    assert await row_faults(world) == {("CHANGED", "holder")}


async def test_what_a_trigger_deleted_is_found(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A deletion that nobody asked for, in the transaction of a change."""
    job = await foreign.movable_job(world)
    foreign.look_away(monkeypatch)
    trigger = "AFTER UPDATE OF name ON holder BEGIN DELETE FROM role_grant; END"
    run_by_force(database_of(world), f"CREATE TRIGGER deletes {trigger}")

    await foreign.rename(world, job.job_id)

    assert await row_faults(world) == {("MISSING", "role_grant")}


@pytest.mark.parametrize("trigger", [foreign.UNDO, foreign.PUT_BACK])
@pytest.mark.parametrize("put_in", [run_by_force, foreign.put_in_quietly])
async def test_a_trigger_that_undoes_a_revocation_stops_writes(
    world: World,
    token: tuple[str, httpx.AsyncClient],
    trigger: str,
    put_in: Callable[[Path, str], None],
) -> None:
    """The revocation fails loudly; with the trigger gone it succeeds."""
    token_id, client = token
    name = trigger.split()[2]
    put_in(database_of(world), trigger)

    refused = await foreign.asked(world, foreign.REVOKE, {"id": token_id})
    integrity = await _integrity(world)
    foreign.drop(world, "TRIGGER", name)
    revoked = await foreign.asked(world, foreign.REVOKE, {"id": token_id})

    assert (foreign.codes(refused), integrity) == (UNAVAILABLE, "alarm")
    assert foreign.codes(revoked) == []
    assert await _status(world, client) == HTTPStatus.UNAUTHORIZED
    assert (trust_fault_of(world), await _integrity(world)) == (None, "None")


@pytest.mark.parametrize("trigger", [foreign.UNDO, foreign.PUT_BACK])
async def test_a_revocation_that_is_undone_counts_all_the_same(
    world: World,
    token: tuple[str, httpx.AsyncClient],
    trigger: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where nobody looks at the catalog: with the old row comes its old MAC, which is sound."""
    token_id, client = token
    foreign.look_away(monkeypatch)
    run_by_force(database_of(world), trigger)

    await foreign.asked(world, foreign.REVOKE, {"id": token_id})

    assert await _status(world, client) == HTTPStatus.SERVICE_UNAVAILABLE
    assert await row_faults(world) == {("CHANGED", "api_token")}


async def test_without_guards_a_revoked_token_lives_on(
    world: World, token: tuple[str, httpx.AsyncClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control of the two tests above: the MAC alone does not see an old row."""
    token_id, client = token
    foreign.look_away(monkeypatch)
    run_by_force(database_of(world), foreign.PUT_BACK)
    monkeypatch.setattr(SetProof, "ensure_current", lambda *_: None)

    revoked = await foreign.asked(world, foreign.REVOKE, {"id": token_id})

    assert foreign.codes(revoked) == []
    assert await _status(world, client) == HTTPStatus.OK


@pytest.mark.parametrize(
    ("expected", "statements"), [(item[0], item[1:]) for item in OBJECTS.values()], ids=OBJECTS
)
async def test_any_difference_of_the_catalog_stops_writes(
    world: World, expected: list[str], statements: tuple[str, ...]
) -> None:
    """While the server runs: found by the next write, and named by the scan."""
    before = await _create(world, "BEFORE")
    run_by_force(database_of(world), *statements)

    after = await _create(world, "AFTER")
    listed = await _status(world, world.client)

    assert (before, after) == (HTTPStatus.CREATED, HTTPStatus.SERVICE_UNAVAILABLE)
    assert listed == HTTPStatus.OK
    assert [item.fault for item in await world.runtime.operator.audit.scan_integrity()] == expected


@pytest.mark.parametrize(
    ("expected", "statements"), [(item[0], item[1:]) for item in OBJECTS.values()], ids=OBJECTS
)
async def test_what_was_put_in_while_no_server_ran_stops_writes(
    data_dir: Path, template: tuple[Path, Demo], expected: list[str], statements: tuple[str, ...]
) -> None:
    """The start finds it; the server reads, and signs no checkpoint."""
    run_by_force(data_dir, *statements)
    before = checkpoints_in(data_dir)

    async with open_world(data_dir, template[1]) as world:
        trust_fault, status = trust_fault_of(world), await _create(world, "KEY")
        found = [item.fault for item in await world.runtime.operator.audit.scan_integrity()]

    assert (trust_fault, status) == (TrustFault.CATALOG_DIFFERS, HTTPStatus.SERVICE_UNAVAILABLE)
    assert found == expected
    assert checkpoints_in(data_dir) == before


async def test_no_checkpoint_is_signed_while_there_is_one(world: World) -> None:
    """The change before it is anchored only when the object is gone."""
    await _create(world, "BEFORE")
    run_by_force(database_of(world), foreign.UNDO)
    before = checkpoints_in(database_of(world))

    await world.runtime.operator.audit.checkpoint()
    during = checkpoints_in(database_of(world))
    foreign.drop(world, "TRIGGER", "undo")
    await world.runtime.operator.audit.checkpoint()

    assert during == before
    assert len(checkpoints_in(database_of(world))) == len(before) + 1


async def test_an_acknowledgement_does_not_accept_it(world: World) -> None:
    run_by_force(database_of(world), foreign.UNDO)

    with pytest.raises(CatalogNotTrusted):
        await world.runtime.operator.audit.acknowledge()

    assert await _create(world, "KEY") == HTTPStatus.SERVICE_UNAVAILABLE


async def test_what_sqlite_makes_by_itself_is_not_foreign(world: World) -> None:
    run_by_force(database_of(world), "ANALYZE")

    assert await _create(world, "KEY") == HTTPStatus.CREATED
    assert await row_faults(world) == set()


async def test_the_catalog_is_read_again_exactly_when_somebody_else_committed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a commit of another connection a write costs no look."""
    looks: list[Any] = []
    find = catalog.catalog_findings

    async def counted(unit: Any) -> Any:
        looks.append(unit)
        return await find(unit)

    await _create(world, "FIRST")
    monkeypatch.setattr(catalog, "catalog_findings", counted)
    await _create(world, "SECOND")
    quiet = len(looks)
    run_by_force(database_of(world), "UPDATE api_token SET last_used_at = created_at")
    await _create(world, "THIRD")
    await _create(world, "FOURTH")

    assert (quiet, len(looks)) == (0, 1)


async def test_a_name_of_an_object_cannot_forge_a_line(world: World) -> None:
    run_by_force(database_of(world), 'CREATE VIEW "x\n\x1b[2Jy" AS SELECT 1')

    with all_logs(LogFormat.CONSOLE) as logs:
        await _create(world, "KEY")
    (finding,) = await world.runtime.operator.audit.scan_integrity()

    assert finding.row_id == "view x\\n\\x1b[2Jy"
    assert "\x1b[2J" not in logs.getvalue()


def test_a_running_server_stops_and_goes_on(template: tuple[Path, Demo], tmp_path: Path) -> None:
    """A real process: 503 with `Retry-After`, an alarm in the log, and an end when it is gone."""
    folder = Path(shutil.copytree(template[0], tmp_path / "data"))
    with serving(folder, template[1]) as server:
        job = f"{server.url}/job/{server.demo['job_id']}/secret"
        headers = {"Authorization": f"Bearer {server.demo['token']}"}

        def create(key: str) -> httpx.Response:
            return httpx.post(
                job, json={"key": key, "value": "v"}, headers=headers, timeout=PATIENCE
            )

        foreign.put_in_quietly(folder, foreign.UNDO)
        refused, ready = create("ONE"), httpx.get(f"{server.url}/readyz", timeout=PATIENCE)
        run_by_force(folder, "DROP TRIGGER undo")
        made = create("TWO")

    assert refused.status_code == HTTPStatus.SERVICE_UNAVAILABLE
    assert refused.headers["Retry-After"]
    assert "secrets-gateway doctor" in refused.json()["detail"]
    assert ready.json() == {"status": "ok", "integrity": "alarm"}
    assert made.status_code == HTTPStatus.CREATED
    assert "trigger undo" in (tmp_path / "server.log").read_text()


def test_the_quiet_way_leaves_the_version_of_the_schema(data_dir: Path) -> None:
    """The control of the quiet attacks: who compares that version sees nothing."""
    with closing(sqlite3.connect(data_dir / "secrets.db")) as connection:
        before = connection.execute("PRAGMA schema_version").fetchone()

    foreign.put_in_quietly(data_dir, foreign.UNDO)

    with closing(sqlite3.connect(data_dir / "secrets.db")) as connection:
        assert connection.execute("PRAGMA schema_version").fetchone() == before
