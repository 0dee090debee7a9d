"""Rows that were changed past the gateway are found."""

import asyncio
import shutil
from pathlib import Path

import httpx
import pytest

from gateway.domain.scopes import Scope
from gateway.services.audit import integrity_scan
from gateway.services.demo import Demo
from tests.audit.audit_log import database_of, events_of, faults, row_faults, run_by_force
from tests.patience import PATIENCE, wait_until
from tests.servers import serving
from tests.world import World

ALIAS = "(SELECT id FROM secret WHERE variable_type = 'ALIAS' LIMIT 1)"
VALUE = "(SELECT id FROM secret WHERE variable_type = 'VALUE' AND key = 'MINE')"
ATTACKS = {
    "a secret renamed": (f"UPDATE secret SET key = 'OTHER' WHERE id = {VALUE}", "CHANGED"),
    "an alias retargeted": (f"UPDATE secret SET target_id = {VALUE} WHERE id = {ALIAS}", "CHANGED"),
    "an alias deleted": (f"DELETE FROM secret WHERE id = {ALIAS}", "MISSING"),
    "a value exchanged": (
        (
            "UPDATE sealed_value SET ciphertext = (SELECT ciphertext FROM sealed_value AS other "
            f"WHERE other.secret_id <> {VALUE} LIMIT 1) WHERE secret_id = {VALUE}"
        ),
        "CHANGED",
    ),
    "a bit of a value flipped": (
        f"""UPDATE sealed_value SET ciphertext = zeroblob(1) || substr(ciphertext, 2)
            WHERE secret_id = {VALUE}""",
        "CHANGED",
    ),
    "a value deleted": (f"DELETE FROM sealed_value WHERE secret_id = {VALUE}", "MISSING"),
    "references changed": ("UPDATE value_reference SET names = zeroblob(16)", "CHANGED"),
    "references deleted": ("DELETE FROM value_reference", "MISSING"),
    "a role raised": ("UPDATE role_grant SET role = 'operator'", "CHANGED"),
    "a token's end put off": ("UPDATE api_token SET expires_at = NULL", "CHANGED"),
    "a token's hash exchanged": ("UPDATE api_token SET digest = zeroblob(32)", "CHANGED"),
    "a token inserted": (
        (
            "INSERT INTO api_token (id, organization_id, name, digest, created_at) SELECT "
            "'own', organization_id, 'own', zeroblob(32), created_at FROM api_token"
        ),
        "ADDED",
    ),
    "a token deleted": ("DELETE FROM api_token", "MISSING"),
    "a grant widened": ("UPDATE role_grant SET holder_id = NULL, role = 'viewer'", "CHANGED"),
    "a grant deleted": ("DELETE FROM role_grant", "MISSING"),
    "a grant inserted": (
        (
            "INSERT INTO role_grant (id, organization_id, token_id, role, created_at) "
            "SELECT 'own', organization_id, token_id, 'operator', created_at FROM role_grant"
        ),
        "ADDED",
    ),
    "a claim rule inserted": (
        (
            "INSERT INTO claim_rule (id, organization_id, name, issuer, conditions, role, "
            "created_at, created_by) SELECT 'own', id, 'own', 'https://i', '[]', 'operator', "
            "created_at, 'OPERATOR:operator' FROM organization"
        ),
        "ADDED",
    ),
    "a holder renamed": ("UPDATE holder SET name = name || '!' WHERE kind = 'JOB'", "CHANGED"),
    "a user inserted": (
        (
            "INSERT INTO user_account (id, organization_id, issuer, subject, display_name, "
            "created_at) SELECT 'own', id, 'https://i', 's', 'own', created_at FROM organization"
        ),
        "ADDED",
    ),
    "an organization renamed": ("UPDATE organization SET name = 'other'", "CHANGED"),
    "a data key deleted": ("DELETE FROM data_key WHERE project_id IS NOT NULL", "MISSING"),
    "a type changed": (f"UPDATE secret SET version = '1' || '' WHERE id = {VALUE}", None),
    "what is recorded changed": ("UPDATE row_record SET mac = zeroblob(32)", "CHANGED"),
    "what is recorded deleted": ("DELETE FROM row_record", "ADDED"),
}


@pytest.fixture
async def watched(world: World) -> World:
    """A world with a secret to attack."""
    await world.rest.create(Scope.JOB, world.demo.job_id, key="MINE", value="mine{{HOST}}")
    return world


async def test_what_the_gateway_left_is_as_it_left_it(watched: World) -> None:
    """The control of all tests here: after changes of many kinds the scan finds nothing."""
    job_id = watched.demo.job_id
    made = await watched.rest.create(Scope.JOB, job_id, key="THREE", value="v")
    await watched.rest.alias(Scope.JOB, job_id, made.row["id"], key="ALIASED")
    await watched.rest.edit(Scope.JOB, job_id, made.row["id"], key="FOUR", value="w")
    await watched.rest.delete(Scope.JOB, job_id, made.row["id"])
    await watched.runtime.operator.tokens.revoke("nobody's")

    assert await row_faults(watched) == set()


@pytest.mark.rule("S56")
@pytest.mark.parametrize(("statement", "fault"), ATTACKS.values(), ids=ATTACKS.keys())
async def test_a_row_that_was_changed_past_the_gateway_is_found(
    watched: World, statement: str, fault: str | None
) -> None:
    """And what leaves the row as it was is none."""
    run_by_force(database_of(watched), "PRAGMA ignore_check_constraints = ON", statement)

    found = {item for item, _ in await row_faults(watched)}

    assert found - {"ROLLED_BACK"} == ({fault} if fault else set())


async def test_what_is_written_during_a_scan_is_no_fault(
    watched: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each page has a view of its own, so others write between two pages."""
    monkeypatch.setattr(integrity_scan, "PAGE", 5)
    job_id, number, last = watched.demo.job_id, 0, ""

    async def meanwhile(_: float) -> None:
        nonlocal number, last
        number += 1
        made = await watched.rest.create(Scope.JOB, job_id, key=f"KEY_{number}", value="v")
        assert made.code is None
        if last:
            await watched.rest.delete(Scope.JOB, job_id, last)
        last = made.row["id"]
        if number > 10:
            monkeypatch.undo()

    monkeypatch.setattr(asyncio, "sleep", meanwhile)
    found = await row_faults(watched)

    assert number > 10
    assert found == set()


@pytest.mark.rule("S56")
async def test_a_row_that_was_put_back_is_found(watched: World) -> None:
    """An old row is as well made as a new one, but is not the one that was left last."""
    folder = database_of(watched)
    # A table in the database itself would be an object of somebody else.
    aside = f"ATTACH '{folder / 'aside.db'}' AS aside"
    mine = next(
        row
        for row in await watched.rest.visible(Scope.JOB, watched.demo.job_id)
        if row["key"] == "MINE"
    )
    run_by_force(
        folder,
        aside,
        f"CREATE TABLE aside.kept AS SELECT * FROM sealed_value WHERE secret_id = '{mine['id']}'",
        f"CREATE TABLE aside.kept_states AS SELECT * FROM row_record WHERE row_id = '{mine['id']}'",
    )
    await watched.rest.edit(
        Scope.JOB, watched.demo.job_id, mine["id"], key="MINE", value="leaked, so changed"
    )
    run_by_force(
        folder,
        aside,
        f"DELETE FROM sealed_value WHERE secret_id = '{mine['id']}'",
        "INSERT INTO sealed_value SELECT * FROM aside.kept",
    )

    alone = await row_faults(watched)
    run_by_force(
        folder,
        aside,
        "DELETE FROM row_record WHERE table_name = 'sealed_value' AND row_id IN "
        "(SELECT row_id FROM aside.kept_states)",
        "INSERT INTO row_record SELECT * FROM aside.kept_states WHERE table_name = 'sealed_value'",
    )
    with_its_record = await row_faults(watched)

    assert alone == {("CHANGED", "sealed_value")}
    assert with_its_record == {("ROLLED_BACK", "*")}


@pytest.mark.rule("S56")
@pytest.mark.parametrize(
    "statement", ["DELETE FROM audit_head", "UPDATE audit_head SET sealed_sum = zeroblob(9)"]
)
async def test_a_sum_that_cannot_be_known_is_a_difference(watched: World, statement: str) -> None:
    run_by_force(database_of(watched), statement)

    assert await row_faults(watched) == {("ROLLED_BACK", "*")}


@pytest.mark.rule("S56")
async def test_a_change_does_not_wash_clean_what_was_done_before(watched: World) -> None:
    """Who edits a row that was tampered with leaves an entry about that."""
    organization_id = watched.demo.organization_id
    run_by_force(database_of(watched), "UPDATE organization SET name = 'forged'")

    await watched.runtime.operator.organizations.rename(
        organization_id=organization_id, name="renamed"
    )

    trust_fault, change = (await events_of(watched))[-2:]
    assert (trust_fault["action"], change["action"]) == ("INTEGRITY_ALARM", "ORGANIZATION_CHANGED")
    assert trust_fault["details"] == {"fault": "CHANGED_OUTSIDE", "table": "organization"}
    assert trust_fault["organization_id"] == organization_id
    assert await faults(watched) == []


@pytest.mark.rule("S56")
async def test_a_row_that_was_never_recorded_is_reported_when_it_is_touched(watched: World) -> None:
    own = "0f0f0f0f-0f0f-4f0f-8f0f-0f0f0f0f0f0f"
    run_by_force(
        database_of(watched),
        f"INSERT INTO organization SELECT '{own}', 'own', created_at FROM organization",
    )

    await watched.runtime.operator.organizations.rename(organization_id=own, name="renamed")

    assert [event["action"] for event in (await events_of(watched))[-2:]] == [
        "INTEGRITY_ALARM",
        "ORGANIZATION_CREATED",
    ]


async def test_an_acknowledgement_takes_the_rows_as_they_are(watched: World) -> None:
    run_by_force(database_of(watched), ATTACKS["a token's end put off"][0])
    before = await row_faults(watched)

    acknowledged = await watched.runtime.operator.audit.acknowledge()

    assert before
    assert acknowledged
    assert acknowledged.event.facts["row_count"] == len(before)
    assert await row_faults(watched) == set()
    assert not watched.runtime.operator.audit.needs_attention


def _integrity(server: str) -> str:
    return str(httpx.get(f"{server}/readyz", timeout=PATIENCE).json().get("integrity"))


def _wait_until(server: str, state: str) -> None:
    wait_until(lambda: _integrity(server) == state)


@pytest.mark.rule("S56")
def test_a_running_server_finds_it_within_its_period(
    template: tuple[Path, Demo], tmp_path: Path
) -> None:
    """The alarm is in the log and in the readiness; when the row is right again, it ends."""
    folder = Path(shutil.copytree(template[0], tmp_path / "data"))
    with serving(
        folder, template[1], INTEGRITY_SCAN_SECONDS="1", AUDIT_CHECKPOINT_SECONDS="1"
    ) as server:
        calm = _integrity(server.url)
        run_by_force(folder, "UPDATE role_grant SET role = 'operator'")
        _wait_until(server.url, "alarm")
        run_by_force(folder, "UPDATE role_grant SET role = 'admin'")
        _wait_until(server.url, "None")

    assert calm == "None"
    assert "integrity_fault" in (tmp_path / "server.log").read_text()
