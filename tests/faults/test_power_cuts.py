"""The power goes at any moment; what was acknowledged is there, and all of it can be used.

A real gateway is traced from its first migration on, while writers change secrets and its keys are
rotated. Then the disk is put back to what it may hold at a random moment, over and over. Needs
strace, and to be allowed to trace.
"""

import json
import os
import sqlite3
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final

import pytest

from gateway.config.settings import Settings
from gateway.runtime import Runtime, migrate_database
from tests.faults.disk import Disk, Rest, put
from tests.faults.power import Rows, Traced, Writer, traced
from tests.faults.power_scene import SYNCHRONOUS
from tests.faults.trace import Answered, is_traceable
from tests.races.arena import VALUELESS
from tests.world import open_world

CUTS: Final = int(os.environ.get("FAULT_CUTS", "10000"))
SECONDS: Final = float(os.environ.get("FAULT_CUT_SECONDS", "20"))
# Of so many cuts one is looked at by a gateway; the others by SQLite alone, which is quicker.
GATEWAY_LOOKS_AT: Final = 100
MANY: Final = 100
NORMAL: Final = "1"

DELIVER: Final = "query ($id: ID!) { runtimeSecrets(serviceId: $id) { key value } }"
ROWS: Final = """SELECT secret.key, secret.variable_type, secret.version, target.key FROM secret
    LEFT JOIN secret AS target ON target.id = secret.target_id
    WHERE secret.key LIKE 'W%\\_%' ESCAPE '\\'"""
KEKS: Final = "SELECT DISTINCT kek_id FROM data_key"

pytestmark = [
    pytest.mark.timeout(3_600),
    pytest.mark.skipif(not is_traceable(), reason="strace is missing, or may not trace here"),
]


@dataclass(frozen=True, slots=True)
class Cut:
    """What is left when the power goes, and how much each writer had been told by then."""

    files: Mapping[str, bytes]
    answer: Mapping[int, int]


def _cuts(trace: Traced, count: int, chance: Random) -> Iterator[Cut]:
    """Give what is left after so many moments of a trace, the earliest first."""
    moments = Counter(chance.randrange(len(trace.events)) for _ in range(count))
    disk, answer = Disk(), Counter[int]()
    for number, event in enumerate(trace.events):
        disk.take(event)
        if isinstance(event, Answered):
            answer[event.port] += 1
        for _ in range(moments[number]):
            yield Cut(disk.after(chance.choice(list(Rest)), chance), dict(answer))


def _possible(writer: Writer, cut: Cut) -> list[Rows]:
    """Return what there may be of a writer's: all it was told of, and perhaps one change more."""
    answer = cut.answer.get(writer.port, 0)
    return writer.states[answer : answer + 2]


def _faults(folder: Path, trace: Traced, cut: Cut) -> list[str]:
    """Return what is wrong with what is left, as SQLite sees it."""
    database = folder / "secrets.db"
    answer = any(cut.answer.get(writer.port) for writer in trace.writers)
    if not database.exists():
        return ["lost"] if answer else []
    with closing(sqlite3.connect(database)) as connection:
        try:
            connection.execute("PRAGMA synchronous = OFF")
            if connection.execute("PRAGMA integrity_check").fetchall() != [("ok",)]:
                return ["corrupt"]
            if not connection.execute("SELECT 1 FROM sqlite_master").fetchall():
                return ["lost"] if answer else []
            return [
                *_damage(connection),
                *_losses(connection, trace, cut),
                *_keyless(connection, folder),
            ]
        except sqlite3.DatabaseError as error:
            return [f"corrupt: {error}"]


def _damage(connection: sqlite3.Connection) -> list[str]:
    dangling = connection.execute("PRAGMA foreign_key_check").fetchall()
    halves = connection.execute(VALUELESS).fetchone()[0]
    return ["half"] if dangling or halves else []


def _losses(connection: sqlite3.Connection, trace: Traced, cut: Cut) -> list[str]:
    rows = connection.execute(ROWS).fetchall()
    are_right = (
        _own(rows, writer) in map(_stored, _possible(writer, cut)) for writer in trace.writers
    )
    return [] if all(are_right) else ["lost"]


def _own(rows: Iterable[tuple[str, ...]], writer: Writer) -> dict[str, tuple[object, ...]]:
    return {key: tuple(row) for key, *row in rows if key.startswith(f"W{writer.number}_")}


def _stored(rows: Rows) -> dict[str, tuple[object, ...]]:
    """Return what SQLite sees of rows: it cannot open values."""
    return {
        key: (kind, version, value if kind == "ALIAS" else None)
        for key, (kind, version, value) in rows.items()
    }


def _keyless(connection: sqlite3.Connection, folder: Path) -> list[str]:
    needed = {kek_id for (kek_id,) in connection.execute(KEKS)}
    key_file = folder / "keys.json"
    there = set(json.loads(key_file.read_text())["keys"]) if key_file.exists() else set()
    return [] if needed <= there else ["keyless"]


async def _faults_in_use(folder: Path, trace: Traced, cut: Cut) -> list[str]:
    """Return what is wrong with what is left, as a gateway sees it that is started over it."""
    settings = Settings(data_dir=folder)
    await migrate_database(settings)
    async with Runtime.over(settings).running() as runtime:
        if runtime.operator.audit.trust_fault is not None:
            return [f"alarm: {runtime.operator.audit.trust_fault}"]
        report = await runtime.operator.audit.verify()
        if report.findings or await runtime.operator.audit.scan_integrity():
            return ["trail"]
    if not any(cut.answer.values()):
        return []
    async with open_world(folder, trace.demo) as world:
        answer = await world.graphql.ask(DELIVER, {"id": trace.demo.job_id})
    delivered = {
        runtime_secret["key"]: runtime_secret["value"]
        for runtime_secret in answer["runtimeSecrets"]
    }
    are_right = (_are_right(delivered, writer, cut) for writer in trace.writers)
    return [] if all(are_right) else ["value"]


def _are_right(delivered: Mapping[str, str], writer: Writer, cut: Cut) -> bool:
    own = {key: value for key, value in delivered.items() if key.startswith(f"W{writer.number}_")}
    return any(own == _values(rows) for rows in _possible(writer, cut))


def _values(rows: Rows) -> Mapping[str, str]:
    return {
        key: rows[value][2] if kind == "ALIAS" else value for key, (kind, _, value) in rows.items()
    }


async def _found(trace: Traced, folder: Path, count: int) -> Counter[str]:
    found: Counter[str] = Counter()
    chance = Random(2)  # noqa: S311 - chooses moments only
    for number, cut in enumerate(_cuts(trace, count, chance)):
        put(cut.files, folder)
        faults = _faults(folder, trace, cut)
        if not faults and number % GATEWAY_LOOKS_AT == 0:
            put(cut.files, folder)
            faults = await _faults_in_use(folder, trace, cut)
        found.update(faults)
    return found


async def test_nothing_acknowledged_is_lost_when_the_power_goes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nor is anything corrupt, half or without its key."""
    trace = traced(tmp_path, seconds=SECONDS, settings={})

    found = await _found(trace, tmp_path / "left", CUTS)

    answer = sum(isinstance(event, Answered) for event in trace.events)
    with capsys.disabled():
        steps = f"{len(trace.events)} steps with {answer} acknowledgements"
        sys.stdout.write(f"\n{CUTS} cuts into {steps}: {dict(found)}\n")
    assert answer > MANY
    assert found == Counter()


async def test_without_full_synchronisation_the_power_takes_what_was_acknowledged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The control of the test above: SQLite's own default for a WAL, NORMAL."""
    trace = traced(tmp_path, seconds=SECONDS / 2, settings={SYNCHRONOUS: NORMAL})

    found = await _found(trace, tmp_path / "left", CUTS // 10)

    with capsys.disabled():
        sys.stdout.write(f"\n{CUTS // 10} cuts with synchronous=NORMAL: {dict(found)}\n")
    assert found["lost"] > CUTS // 100
