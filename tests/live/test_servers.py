"""Across servers: news outlive a restart, come from other processes, and end with a server."""

import asyncio
import shutil
import signal
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path

import httpx
import pytest
from websockets.exceptions import ConnectionClosed

from gateway.domain.scopes import Scope
from gateway.services.demo import Demo
from gateway.storage.engine import READ_CONNECTIONS
from tests.faces import GraphQLFace
from tests.live.documents import CHANGES, IMPORT, change_in, code_in
from tests.live.listening import (
    Json,
    Listen,
    Listener,
    heard,
    introduced_socket,
    listening_on_a_socket,
    listening_to_events,
)
from tests.live.writing import Writer, new_key
from tests.patience import PATIENCE, SILENCE
from tests.servers import LiveServer, run_forked, serving, serving_measured


@pytest.fixture
def folder(template: tuple[Path, Demo], tmp_path: Path) -> Path:
    """A data folder for servers that come and go."""
    return Path(shutil.copytree(template[0], tmp_path / "data"))


@asynccontextmanager
async def _writing(server: LiveServer) -> AsyncIterator[Writer]:
    headers = {"Authorization": f"Bearer {server.demo['token']}"}
    async with httpx.AsyncClient(base_url=server.url, headers=headers, timeout=PATIENCE) as client:
        yield Writer(GraphQLFace(client), server.demo)


def _run(folder: Path, *arguments: str) -> None:
    """Run another process of the gateway."""
    status, printed = run_forked(folder, *arguments)
    assert status == 0, printed


def _cut_off(folder: Path, secret_id: str) -> None:
    """Delete the log up to the last change of a secret, as `audit prune` does up to a day."""
    last = "SELECT max(seq) FROM audit_event WHERE subject = 'SECRET' AND subject_id = ?"
    with closing(sqlite3.connect(folder / "secrets.db")) as connection, connection:
        seq = connection.execute(last, (secret_id,)).fetchone()
        connection.execute("DELETE FROM audit_event WHERE seq <= ?", seq)


async def test_changes_go_on_after_a_restart_without_a_gap_or_a_repeat(
    template: tuple[Path, Demo], folder: Path, listen: Listen
) -> None:
    with serving(folder, template[1]) as server:
        async with _writing(server) as writer:
            since = await writer.since(writer.job)
            made = [await writer.create(new_key()) for _ in range(3)]
            async with listen(server, CHANGES, since) as listener:
                result = [change_in(await listener.next()) for _ in range(2)]
    with serving(folder, template[1]) as server:
        async with _writing(server) as writer:
            made.append(await writer.create(new_key()))
            after = {"holder": writer.job, "after": result[-1]["cursor"]}
            async with listen(server, CHANGES, after) as listener:
                result += [change_in(await listener.next()) for _ in range(2)]
                with pytest.raises(TimeoutError):
                    await listener.next(within=SILENCE)

    assert [change["secretId"] for change in result] == made


async def test_what_another_process_writes_is_reported(
    template: tuple[Path, Demo], folder: Path, tmp_path: Path, listen: Listen
) -> None:
    key, file = new_key(), tmp_path / "more.env"
    file.write_text(f"{key}=value\n")

    with serving(folder, template[1]) as server:
        async with _writing(server) as writer:
            since = await writer.since(writer.job)
        async with listen(server, CHANGES, since) as listener:
            holder = f"job:{server.demo['job_id']}"
            await asyncio.to_thread(_run, folder, "import", "--holder", holder, str(file))
            change = change_in(await listener.next())

    assert (change["kind"], change["key"]) == ("CREATED", key)


@pytest.mark.rule("S10", "S29")
async def test_a_token_that_another_process_revokes_closes_the_socket(
    template: tuple[Path, Demo], folder: Path
) -> None:
    """So all workers of a gateway do."""
    with serving(folder, template[1]) as server:
        async with _writing(server) as writer:
            token_id, token, _ = await writer.token("VIEWER")
        async with introduced_socket(server, token=token) as socket:
            await asyncio.to_thread(_run, folder, "token", "revoke", token_id)
            with pytest.raises(ConnectionClosed) as closed:
                await heard(socket)

    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4403


async def test_keys_that_change_are_no_changes(
    template: tuple[Path, Demo], folder: Path, listen: Listen
) -> None:
    """What is only sealed anew is the same as before."""
    with serving(folder, template[1]) as server:
        async with _writing(server) as writer:
            since = await writer.since({"projectId": server.demo["project_id"]})
            await asyncio.to_thread(_run, folder, "keys", "rotate")
            made_id = await writer.create(new_key(), at=Scope.PROJECT)
        async with listen(server, CHANGES, since) as listener:
            change = change_in(await listener.next())

    assert change["secretId"] == made_id


async def test_what_was_pruned_is_said_to_be_missing(
    template: tuple[Path, Demo], folder: Path
) -> None:
    with serving(folder, template[1]) as server:
        async with _writing(server) as writer:
            early = await writer.since(writer.job)
            await writer.create(new_key())
            await writer.create(new_key())
            await asyncio.to_thread(_run, folder, "audit", "prune", "--before", "2999-01-01")
            late = await writer.since(writer.job)
            last_id = await writer.create(new_key())
        async with listening_on_a_socket(server, CHANGES, early) as listener:
            refused = await listener.next()
        async with listening_on_a_socket(server, CHANGES, late) as listener:
            result = change_in(await listener.next())

    assert code_in(refused) == "CURSOR_EXPIRED"
    assert result["secretId"] == last_id


async def test_one_who_read_up_to_what_was_pruned_has_missed_nothing(
    template: tuple[Path, Demo], folder: Path
) -> None:
    """The next link of the chain still knows the one that is gone."""
    with serving(folder, template[1]) as server:
        async with _writing(server) as writer:
            since = await writer.since(writer.job)
            first_id = await writer.create(new_key())
            async with listening_on_a_socket(server, CHANGES, since) as listener:
                first = change_in(await listener.next())
            second_id = await writer.create(new_key())
        _cut_off(folder, first_id)
        after = {"holder": writer.job, "after": first["cursor"]}
        async with listening_on_a_socket(server, CHANGES, after) as listener:
            second = change_in(await listener.next())

    assert (first["secretId"], second["secretId"]) == (first_id, second_id)


async def test_a_stream_outlasts_the_deadline_of_requests(
    template: tuple[Path, Demo], folder: Path, listen: Listen
) -> None:
    key, file = new_key(), folder.parent / "later.env"
    file.write_text(f"{key}=value\n")
    with serving(folder, template[1]) as server:
        async with _writing(server) as writer:
            since = await writer.since(writer.job)
    with serving(folder, template[1], DEADLINE_SECONDS="2") as server:
        async with listen(server, CHANGES, since) as listener:
            with pytest.raises(TimeoutError):
                await listener.next(within=2.5)
            # Another process writes: no deadline is waited for in vain.
            holder = f"job:{server.demo['job_id']}"
            await asyncio.to_thread(_run, folder, "import", "--holder", holder, str(file))
            change = change_in(await listener.next())

    assert change["key"] == key


@pytest.mark.rule("S29")
async def test_a_caller_listens_to_so_much_and_no_more(
    template: tuple[Path, Demo], folder: Path, listen: Listen
) -> None:
    with serving_measured(folder, template[1], SUBSCRIPTIONS_PER_CALLER="1") as server:
        holder = {"holder": {"jobId": server.demo["job_id"]}}
        async with (
            listening_to_events(server, CHANGES, holder),
            listen(server, CHANGES, holder) as listener,
        ):
            refused = await listener.next()

    assert code_in(refused) == "LIMIT_EXCEEDED"


async def test_a_caller_who_listened_may_listen_again(
    template: tuple[Path, Demo], folder: Path, listen: Listen
) -> None:
    """The control of the test above: what has ended counts no more."""
    with serving(folder, template[1], SUBSCRIPTIONS_PER_CALLER="1") as server:
        async with _writing(server) as writer:
            since = await writer.since(writer.job)
            secret_id = await writer.create(new_key())
            result = []
            for _ in range(3):
                async with listen(server, CHANGES, since) as listener:
                    result.append(change_in(await listener.next())["secretId"])
                await writer.cursor()

    assert result == [secret_id] * 3


async def test_a_server_that_stops_ends_what_would_never_end(
    template: tuple[Path, Demo], folder: Path
) -> None:
    with serving(folder, template[1]) as server:
        holder = {"holder": {"jobId": server.demo["job_id"]}}
        subscriber_count = (
            listening_to_events(server, CHANGES, holder),
            listening_on_a_socket(server, CHANGES, holder),
        )
        async with subscriber_count[0], subscriber_count[1] as socket:
            assert server.process is not None
            server.process.terminate()
            with pytest.raises(ConnectionClosed) as closed:
                await socket.next()
            stopped = await asyncio.to_thread(server.process.wait, PATIENCE)

    assert closed.value.rcvd is not None
    assert (closed.value.rcvd.code, stopped) == (1012, -signal.SIGTERM)


async def _come_and_go(server: LiveServer, listen: Listen, *, times: int) -> None:
    for turn in range(times):
        holder = {"holder": {"jobId": server.demo["job_id"]}}
        async with listen(server, CHANGES, holder) as listener:
            with suppress(TimeoutError):
                await listener.next(within=0.02 * turn)


async def test_listeners_who_come_and_go_leave_nothing_behind(
    template: tuple[Path, Demo], folder: Path
) -> None:
    """They go in the middle of whatever is done for them; the server goes on, and stops in time."""
    with serving(folder, template[1]) as server:
        async with _writing(server) as writer:
            coming = asyncio.gather(
                *(_come_and_go(server, listening_to_events, times=8) for _ in range(4)),
                *(_come_and_go(server, listening_on_a_socket, times=8) for _ in range(4)),
            )
            while not coming.done():
                await writer.create(new_key())
            await coming
            # As many at once as there are connections to read with.
            cursors = await asyncio.gather(*(writer.cursor() for _ in range(READ_CONNECTIONS)))
        assert server.process is not None
        server.process.terminate()
        stopped = await asyncio.to_thread(server.process.wait, PATIENCE)

    assert (len(set(cursors)), stopped) == (1, -signal.SIGTERM)


async def _first_refusal(listener: Listener) -> Json | str:
    answer = await listener.next()
    while "errors" not in answer:
        answer = await listener.next()
    return answer


@pytest.mark.rule("S39")
async def test_what_is_reported_costs_the_one_who_listens(
    template: tuple[Path, Demo], folder: Path, listen: Listen
) -> None:
    """More changes than a caller can afford end the news; the cursor goes on later."""
    with serving_measured(folder, template[1], RATE_BURST="20", RATE_PER_MINUTE="1") as server:
        async with _writing(server) as writer:
            _, token, _ = await writer.token("VIEWER")
            since = await writer.since(writer.job)
            stem = new_key()
            rows = [{"key": f"{stem}_{number}", "value": ""} for number in range(40)]
            await writer.face.ask(IMPORT, {"holder": writer.job, "rows": rows})
        async with listen(server, CHANGES, since, token=token) as listener:
            refused = await _first_refusal(listener)

    assert code_in(refused) == "RATE_LIMITED"
