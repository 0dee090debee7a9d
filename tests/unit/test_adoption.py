"""A database from before rows had MACs: taken over once, by the first start that has the keys."""

import sqlite3
from contextlib import closing
from http import HTTPStatus
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

import gateway.storage
from gateway.crypto.keyfile import KeyFile
from gateway.runtime import Runtime, migrate_database
from gateway.services.demo import Demo
from gateway.settings import Settings
from gateway.storage.unit_of_work import Database
from tests.world import open_world

SCRIPTS = Path(gateway.storage.__file__).parent / "migrations"
INSTANCE = "SELECT id, kek_id, wrapped FROM data_key WHERE project_id IS NULL"


async def _set_back(data_dir: Path) -> None:
    """Make of a data folder what the first version left."""

    def downgrade(connection: Connection) -> None:
        config = Config()
        config.set_main_option("script_location", str(SCRIPTS))
        config.attributes["connection"] = connection
        command.downgrade(config, "0001")

    url = Settings(data_dir=data_dir).resolved_database_url
    async with Database(url) as database, database.writer.begin() as connection:
        await connection.run_sync(downgrade)
    (data_dir / "audit-anchors.jsonl").unlink()
    key_file = KeyFile.load(data_dir / "keys.json")
    with closing(sqlite3.connect(data_dir / "secrets.db")) as plain, plain:
        key_id, kek_id, wrapped = plain.execute(INSTANCE).fetchone()
        key = key_file.unwrap(wrapped, kek_id, "instance/1", key_id)
        older = key_file.wrap(key, "instance", key_id)
        plain.execute("UPDATE data_key SET wrapped = ? WHERE id = ?", (older, key_id))


@pytest.fixture
async def older(data_dir: Path) -> Path:
    """A data folder of the first version, brought to this one's schema."""
    await _set_back(data_dir)
    await migrate_database(Settings(data_dir=data_dir))
    return data_dir


def _macs(data_dir: Path) -> tuple[int, int]:
    count = (
        "SELECT count(*), count(mac) FROM "
        "(SELECT mac FROM secret UNION ALL SELECT mac FROM api_token "
        "UNION ALL SELECT mac FROM role_grant)"
    )
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


async def test_a_later_start_adopts_nothing_more(older: Path, template: tuple[Path, Demo]) -> None:
    """S55: or one who takes MACs away would have edits adopted."""
    async with Runtime.over(Settings(data_dir=older)).running():
        pass
    with closing(sqlite3.connect(older / "secrets.db")) as connection, connection:
        connection.execute("UPDATE secret SET mac = NULL, owned_by = 'Mallory'")

    async with open_world(older, template[1]) as world:
        refused = await world.client.get(f"/job/{world.demo.job_id}/secret")

    assert refused.status_code == HTTPStatus.SERVICE_UNAVAILABLE
    assert _macs(older)[1] < _macs(older)[0]


async def test_processes_that_start_together_adopt_once(older: Path) -> None:
    settings = Settings(data_dir=older)

    async with Runtime.over(settings).running() as one, Runtime.over(settings).running() as other:
        assert one.vault.token_pepper == other.vault.token_pepper
