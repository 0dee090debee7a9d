"""A database from before rows had MACs: taken over once, by the first start with keys."""

import sqlite3
from contextlib import closing
from http import HTTPStatus
from pathlib import Path

import pytest
from sqlalchemy import update

from gateway.config.settings import Settings
from gateway.crypto.keyfile import KeyFile
from gateway.domain.drafts import DEFAULT_WRITE_OPTIONS
from gateway.domain.errors import IntegrityFault
from gateway.domain.principals import Principal
from gateway.runtime import Runtime, migrate_database
from gateway.services.demo import Demo
from gateway.storage.audit.row_macs import TOKENS, USERS
from gateway.storage.database import Database
from tests.former_version import downgrade, rewrite
from tests.world import open_world, user_principal

INSTANCE = "SELECT id, kek_id, wrapped FROM data_key WHERE project_id IS NULL"
COVERED_ROWS = (
    "SELECT mac FROM secret UNION ALL SELECT mac FROM api_token UNION ALL "
    "SELECT mac FROM role_grant UNION ALL SELECT mac FROM user_account UNION ALL "
    "SELECT mac FROM holder"
)
PERSON = {"issuer": "https://login.example", "subject": "somebody"}


async def _forget_what_is_newer(database: Database) -> None:
    """Leave tokens and users as the older version wrote them, their MACs included."""
    newer = ((TOKENS, TOKENS.table.c.created_by), (USERS, USERS.table.c.is_invited))
    async with database.write() as unit:
        for covered, column in newer:
            await unit.execute_unrecorded(update(covered.table).values({column: None}))
            for row in await unit.rows(covered.selection()):
                mac = unit.macs.of(covered, row[:-1])
                same = update(covered.table).where(covered.row_id == row[0])
                await unit.execute_unrecorded(same.values(mac=mac))


def _wrap_instance_key(data_dir: Path, identity: str) -> None:
    """Put the instance's key into the box that an older version made."""
    key_file = KeyFile.load(data_dir / "keys.json")
    with closing(sqlite3.connect(data_dir / "secrets.db")) as plain, plain:
        key_id, kek_id, wrapped = plain.execute(INSTANCE).fetchone()
        key = key_file.unwrap(wrapped, kek_id, "instance/2", key_id)
        older = key_file.wrap(key, identity, key_id)
        plain.execute("UPDATE data_key SET wrapped = ? WHERE id = ?", (older, key_id))


@pytest.fixture
async def older(data_dir: Path) -> Path:
    """A data folder of the first version, brought to this one's schema."""
    await downgrade(data_dir, "0001")
    (data_dir / "audit-anchors.jsonl").unlink()
    _wrap_instance_key(data_dir, "instance")
    await migrate_database(Settings(data_dir=data_dir))
    return data_dir


@pytest.fixture
async def trailed(data_dir: Path, template: tuple[Path, Demo]) -> Path:
    """A data folder from when users and holders had no MACs, but a trail: to be migrated."""
    async with open_world(data_dir, template[1]) as world:
        await world.runtime.services.for_principal(
            Principal.operator(world.demo.organization_id)
        ).identities.register(display_name="P", options=DEFAULT_WRITE_OPTIONS, **PERSON)
        await _forget_what_is_newer(world.runtime.database)
    await rewrite(data_dir)
    await downgrade(data_dir, "0011")
    _wrap_instance_key(data_dir, "instance/1")
    return data_dir


def _macs(data_dir: Path) -> tuple[int, int]:
    count = f"SELECT count(*), count(mac) FROM ({COVERED_ROWS})"  # noqa: S608 - the text above
    with closing(sqlite3.connect(data_dir / "secrets.db")) as connection:
        rows, macs = connection.execute(count).fetchone()
    return rows, macs


async def test_the_first_start_gives_every_row_its_mac(
    older: Path, template: tuple[Path, Demo]
) -> None:
    rows, before = _macs(older)

    async with open_world(older, template[1]) as world:
        listed = await world.client.get(f"/job/{world.demo.job_id}/secret")
        delivered = await world.graphql.ask(
            "query ($id: ID!) { runtimeSecrets(serviceId: $id) { key value } }",
            {"id": world.demo.job_id},
        )

    assert before == 0
    assert _macs(older) == (rows, rows)
    assert listed.status_code == HTTPStatus.OK
    assert {"key": "SMTP_PASSWORD", "value": "demo-bulk-smtp"} in delivered["runtimeSecrets"]


@pytest.mark.rule("S55")
async def test_a_later_start_backfills_nothing_more(
    older: Path, template: tuple[Path, Demo]
) -> None:
    """Or one who takes MACs away would have edits adopted."""
    async with Runtime.over(Settings(data_dir=older)).running():
        pass
    with closing(sqlite3.connect(older / "secrets.db")) as connection, connection:
        connection.execute("UPDATE secret SET mac = NULL, owned_by = 'Mallory'")

    async with open_world(older, template[1]) as world:
        refused = await world.client.get(f"/job/{world.demo.job_id}/secret")

    assert refused.status_code == HTTPStatus.SERVICE_UNAVAILABLE
    assert _macs(older)[1] < _macs(older)[0]


async def test_processes_that_start_together_backfill_once(older: Path) -> None:
    settings = Settings(data_dir=older)

    async with Runtime.over(settings).running() as one, Runtime.over(settings).running() as other:
        assert one.vault.keys.token_pepper == other.vault.keys.token_pepper


@pytest.mark.rule("S55")
async def test_users_and_holders_get_theirs_with_the_first_start_after(
    trailed: Path, template: tuple[Path, Demo]
) -> None:
    """And all is as it was."""
    await migrate_database(Settings(data_dir=trailed))
    rows, before = _macs(trailed)

    async with open_world(trailed, template[1]) as world:
        listed = await world.client.get(f"/job/{world.demo.job_id}/secret")
        person = await user_principal(world.runtime, **PERSON)

    assert before < rows
    assert _macs(trailed) == (rows, rows)
    assert listed.status_code == HTTPStatus.OK
    assert person.organization_id == template[1].organization_id


@pytest.mark.rule("S55")
async def test_what_the_audit_log_does_not_know_so_is_not_taken_over(
    trailed: Path, template: tuple[Path, Demo]
) -> None:
    """Neither the first time nor when somebody puts the older box back."""
    job_id = template[1].job_id
    with closing(sqlite3.connect(trailed / "secrets.db")) as connection, connection:
        connection.execute("UPDATE holder SET name = 'forged' WHERE id = ?", (job_id,))
        connection.execute("UPDATE user_account SET subject = 'another'")
    await migrate_database(Settings(data_dir=trailed))
    rows, _ = _macs(trailed)

    async with open_world(trailed, template[1]) as world:
        refused = await world.client.get(f"/job/{job_id}/secret")
        served = await world.client.get(f"/job/{template[1].other_job_id}/secret")
        with pytest.raises(IntegrityFault):
            await user_principal(world.runtime, issuer=PERSON["issuer"], subject="another")
    _wrap_instance_key(trailed, "instance/1")
    async with Runtime.over(Settings(data_dir=trailed)).running():
        pass

    assert refused.status_code == HTTPStatus.SERVICE_UNAVAILABLE
    assert served.status_code == HTTPStatus.OK
    assert _macs(trailed) == (rows, rows - 2)
