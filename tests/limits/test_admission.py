"""One view for each request, in turn; too many are refused at once, and no wait is unbounded."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Final

import httpx
import pytest
from sqlalchemy import event, text
from sqlalchemy.pool import QueuePool

from gateway.services.demo import Demo
from gateway.storage.database import REQUEST_CONNECTIONS, Database
from tests.patience import until
from tests.world import World, open_world

pytestmark = pytest.mark.unmeasured

VALUES: Final = "query ($id: ID!) { runtimeSecrets(serviceId: $id) { key } }"
LIST: Final = "{ projects(first: 1) { edges { node { id } } } }"


@contextmanager
def _counting(database: Database) -> Iterator[Counter[str]]:
    """Count how often connections are taken."""
    counts = Counter[str]()
    engines = {"read": database.readers.sync_engine, "write": database.writer.sync_engine}
    listeners = {
        name: (engine, lambda *_, name=name: counts.update([name]))
        for name, engine in engines.items()
    }
    for engine, listener in listeners.values():
        event.listen(engine, "checkout", listener)
    try:
        yield counts
    finally:
        for engine, listener in listeners.values():
            event.remove(engine, "checkout", listener)


def _in_use(database: Database) -> int:
    pool = database.readers.pool
    assert isinstance(pool, QueuePool)
    return pool.checkedout()


@asynccontextmanager
async def _all_views_taken(database: Database) -> AsyncIterator[None]:
    async with AsyncExitStack() as stack:
        for _ in range(REQUEST_CONNECTIONS):
            view = database.view()
            await view.rows(text("SELECT 1"))
            stack.push_async_callback(view.close)
        yield


async def _ask(world: World, face: str) -> httpx.Response:
    if face == "rest":
        return await world.client.get(f"/job/{world.demo.job_id}/secret")
    return await world.client.post("/graphql", json={"query": LIST})


@pytest.mark.parametrize("face", ["rest", "graphql"])
async def test_a_request_that_reads_takes_one_view(world: World, face: str) -> None:
    with _counting(world.runtime.database) as counts:
        answer = await _ask(world, face)

    assert answer.is_success
    assert counts == {"read": 1}


async def test_a_request_that_writes_takes_one_view_and_the_writer(world: World) -> None:
    with _counting(world.runtime.database) as counts:
        answer = await world.client.post(f"/job/{world.demo.job_id}/secret", json={"key": "ONE"})

    assert answer.status_code == HTTPStatus.CREATED
    assert counts["write"] == 1
    # What the answer shows is read after the write.
    assert counts["read"] <= 2


@pytest.mark.parametrize("what", ["values", "a change"])
async def test_nobody_holds_a_view_while_waiting_to_write(world: World, what: str) -> None:
    database = world.runtime.database
    path, body = (
        ("/graphql", {"query": VALUES, "variables": {"id": world.demo.job_id}})
        if what == "values"
        else (f"/job/{world.demo.job_id}/secret", {"key": "WAITS"})
    )
    async with database.write(dry_run=True) as unit:
        await unit.rows(text("SELECT 1"))
        asking = asyncio.create_task(world.client.post(path, json=body))
        await until(lambda: database.write_admission.waiting == 1)

        assert _in_use(database) == 0

    assert (await asking).is_success


@pytest.mark.parametrize("face", ["rest", "graphql"])
async def test_a_full_queue_is_asked_to_come_back(
    world: World, face: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = world.runtime.database
    monkeypatch.setattr(database.request_admission, "_max_waiting", 0)
    async with _all_views_taken(database):
        refused = await _ask(world, face)
    served = await _ask(world, face)

    assert refused.status_code == HTTPStatus.SERVICE_UNAVAILABLE
    assert refused.headers["Retry-After"] == "5"
    assert "Too many requests are waiting" in refused.text
    assert served.is_success


async def test_a_full_queue_of_writers_is_asked_to_come_back(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = world.runtime.database
    monkeypatch.setattr(database.write_admission, "_max_waiting", 0)
    async with database.write(dry_run=True) as unit:
        await unit.rows(text("SELECT 1"))
        refused = await world.client.post(f"/job/{world.demo.job_id}/secret", json={"key": "LATE"})

    assert refused.status_code == HTTPStatus.SERVICE_UNAVAILABLE
    assert "Retry-After" in refused.headers


@pytest.mark.parametrize("face", ["rest", "graphql"])
async def test_waiting_for_a_view_counts_for_the_deadline(
    template: tuple[Path, Demo], data_dir: Path, face: str
) -> None:
    async with (
        open_world(data_dir, template[1], deadline_seconds=1) as world,
        _all_views_taken(world.runtime.database),
    ):
        answer = await _ask(world, face)

    assert answer.status_code == HTTPStatus.GATEWAY_TIMEOUT
    assert "given up after 1 seconds" in answer.text


async def test_what_the_gateway_does_by_itself_does_not_wait_for_requests(world: World) -> None:
    database = world.runtime.database
    async with _all_views_taken(database):
        answer = await world.client.get("/readyz")
        head = await world.runtime.operator.audit.head()

    assert answer.is_success
    assert head is not None


async def test_a_request_without_its_client_gives_its_slot_back(world: World) -> None:
    database = world.runtime.database
    async with _all_views_taken(database):
        asking = asyncio.create_task(_ask(world, "rest"))
        await until(lambda: database.request_admission.waiting == 1)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        await until(lambda: database.request_admission.waiting == 0)

    assert (await _ask(world, "rest")).is_success
    assert _in_use(database) == 0
