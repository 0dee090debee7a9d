"""Nobody works for a caller who has gone, nor without end; what has begun is finished."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Final

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.pool import QueuePool
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.app import build_app
from gateway.config.settings import Settings
from gateway.config.types import LogFormat
from gateway.domain.drafts import HolderReference, SecretDraft
from gateway.domain.principals import Principal
from gateway.domain.scopes import Scope as HolderScope
from gateway.http.client import Client, DeadlineExceeded
from gateway.runtime import Runtime
from gateway.services.demo import Demo
from gateway.services.execution import ShieldedTasks
from gateway.storage.unit_of_work import WriteUnit
from tests.operations.canaries import all_logs, is_traced, new_canary
from tests.patience import PATIENCE, patiently

SOON: Final = 0.1
LATER: Final = PATIENCE
BODY: Final[Message] = {"type": "http.request", "body": b"{}", "more_body": False}
HTTP: Final[dict[str, object]] = {"type": "http", "headers": [(b"content-length", b"2")]}


class RequestPrincipal:
    """Sends a body, and goes when told to."""

    def __init__(self, body: bytes = b"{}") -> None:
        self._messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]
        self.goes = asyncio.Event()
        self.heard = list[Message]()

    async def receive(self) -> Message:
        if self._messages:
            return self._messages.pop()
        await self.goes.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        self.heard.append(message)


class Slow:
    """An application that reads the body and works without end."""

    def __init__(self) -> None:
        self.works = asyncio.Event()
        self.was_ended = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        del scope, send
        await receive()
        self.works.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.was_ended = True


async def answer_in_time(
    app: ASGIApp, scope: Scope, receive: Receive, send: Send, *, seconds: float
) -> None:
    client = Client(scope, receive, send)
    async with client.waiting(seconds):
        await app(scope, client.receive, client.send)


@pytest.mark.rule("S26")
async def test_work_ends_when_its_caller_goes() -> None:
    slow, caller = Slow(), RequestPrincipal()
    running = asyncio.create_task(
        answer_in_time(slow, HTTP, caller.receive, caller.send, seconds=LATER)
    )
    await slow.works.wait()

    caller.goes.set()
    await running

    assert slow.was_ended
    assert caller.heard == []


@pytest.mark.rule("S26")
async def test_work_ends_at_the_deadline() -> None:
    slow, caller = Slow(), RequestPrincipal()

    with pytest.raises(DeadlineExceeded):
        await answer_in_time(slow, HTTP, caller.receive, caller.send, seconds=SOON)

    assert slow.was_ended


@pytest.mark.rule("S26")
async def test_without_a_deadline_work_goes_on_for_nobody() -> None:
    """The control of the two tests above."""
    slow, caller = Slow(), RequestPrincipal()
    running = asyncio.create_task(slow(HTTP, caller.receive, caller.send))
    await slow.works.wait()
    caller.goes.set()

    ended, _ = await asyncio.wait([running], timeout=SOON)

    assert not ended
    running.cancel()


@pytest.mark.rule("S26")
async def test_a_body_that_is_on_its_way_is_not_timed_here() -> None:
    """Reading has a deadline of its own."""
    arrives = asyncio.Event()

    async def receive() -> Message:
        await arrives.wait()
        return BODY

    async def echo(scope: Scope, receive: Receive, send: Send) -> None:
        del scope
        await send(await receive())

    caller = RequestPrincipal()
    running = asyncio.create_task(answer_in_time(echo, HTTP, receive, caller.send, seconds=SOON))
    ended, _ = await asyncio.wait([running], timeout=2 * SOON)
    arrives.set()
    await running

    assert not ended
    assert caller.heard == [BODY]


async def test_an_application_hears_that_its_caller_has_gone() -> None:
    """Without a body, and asked twice, as streams do."""
    heard = list[str]()

    async def listening(scope: Scope, receive: Receive, send: Send) -> None:
        del scope, send
        heard.append((await receive())["type"])
        caller.goes.set()
        heard.append((await receive())["type"])

    caller = RequestPrincipal()
    await caller.receive()
    silent = {"type": "http", "headers": []}
    await answer_in_time(listening, silent, caller.receive, caller.send, seconds=LATER)

    assert heard[0] == "http.request"
    assert heard[1:] in ([], ["http.disconnect"])


async def test_a_timeout_of_the_application_itself_is_no_deadline() -> None:
    async def impatient(scope: Scope, receive: Receive, send: Send) -> None:
        del scope, receive, send
        raise TimeoutError

    caller = RequestPrincipal()
    with pytest.raises(TimeoutError):
        await answer_in_time(impatient, HTTP, caller.receive, caller.send, seconds=LATER)


@asynccontextmanager
async def _opened(data_dir: Path, seconds: float) -> AsyncIterator[tuple[Runtime, ASGIApp]]:
    settings = Settings(data_dir=data_dir, deadline_seconds=seconds, graphiql=False)
    runtime = Runtime.over(settings)
    async with runtime.running():
        yield runtime, build_app(runtime)


@asynccontextmanager
async def _writing(runtime: Runtime) -> AsyncIterator[WriteUnit]:
    # Whoever else wants to write waits for the end of the block.
    async with runtime.database.write(dry_run=True) as unit:
        await unit.rows(text("SELECT 1"))
        yield unit


def _is_changing(runtime: Runtime) -> bool:
    return bool(runtime.services.shielded_tasks._changes)  # noqa: SLF001 - nothing reports it


def _request(demo: Demo, key: str) -> tuple[Scope, bytes]:
    document = """mutation ($id: ID!, $key: String!) {
        createJobSecret(jobId: $id, input: { key: $key }) { secret { id } } }"""
    body = json.dumps({"query": document, "variables": {"id": demo.job_id, "key": key}}).encode()
    headers = {
        "host": "localhost",
        "authorization": f"Bearer {demo.token}",
        "content-type": "application/json",
        "content-length": str(len(body)),
    }
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/graphql",
        "query_string": b"",
        "headers": [(name.encode(), header.encode()) for name, header in headers.items()],
    }
    return scope, body


async def _stored(runtime: Runtime, key: str) -> int:
    async with runtime.database.read() as unit:
        rows = await unit.rows(text("SELECT id FROM secret WHERE key = :key").bindparams(key=key))
        return len(rows)


def _in_use(runtime: Runtime) -> list[int]:
    pools = [runtime.database.readers.pool, runtime.database.writer.pool]
    return [pool.checkedout() for pool in pools if isinstance(pool, QueuePool)]


@pytest.mark.rule("S26")
async def test_a_write_is_finished_though_its_caller_has_gone(
    template: tuple[Path, Demo], data_dir: Path
) -> None:
    scope, body = _request(template[1], "GONE")
    caller = RequestPrincipal(body)
    async with _opened(data_dir, LATER) as (runtime, app):
        async with _writing(runtime):
            running = asyncio.ensure_future(app(scope, caller.receive, caller.send))
            while not _is_changing(runtime):  # noqa: ASYNC110 - nothing reports it
                await asyncio.sleep(0)
            caller.goes.set()
            await running
            assert caller.heard == []
        await runtime.services.shielded_tasks.drain()

        assert await _stored(runtime, "GONE") == 1
        assert _in_use(runtime) == [0, 0]


@pytest.mark.rule("S26")
async def test_a_write_that_is_not_shielded_is_lost_with_its_caller(
    template: tuple[Path, Demo], data_dir: Path
) -> None:
    """The control of the test above."""
    demo = template[1]
    async with _opened(data_dir, LATER) as (runtime, _):
        async with _writing(runtime):
            running = asyncio.create_task(
                runtime.services.for_principal(
                    Principal.operator(demo.organization_id)
                ).secrets.create(
                    holder_reference=HolderReference(HolderScope.JOB, demo.job_id),
                    draft=SecretDraft(key="LOST", value=""),
                )
            )
            await asyncio.sleep(SOON)
            running.cancel()
            await asyncio.wait([running])

        assert running.cancelled()
        assert await _stored(runtime, "LOST") == 0


class StoppedClock:
    """The event loop's clock: it stands still until it is set forward, and then goes on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        loop = asyncio.get_running_loop()
        self._real = loop.time
        self._offset: float | None = None
        self._stopped = loop.time()
        monkeypatch.setattr(loop, "time", self)

    def __call__(self) -> float:
        return self._stopped if self._offset is None else self._real() + self._offset

    def go_on(self, *, by: float) -> None:
        self._offset = self._stopped + by - self._real()


@pytest.mark.rule("S26")
@pytest.mark.parametrize("path", ["/graphql", "rest"])
async def test_a_caller_hears_of_the_deadline_and_the_write_is_finished(
    template: tuple[Path, Demo], data_dir: Path, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The deadline is the moment after the write has begun, however slow the machine is."""
    demo = template[1]
    _, body = _request(demo, "LATE")
    if path == "rest":
        path, body = f"/job/{demo.job_id}/secret", b'{"key": "LATE"}'
    async with _opened(data_dir, 1.0) as (runtime, app):
        async with (
            _writing(runtime),
            httpx.AsyncClient(
                transport=httpx.ASGITransport(app), base_url="http://localhost"
            ) as client,
        ):
            headers = {"Authorization": f"Bearer {demo.token}", "Content-Type": "application/json"}
            clock = StoppedClock(monkeypatch)
            asking = asyncio.create_task(client.post(path, content=body, headers=headers))
            while not _is_changing(runtime):  # noqa: ASYNC110 - nothing reports it
                await asyncio.sleep(0)
            clock.go_on(by=1.0)
            answer = await asking
        await runtime.services.shielded_tasks.drain()

        assert answer.status_code == HTTPStatus.GATEWAY_TIMEOUT
        assert "DEADLINE_EXCEEDED" in answer.text
        assert "given up after 1 seconds" in answer.text
        assert await _stored(runtime, "LATE") == 1
        assert _in_use(runtime) == [0, 0]


@pytest.mark.rule("S26")
@pytest.mark.unmeasured
async def test_callers_that_go_at_every_moment_leave_nothing_behind(
    template: tuple[Path, Demo], data_dir: Path
) -> None:
    """Each goes a little later than the one before; then the next write is at once."""
    demo = template[1]
    async with _opened(data_dir, LATER) as (runtime, app):
        for steps in range(100):
            scope, body = _request(demo, f"STORM_{steps}")
            caller = RequestPrincipal(body)
            running = asyncio.ensure_future(app(scope, caller.receive, caller.send))
            await asyncio.sleep(steps / 5_000)
            caller.goes.set()
            await running
        await runtime.services.shielded_tasks.drain()

        assert _in_use(runtime) == [0, 0]
        scope, body = _request(demo, "AFTER")
        caller = RequestPrincipal(body)
        async with patiently():
            await app(scope, caller.receive, caller.send)
        assert caller.heard[0]["status"] == HTTPStatus.OK
        assert await _stored(runtime, "AFTER") == 1
        assert _in_use(runtime) == [0, 0]


@pytest.mark.rule("S28")
async def test_a_fault_in_a_change_is_logged_without_its_words() -> None:
    """Whoever asked for the change may have gone, and would have been the one to log it."""
    shielded_tasks, canary = ShieldedTasks(), new_canary()

    async def change() -> None:
        raise RuntimeError(canary)

    with all_logs(LogFormat.JSON) as logs:
        with pytest.raises(RuntimeError):
            await shielded_tasks.shield(change())
        await asyncio.sleep(0)

    assert '"kind": "RuntimeError"' in logs.getvalue()
    assert not is_traced(canary, logs.getvalue().encode())
    assert not shielded_tasks._changes  # noqa: SLF001 - it must not be kept
