"""Writes that wait for each other share a commit, and each is all done or not at all."""

import asyncio
import resource
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Any, Final

import pytest
from sqlalchemy import event, text

from gateway.domain.errors import ErrorCode, StorageNotWritable, Unavailable
from gateway.domain.permissions import Role
from gateway.domain.principals import Principal
from gateway.domain.scopes import Scope
from gateway.storage import shared_commits, tokens
from gateway.storage.audit import event_log
from gateway.storage.database import Database
from gateway.storage.unit_of_work import WriteUnit
from tests.faces import Face
from tests.patience import PATIENCE, until
from tests.world import World

pytestmark = pytest.mark.unmeasured

CLIENTS: Final = 16
_Work = Callable[[], Awaitable[Any]]
KEYS: Final = [f"SHARED_{number:02}" for number in range(CLIENTS)]


@pytest.fixture(autouse=True)
def patient_commits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a busy machine take its time for the units of a transaction."""
    monkeypatch.setattr(shared_commits, "MAX_SECONDS", PATIENCE)


@dataclass(slots=True)
class _Counted:
    commits: int = 0
    notifications: int = 0


@contextmanager
def _counting(database: Database) -> Iterator[_Counted]:
    """Count the commits of the writer connection, and who hears of them."""
    counted, notify = _Counted(), database.after_commit

    def note(_: object) -> None:
        counted.commits += 1

    def hear() -> None:
        counted.notifications += 1

    event.listen(database.writer.sync_engine, "commit", note)
    database.after_commit = hear
    try:
        yield counted
    finally:
        database.after_commit = notify
        event.remove(database.writer.sync_engine, "commit", note)


@asynccontextmanager
async def _waiting_writers(
    database: Database, works: Sequence[_Work]
) -> AsyncIterator[Sequence["asyncio.Future[Any]"]]:
    """Let the works wait for the writer, in this order, until the block ends."""
    async with database.write(dry_run=True) as unit:
        await unit.rows(text("SELECT 1"))
        tasks = []
        for work in works:
            tasks.append(asyncio.ensure_future(work()))
            await until(lambda: database.write_admission.waiting == len(tasks))
        yield tasks


async def _all_at_once(database: Database, works: Sequence[_Work]) -> list[Any]:
    async with _waiting_writers(database, works) as tasks:
        pass
    return await asyncio.gather(*tasks, return_exceptions=True)


def _creations(world: World, face: Face, keys: Sequence[str]) -> list[_Work]:
    create = partial(face.create, Scope.JOB, world.demo.job_id, value="x")
    return [partial(create, key=key) for key in keys]


async def _visible_keys(world: World) -> set[str]:
    return {row["key"] for row in await world.rest.visible(Scope.JOB, world.demo.job_id)}


async def _ensure_log_is_whole(world: World) -> None:
    audit = world.runtime.operator.audit
    report = await audit.verify()
    assert (audit.trust_fault, report.findings, await audit.scan_integrity()) == (None, [], [])


async def test_writes_that_wait_share_a_commit_and_a_notification(world: World, face: Face) -> None:
    with _counting(world.runtime.database) as counted:
        outcomes = await _all_at_once(world.runtime.database, _creations(world, face, KEYS))

    assert [outcome.code for outcome in outcomes] == [None] * CLIENTS
    assert (counted.commits, counted.notifications) == (1, 1)
    assert set(KEYS) <= await _visible_keys(world)
    await _ensure_log_is_whole(world)


async def test_full_transaction_takes_no_other_unit(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control of the test above, too."""
    monkeypatch.setattr(shared_commits, "MAX_UNITS", 1)
    with _counting(world.runtime.database) as counted:
        await _all_at_once(world.runtime.database, _creations(world, world.rest, KEYS))

    assert counted.commits == CLIENTS


async def test_old_transaction_takes_no_other_unit(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_commits, "MAX_SECONDS", 0)
    with _counting(world.runtime.database) as counted:
        await _all_at_once(world.runtime.database, _creations(world, world.rest, KEYS))

    assert counted.commits == CLIENTS


async def test_write_that_is_refused_leaves_the_others_whole(world: World, face: Face) -> None:
    database = world.runtime.database
    works = _creations(world, face, ["FIRST", "FIRST", "SECOND"])
    with _counting(database) as counted:
        outcomes = await _all_at_once(database, works)

    assert [outcome.code for outcome in outcomes] == [None, ErrorCode.CONFLICT, None]
    assert counted.commits == 1
    assert {"FIRST", "SECOND"} <= await _visible_keys(world)
    await _ensure_log_is_whole(world)


async def test_repeated_request_in_one_transaction_is_done_once(world: World) -> None:
    path, headers = f"/job/{world.demo.job_id}/secret", {"Idempotency-Key": "once"}

    def send() -> Awaitable[Any]:
        return world.client.post(path, json={"key": "ONCE", "value": "x"}, headers=headers)

    with _counting(world.runtime.database) as counted:
        first, second = await _all_at_once(world.runtime.database, [send, send])

    assert (first.status_code, second.status_code) == (HTTPStatus.CREATED, HTTPStatus.CREATED)
    assert first.json()["id"] == second.json()["id"]
    assert counted.commits == 1


# ------------------------------------------------------------------------- units of work by name


class _Failed(Exception):
    pass


@dataclass(frozen=True, slots=True)
class _Revocations:
    """Units of work that each revoke a token of their own."""

    world: World
    token_ids: list[str]

    async def revoke(
        self,
        number: int,
        *,
        then: Callable[[WriteUnit], Awaitable[None]] | None = None,
        dry_run: bool = False,
        is_shared: bool = True,
    ) -> None:
        now = self.world.runtime.services.authentication.now()
        async with self.world.runtime.database.write(is_shared=is_shared, dry_run=dry_run) as unit:
            await event_log.prove(unit)
            await tokens.revoke(unit, self.token_ids[number], at=now)
            if then is not None:
                await then(unit)

    async def revoked(self) -> list[bool]:
        """Return which tokens are revoked."""
        async with self.world.runtime.database.read() as unit:
            rows = await unit.rows(text("SELECT id FROM api_token WHERE revoked_at IS NOT NULL"))
        found = {row.id for row in rows}
        return [token_id in found for token_id in self.token_ids]


@pytest.fixture
async def revocations(world: World) -> _Revocations:
    """Three tokens to revoke."""
    operator = Principal.operator(world.demo.organization_id)
    made = [
        await world.runtime.services.for_principal(operator).tokens.create(
            name=f"token {number}", role=Role.VIEWER
        )
        for number in range(3)
    ]
    return _Revocations(world, [each.facts.id for each in made])


async def _fail(_: WriteUnit) -> None:
    raise _Failed


async def test_unit_that_fails_after_its_changes_undoes_only_those(
    revocations: _Revocations,
) -> None:
    database = revocations.world.runtime.database
    with _counting(database) as counted:
        ended = await _all_at_once(
            database,
            [
                lambda: revocations.revoke(0),
                lambda: revocations.revoke(1, then=_fail),
                lambda: revocations.revoke(2),
            ],
        )

    assert [type(each) for each in ended] == [type(None), _Failed, type(None)]
    assert counted.commits == 1
    assert await revocations.revoked() == [True, False, True]
    await _ensure_log_is_whole(revocations.world)


async def test_dry_run_between_others_changes_nothing(revocations: _Revocations) -> None:
    database = revocations.world.runtime.database
    ended = await _all_at_once(
        database,
        [
            lambda: revocations.revoke(0),
            lambda: revocations.revoke(1, dry_run=True),
            lambda: revocations.revoke(2),
        ],
    )

    assert ended == [None, None, None]
    assert await revocations.revoked() == [True, False, True]
    await _ensure_log_is_whole(revocations.world)


@dataclass(slots=True)
class _Gate:
    """Where a unit waits while it has the turn."""

    reached: asyncio.Event
    opened: asyncio.Event

    @classmethod
    def new(cls) -> "_Gate":
        return cls(asyncio.Event(), asyncio.Event())

    async def wait(self, _: WriteUnit) -> None:
        self.reached.set()
        await self.opened.wait()


async def test_no_view_sees_what_is_not_committed_and_no_alarm_is_raised(
    revocations: _Revocations,
) -> None:
    world, gate = revocations.world, _Gate.new()
    works = [
        lambda: revocations.revoke(0),
        lambda: revocations.revoke(1, then=gate.wait),
    ]
    async with _waiting_writers(world.runtime.database, works) as tasks:
        pass
    await gate.reached.wait()
    during = await revocations.revoked()
    answer = await world.client.get(f"/job/{world.demo.job_id}/secret")
    trust_fault = world.runtime.operator.audit.trust_fault
    first_is_done = tasks[0].done()
    gate.opened.set()
    await asyncio.gather(*tasks)

    assert during == [False, False, False]
    assert (answer.status_code, trust_fault) == (HTTPStatus.OK, None)
    assert not first_is_done
    assert await revocations.revoked() == [True, True, False]


async def test_bulk_work_lets_those_before_it_be_committed(revocations: _Revocations) -> None:
    gate = _Gate.new()
    works = [
        lambda: revocations.revoke(0),
        lambda: revocations.revoke(1, then=gate.wait, is_shared=False),
    ]
    async with _waiting_writers(revocations.world.runtime.database, works) as tasks:
        pass
    await gate.reached.wait()
    await tasks[0]
    during = await revocations.revoked()
    gate.opened.set()
    await tasks[1]

    assert during == [True, False, False]


async def test_unit_that_is_cancelled_leaves_the_others_whole(revocations: _Revocations) -> None:
    gate = _Gate.new()
    works = [
        lambda: revocations.revoke(0),
        lambda: revocations.revoke(1, then=gate.wait),
        lambda: revocations.revoke(2),
    ]
    async with _waiting_writers(revocations.world.runtime.database, works) as tasks:
        pass
    await gate.reached.wait()
    tasks[1].cancel()
    ended = await asyncio.gather(*tasks, return_exceptions=True)

    assert isinstance(ended[1], asyncio.CancelledError)
    assert await revocations.revoked() == [True, False, True]
    await _ensure_log_is_whole(revocations.world)


async def test_finished_unit_is_committed_although_the_one_after_it_has_gone(
    revocations: _Revocations, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, database = _Gate.new(), revocations.world.runtime.database
    works = [lambda: revocations.revoke(0, then=gate.wait), lambda: revocations.revoke(1)]
    async with _waiting_writers(database, works) as tasks:
        pass
    await gate.reached.wait()
    leave = database.write_admission.leave

    def leave_to_one_that_goes(*, is_request: bool = True) -> None:
        leave(is_request=is_request)
        tasks[1].cancel()

    monkeypatch.setattr(database.write_admission, "leave", leave_to_one_that_goes)
    gate.opened.set()
    first, second = await asyncio.gather(*tasks, return_exceptions=True)

    assert (first, type(second)) == (None, asyncio.CancelledError)
    assert await revocations.revoked() == [True, False, False]


async def test_log_is_emptied_between_transactions(revocations: _Revocations) -> None:
    database, gate = revocations.world.runtime.database, _Gate.new()
    works = [
        lambda: revocations.revoke(0),
        lambda: revocations.revoke(1, then=gate.wait),
    ]
    async with _waiting_writers(database, works) as tasks:
        pass
    await gate.reached.wait()
    emptying = asyncio.ensure_future(database.wal.empty())
    gate.opened.set()
    await asyncio.gather(*tasks)
    is_emptied = await emptying or await database.wal.empty()

    assert (is_emptied, database.wal.size) == (True, 0)
    assert await revocations.revoked() == [True, True, False]


# --------------------------------------------------------------------------- what the disk refuses


@contextmanager
def _no_file_grows(database: Database) -> Iterator[None]:
    """Let the operating system refuse to make the write-ahead log longer."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (database.wal.size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def test_commit_that_fails_fails_all_of_its_writes(world: World, face: Face) -> None:
    database = world.runtime.database
    await _all_at_once(database, _creations(world, face, KEYS))
    assert database.guard
    seen = database.guard.seen
    async with database.read() as view:
        # A view that is open keeps the log from beginning again at its start.
        await view.rows(text("SELECT count(*) FROM secret"))
        with _counting(database) as counted, _no_file_grows(database):
            failed = await _all_at_once(database, _creations(world, face, ["LOST", "LOST", "GONE"]))
    is_ahead = database.guard.seen != seen
    after = await face.create(Scope.JOB, world.demo.job_id, key="LOST", value="x")

    # The second would be a conflict if the first had been kept.
    assert {outcome.status for outcome in failed} == {HTTPStatus.SERVICE_UNAVAILABLE}
    assert (counted.notifications, is_ahead) == (0, False)
    assert after.code is None
    assert "GONE" not in await _visible_keys(world)
    await _ensure_log_is_whole(world)


async def test_unit_that_loses_the_transaction_fails_those_before_it(
    revocations: _Revocations,
) -> None:
    """SQLite rolls back a whole transaction when a statement finds the database full."""
    database = revocations.world.runtime.database

    async def fill(unit: WriteUnit) -> None:
        ((pages,),) = await unit.rows(text("PRAGMA page_count"))
        await unit.rows(text(f"PRAGMA max_page_count = {pages + 100}"))
        await unit.execute(text("CREATE TABLE large (filling BLOB)"))
        await unit.execute(text("INSERT INTO large VALUES (zeroblob(10000000))"))

    ended = await _all_at_once(
        database,
        [
            lambda: revocations.revoke(0),
            lambda: revocations.revoke(1, then=fill),
            lambda: revocations.revoke(2),
        ],
    )

    assert [type(each) for each in ended] == [Unavailable, StorageNotWritable, type(None)]
    assert await revocations.revoked() == [False, False, True]
    await _ensure_log_is_whole(revocations.world)
