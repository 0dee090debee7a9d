"""A filter of the audit log finds the same events through every index, page by page.

The events are random, of two organizations, and the clock was set back twice.
"""

import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import pytest

from gateway.config.settings import Settings
from gateway.domain.audit import AuditAction, AuditEvent, AuditFilter, SealedEvent, details_text
from gateway.domain.errors import IntegrityFault
from gateway.domain.holders import Holder, new_id
from gateway.domain.pages import Window
from gateway.domain.permissions import Visibility
from gateway.domain.scopes import Scope
from gateway.runtime import migrate_database
from gateway.storage.audit import event_log, log_times, pages
from gateway.storage.audit.log_times import LogTimes
from gateway.storage.checked_view import Head, Proof, SeenHead
from gateway.storage.database import Database
from gateway.storage.unit_of_work import ReadUnit

EVENTS = 400
CHANGES = tuple(AuditAction)[1:4]
ACTIONS = (AuditAction.VALUES_DELIVERED, *CHANGES, AuditAction.HOLDER_CHANGED)
ACTORS = ("ann", "ben", "gateway")
ALTERED = 2020
BEGUN = datetime(2026, 1, 1, tzinfo=UTC)
# The numbers of the events in front of which the clock was set back, and by how many minutes.
SET_BACK = {150: 40, 300: 200}


def _holder(kind: Scope, organization_id: str, above: Holder | None = None) -> Holder:
    holder_id = new_id()
    return Holder(
        id=holder_id,
        kind=kind,
        name=holder_id,
        organization_id=organization_id,
        project_id=above.project_id if above else holder_id,
        environment_id=(above.environment_id or holder_id) if above else None,
    )


def _tree(organization_id: str) -> list[Holder]:
    project = _holder(Scope.PROJECT, organization_id)
    environment = _holder(Scope.ENVIRONMENT, organization_id, project)
    return [project, environment, *(_holder(Scope.JOB, organization_id, environment) for _ in "ab")]


ORGANIZATIONS = (new_id(), new_id())
HOLDERS = [holder for each in (*ORGANIZATIONS, ORGANIZATIONS[0]) for holder in _tree(each)]
PROJECTS = sorted({holder.project_id for holder in HOLDERS})
# A secret never leaves its project.
SECRETS = {project_id: [new_id() for _ in range(3)] for project_id in PROJECTS}


@dataclass(frozen=True, slots=True)
class Stored:
    """An event, and the secrets that it concerns."""

    event: AuditEvent
    secret_ids: Sequence[str]


def _stored(chance: Random) -> list[Stored]:
    found, at = [], BEGUN
    for seq in range(1, EVENTS + 1):
        at += timedelta(minutes=chance.randrange(3) - SET_BACK.get(seq, 0))
        holder, action = chance.choice(HOLDERS), chance.choice(ACTIONS)
        some = chance.sample(SECRETS[holder.project_id], chance.randrange(1, 4))
        delivered = some if action == AuditAction.VALUES_DELIVERED else []
        changed = some[:1] if action in CHANGES else []
        event = AuditEvent(
            seq=seq,
            at=at,
            actor_kind="TOKEN",
            actor_id=chance.choice(ACTORS),
            action=action,
            subject="SECRET" if changed else "HOLDER",
            subject_id=changed[0] if changed else holder.id,
            organization_id=holder.organization_id,
            project_id=holder.project_id,
            holder_id=holder.id,
            key=None,
            face="NONE",
            request_id=None,
            details=details_text({"secrets": dict.fromkeys(delivered, 1)} if delivered else {}),
            set_mac=b"",
            prev_hash=b"",
        )
        found.append(Stored(event, changed or delivered))
    return found


def _store(file: Path) -> None:
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        for holder in HOLDERS:
            is_project = holder.kind is Scope.PROJECT
            above = holder.project_id if holder.kind is Scope.ENVIRONMENT else holder.environment_id
            kind = "PROJECT" if holder.kind is Scope.ENVIRONMENT else "ENVIRONMENT"
            connection.execute(
                "INSERT INTO holder (id, kind, name, organization_id, project_id, environment_id,"
                " parent_id, parent_kind, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    *(holder.id, holder.kind, holder.name, holder.organization_id),
                    *(holder.project_id, holder.environment_id),
                    *((None, None) if is_project else (above, kind)),
                    "2026-01-01 00:00:00.000000",
                ],
            )


class _Guard:
    """Accepts every event except the altered ones: these have no real hashes."""

    seen = SeenHead(0, b"")

    def is_intact(self, sealed: SealedEvent) -> bool:
        return sealed.event.at.year != ALTERED

    async def prove(self, unit: ReadUnit, head: Head | None) -> Proof:
        raise NotImplementedError


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[tuple[Database, list[Stored]]]:
    """A database with random events."""
    settings = Settings(data_dir=tmp_path)
    await migrate_database(settings)
    stored = _stored(Random(7))  # noqa: S311 - test data
    async with Database(settings.resolved_database_url) as database:
        _store(Path(database.path))
        async with database.write() as unit:
            events = [SealedEvent(each.event, each.event.seq.to_bytes(4)) for each in stored]
            event_log.append(unit, events)
        database.guard = _Guard()
        yield database, stored


def _filter(chance: Random) -> AuditFilter:
    def some(value: Any) -> Any:
        return value if chance.random() < 0.4 else None

    since = BEGUN + timedelta(minutes=chance.randrange(400))
    return AuditFilter(
        actor_id=some(chance.choice((*ACTORS, "nobody"))),
        actions=some(tuple(chance.sample(ACTIONS, chance.randrange(4)))),
        secret_id=some(chance.choice(SECRETS[chance.choice(PROJECTS)])),
        holder_id=some(chance.choice(HOLDERS).id),
        since=some(since),
        until=some(since + timedelta(minutes=chance.randrange(100))),
    )


def _visibility(chance: Random) -> Visibility:
    if chance.random() < 0.5:
        return Visibility.everywhere(ORGANIZATIONS[0])
    own = [holder for holder in HOLDERS if holder.organization_id == ORGANIZATIONS[0]]
    some = tuple(chance.sample(own, chance.randrange(3)))
    return Visibility(organization_id=ORGANIZATIONS[0], holders=some)


def _matches(stored: Stored, only: AuditFilter, visibility: Visibility) -> bool:
    event = stored.event
    holder = next(holder for holder in HOLDERS if holder.id == event.holder_id)
    return (
        visibility.covers(holder)
        and only.actor_id in {None, event.actor_id}
        and (only.actions is None or event.action in only.actions)
        and (only.secret_id is None or only.secret_id in stored.secret_ids)
        and only.holder_id in {None, event.holder_id, event.project_id}
        and (only.since is None or event.at >= only.since)
        and (only.until is None or event.at < only.until)
    )


async def _walk(
    unit: ReadUnit, visibility: Visibility, only: AuditFilter, times: LogTimes, *, back: bool
) -> list[int]:
    """Return the numbers of all events of a list, from its beginning or from its end."""
    found: list[int] = []
    cursor: str | None = None
    for _ in count():
        window = Window(size=20, is_backward=back, **{"before" if back else "after": cursor})
        page = await pages.page(unit, visibility, window, only, times)
        seqs = [entry.item.seq for entry in page.entries]
        found = [*seqs, *found] if back else [*found, *seqs]
        if not (page.has_previous if back else page.has_next):
            assert await page.count() == len(found)
            return found
        cursor = page.entries[0 if back else -1].cursor
    raise AssertionError


@pytest.mark.parametrize("seed", range(10))
async def test_a_filter_finds_what_matches(
    database: tuple[Database, list[Stored]], seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = Random(seed)  # noqa: S311 - test data
    monkeypatch.setattr(log_times, "_EVENTS_AT_ONCE", chance.choice([50, 1_000]))
    times = LogTimes()
    async with database[0].read() as unit:
        for _ in range(4):
            only, visibility = _filter(chance), _visibility(chance)
            matching = [each for each in database[1] if _matches(each, only, visibility)]
            expected = [each.event.seq for each in reversed(matching)]

            for back in (False, True):
                assert await _walk(unit, visibility, only, times, back=back) == expected, only


async def test_an_altered_time_hides_no_other_event(
    database: tuple[Database, list[Stored]],
) -> None:
    """The search ends beside the altered event, and refuses it, which the list would leave out."""
    everything, times = Visibility.everywhere(ORGANIZATIONS[0]), LogTimes()
    since = AuditFilter(since=BEGUN + timedelta(minutes=10))
    async with database[0].read() as unit:
        assert await _walk(unit, everything, since, times, back=False)
    # The search begins in the middle of the events in front of the first that was set back.
    middle = (1 + min(SET_BACK)) // 2
    statement = "UPDATE audit_event SET at = ? WHERE seq = ?"
    with closing(sqlite3.connect(database[0].path)) as connection, connection:
        connection.execute(statement, [f"{ALTERED}-01-01 00:00:00.000000", middle])

    async with database[0].read() as unit:
        with pytest.raises(IntegrityFault):
            await _walk(unit, everything, since, times, back=False)
