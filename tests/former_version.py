"""A database as the version before records by MAC wrote it: its records, its sums and its log."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

import gateway.storage
from gateway.config.settings import Settings
from gateway.crypto.envelope import keyed_hash, seal
from gateway.domain.audit import SealedEvent
from gateway.runtime import Runtime
from gateway.services.audit.checkpoints import Checkpoint, Checkpoints
from gateway.services.audit.keys import AuditKeys, Sums, joined
from gateway.services.audit.upgrade import FormerKeys
from gateway.services.context import utc_now
from gateway.storage.audit import event_log, former_states
from gateway.storage.audit.checkpoints import CheckpointFile
from gateway.storage.audit.row_macs import AUDITED
from gateway.storage.database import Database

SCRIPTS = Path(gateway.storage.__file__).parent / "migrations"
LAST = "0019"


async def rewrite(data_dir: Path) -> None:
    """Replace what this version has recorded in a data folder by what the former one had."""
    runtime = Runtime.over(Settings(data_dir=data_dir))
    async with runtime.running():
        async with runtime.database.read() as unit:
            newest = await event_log.newest(unit)
        audit_key = runtime.vault.keys.audit_key
    assert newest is not None
    keys, former = AuditKeys.derive(audit_key), FormerKeys.derive(audit_key)
    with closing(sqlite3.connect(data_dir / "secrets.db")) as connection, connection:
        sums = _record(connection, former)
        event = replace(newest.event, set_mac=keys.sum_mac(sums.rows))
        last = SealedEvent(event, keys.event_hash(event))
        _move_head(connection, last, former, sums)
    (data_dir / "audit-anchors.jsonl").unlink()
    file = CheckpointFile(data_dir / "audit-anchors.jsonl")
    Checkpoints(file, keys.signer, utc_now).write(Checkpoint.of(last))


def _record(connection: sqlite3.Connection, former: FormerKeys) -> Sums:
    connection.execute("DELETE FROM row_record")
    sums = Sums()
    for key, text in _states(connection):
        record = keyed_hash(former.rows, joined(*key, text))
        connection.execute("INSERT INTO row_record VALUES (?, ?, ?)", (*key, record))
        sums = former.add(sums, key, record)
    return sums


def _states(connection: sqlite3.Connection) -> Iterator[tuple[tuple[str, str], str]]:
    for table in former_states.TABLES:
        covered = AUDITED[table]
        text = former_states.text_of(table)
        query = f"SELECT {covered.row_id.name}, {text} FROM {table}"  # noqa: S608 - the code's own
        for row_id, state in connection.execute(query).fetchall():
            yield (table, row_id), state


def _move_head(
    connection: sqlite3.Connection, last: SealedEvent, former: FormerKeys, sums: Sums
) -> None:
    seq = last.event.seq
    sealed = seal(former.sum_key, sums.rows.to_bytes(32), "audit-sum", str(seq))
    identity = ("audit-access-sum", str(seq), last.hash.hex())
    access = seal(former.access_sum_key, sums.access.to_bytes(32), *identity)
    connection.execute(
        "UPDATE audit_event SET set_mac = ?, hash = ? WHERE seq = ?",
        (last.event.set_mac, last.hash, seq),
    )
    connection.execute(
        "UPDATE audit_head SET hash = ?, sealed_sum = ?, sealed_access_sum = ?",
        (last.hash, sealed, access),
    )


async def downgrade(data_dir: Path, revision: str = LAST) -> None:
    """Bring the tables of a data folder to those of an older version."""

    def run(connection: Connection) -> None:
        config = Config()
        config.set_main_option("script_location", str(SCRIPTS))
        config.attributes["connection"] = connection
        command.downgrade(config, revision)

    url = Settings(data_dir=data_dir).resolved_database_url
    async with Database(url) as database, database.writer.begin() as connection:
        if revision < "0018":
            await connection.exec_driver_sql("DELETE FROM holder WHERE kind = 'AGENTIC_WORKFLOW'")
        await connection.run_sync(run)
