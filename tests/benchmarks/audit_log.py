"""What checking the audit log costs as it grows: `python -m tests.benchmarks.audit_log [EVENTS …]`.

The events are written with the instance's own keys, in bulk. Printed for each length of the log:
the time of `audit verify`; processor time of the server's first check of the log, and of the next
one, which has nothing new to check; and the longest time that the event loop did nothing else.
"""

import asyncio
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from gateway.config.logging import configure_logs
from gateway.config.settings import Settings
from gateway.config.types import LogFormat, LogLevel
from gateway.domain.audit import AuditAction, AuditEvent, AuditSubject, SealedEvent, details_text
from gateway.runtime import Runtime, migrate_database
from gateway.services.audit.keys import AuditKeys, Sums
from gateway.services.demo import ensure_demo
from gateway.storage.audit import event_log
from gateway.storage.audit.tables import AuditEventRow

_LENGTHS: Final = (10_000, 100_000)
_BEGIN: Final = datetime(2026, 1, 1, tzinfo=UTC)
_COLUMNS: Final = tuple(column.name for column in AuditEventRow.__table__.columns)
_DELIVERED: Final = 10


async def grow(runtime: Runtime, events: int) -> None:
    """Append events to the log: nine changes of a secret, then a delivery of ten, and so on."""
    keys = AuditKeys.derive(runtime.vault.keys.audit_key)
    async with runtime.database.read() as unit:
        newest, head = await event_log.newest(unit), await event_log.head(unit)
    assert newest, "The log has begun."
    assert head, "The log has begun."
    with closing(sqlite3.connect(runtime.database.path)) as connection, connection:
        _write(connection, keys, newest, keys.open_sums(head), events)


def _write(
    connection: sqlite3.Connection, keys: AuditKeys, newest: SealedEvent, sums: Sums, events: int
) -> None:
    insert = f"INSERT INTO audit_event VALUES ({', '.join('?' * len(_COLUMNS))})"  # noqa: S608 - question marks
    last, chained = newest, _chained(keys, newest, events)
    while some := list(islice(chained, 1_000)):
        last = some[-1]
        connection.executemany(insert, map(_row, some))
    head = keys.seal_head(last, sums)
    connection.execute(
        "UPDATE audit_head SET seq = ?, hash = ?, sealed_sum = ?, sealed_access_sum = ?",
        (head.seq, head.hash, head.sealed_sum, head.sealed_access_sum),
    )


def _row(sealed: SealedEvent) -> list[Any]:
    event = sealed.event
    at = event.at.strftime("%Y-%m-%d %H:%M:%S.%f")
    fixed = {"at": at, "hash": sealed.hash, "delivered_set": None}
    return [fixed[name] if name in fixed else getattr(event, name) for name in _COLUMNS]


def _chained(keys: AuditKeys, newest: SealedEvent, events: int) -> Iterator[SealedEvent]:
    last = newest
    for number in range(events):
        is_delivery = number % _DELIVERED == _DELIVERED - 1
        secrets = {str(UUID(int=hash((number, each)) % 2**128)): 1 for each in range(_DELIVERED)}
        action = AuditAction.VALUES_DELIVERED if is_delivery else AuditAction.SECRET_CHANGED
        event = AuditEvent(
            seq=last.event.seq + 1,
            at=_BEGIN + timedelta(seconds=number),
            actor_kind="TOKEN",
            actor_id=str(UUID(int=1)),
            action=action,
            subject=AuditSubject.HOLDER if is_delivery else AuditSubject.SECRET,
            subject_id=str(UUID(int=2)) if is_delivery else next(iter(secrets)),
            organization_id=str(UUID(int=3)),
            project_id=str(UUID(int=4)),
            holder_id=str(UUID(int=2)),
            key=None if is_delivery else f"KEY_{number}",
            face="REST",
            request_id=str(UUID(int=number)),
            details=details_text({"keys": 10, "secrets": secrets} if is_delivery else {"value": 1}),
            set_mac=newest.event.set_mac,
            prev_hash=last.hash,
        )
        last = SealedEvent(event, keys.event_hash(event))
        yield last


async def _measure(work: Callable[[], Coroutine[Any, Any, object]]) -> str:
    """Return how long work takes, its processor time, and the loop's longest step."""
    begun, used = time.perf_counter(), time.process_time()
    working = asyncio.create_task(work())
    longest = 0.0
    while not working.done():
        before = time.thread_time()
        await asyncio.sleep(0.002)
        longest = max(longest, time.thread_time() - before)
    await working
    elapsed, cpu = time.perf_counter() - begun, time.process_time() - used
    longest *= 1e3
    return f"{elapsed:>8.2f} s, processor {cpu:>7.2f} s, longest step of the loop {longest:.1f} ms"


async def _report(data_dir: Path, events: int) -> None:
    settings = Settings(data_dir=data_dir)
    await migrate_database(settings)
    async with Runtime.over(settings).running() as runtime:
        await ensure_demo(runtime.services, runtime.operator, runtime.database)
        await grow(runtime, events)
        audit = runtime.operator.audit
        print(f"{events:,} events")
        for name, work in {
            "verify": audit.verify,
            "first check": audit.watch_log,
            "next check": audit.watch_log,
        }.items():
            print(f"  {name:<12} {await _measure(work)}")
        assert not audit.needs_attention, "Nothing was changed."


def main() -> None:
    """Measure each length, and print."""
    for events in map(int, sys.argv[1:] or _LENGTHS):
        with tempfile.TemporaryDirectory() as folder:
            asyncio.run(_report(Path(folder) / "data", events))


if __name__ == "__main__":
    configure_logs(LogFormat.CONSOLE, LogLevel.WARNING)
    main()
