"""What is told is judged each time, and listening ends with the credential."""

from datetime import UTC, datetime, timedelta

import pytest
from websockets.exceptions import ConnectionClosed

from gateway.domain.holders import new_id
from gateway.domain.scopes import Scope
from tests.live.documents import CHANGES, change_in, code_in
from tests.live.listening import (
    END,
    Listen,
    heard,
    introduced_socket,
    listening_to_events,
    say,
)
from tests.live.writing import Writer, new_key
from tests.patience import SILENCE
from tests.servers import LiveServer

pytestmark = pytest.mark.rule("S10")


async def test_who_sees_a_job_alone_hears_nothing_of_its_project(
    server: LiveServer, writer: Writer, listen: Listen
) -> None:
    job = writer.job
    _, token, _ = await writer.token("VIEWER", job)
    since = await writer.since(job, wide=True)

    async with listen(server, CHANGES, since, token=token) as listener:
        await writer.create(new_key(), at=Scope.PROJECT)
        await writer.create(new_key(), at=Scope.ENVIRONMENT)
        own_id = await writer.create(new_key())
        change = change_in(await listener.next())

    assert change["secretId"] == own_id


@pytest.mark.rule("S16")
async def test_a_target_not_visible_is_not_named(
    server: LiveServer, writer: Writer, listen: Listen
) -> None:
    """Nor is it here."""
    job, key = writer.job, new_key()
    target_id = await writer.create(key, at=Scope.PROJECT)
    _, token, _ = await writer.token("VIEWER", job)
    document = CHANGES.replace("secret { id", "secret { aliasedSecret { id key } id")

    async with listen(server, document, await writer.since(job), token=token) as listener:
        await writer.alias(target_id, new_key())
        answer = await listener.next()

    assert change_in(answer)["secret"]["aliasedSecret"] is None
    assert key not in str(answer)
    assert target_id not in str(answer)


async def test_another_job_is_not_found_like_any(
    server: LiveServer, writer: Writer, listen: Listen
) -> None:
    _, token, _ = await writer.token("VIEWER", writer.job)
    result = []
    for job_id in (server.demo["foreign_job_id"], new_id()):
        asked = {"holder": {"jobId": job_id}}
        async with listen(server, CHANGES, asked, token=token) as listener:
            result.append(str(await listener.next()).replace(job_id, "ID"))

    assert result[0] == result[1]
    assert "NOT_FOUND" in result[0]


async def test_who_cannot_read_secrets_cannot_listen(
    server: LiveServer, writer: Writer, listen: Listen
) -> None:
    job = writer.job
    _, token, _ = await writer.token("AUDITOR", job)

    async with listen(server, CHANGES, {"holder": job}, token=token) as listener:
        answer = await listener.next()

    assert code_in(answer) == "FORBIDDEN"


async def test_with_the_grant_go_the_changes(
    server: LiveServer, writer: Writer, listen: Listen
) -> None:
    job = writer.job
    _, token, grant_id = await writer.token("VIEWER", job)

    async with listen(server, CHANGES, await writer.since(job), token=token) as listener:
        await writer.create(new_key())
        before = change_in(await listener.next())
        await writer.take_away(grant_id)
        after = await listener.next()

    assert before["kind"] == "CREATED"
    assert code_in(after) in {"NOT_FOUND", "FORBIDDEN"}


async def test_what_happens_after_a_grant_was_taken_away_is_not_reported(
    server: LiveServer, writer: Writer, listen: Listen
) -> None:
    """Also where it stands in the log when somebody reads on: judged now, not then."""
    job, before = writer.job, await writer.cursor()
    _, token, grant_id = await writer.token("VIEWER", job)
    await writer.token("VIEWER", job)
    await writer.create(new_key())
    await writer.take_away(grant_id)
    asked = {"holder": job, "after": before}

    async with listen(server, CHANGES, asked, token=token) as listener:
        answer = await listener.next()

    assert code_in(answer) in {"NOT_FOUND", "FORBIDDEN"}


@pytest.mark.rule("S29")
async def test_a_socket_closes_when_its_token_is_revoked(
    server: LiveServer, writer: Writer
) -> None:
    """Though nothing happens on it."""
    token_id, token, _ = await writer.token("VIEWER")

    async with introduced_socket(server, token=token) as socket:
        await writer.revoke(token_id)
        with pytest.raises(ConnectionClosed) as closed:
            await heard(socket)

    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4403


@pytest.mark.rule("S29")
async def test_a_socket_closes_at_the_new_end_of_its_token(
    server: LiveServer, writer: Writer
) -> None:
    """And an hour before it, it is open: the change alone closes nothing."""
    token_id, token, _ = await writer.token("VIEWER")

    async with introduced_socket(server, token=token) as socket:
        await writer.end(token_id, datetime.now(UTC) + timedelta(hours=1))
        await say(socket, type="ping")
        answer = await heard(socket)
        await writer.end(token_id, end := datetime.now(UTC) + timedelta(seconds=0.5))
        with pytest.raises(ConnectionClosed) as closed:
            await heard(socket)

    assert answer == {"type": "pong"}
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4403
    assert datetime.now(UTC) >= end


async def test_a_socket_stays_open_when_another_token_is_revoked(
    server: LiveServer, writer: Writer
) -> None:
    """The control of the test above."""
    _, token, _ = await writer.token("VIEWER")
    other_id, _, _ = await writer.token("VIEWER")

    async with introduced_socket(server, token=token) as socket:
        await writer.revoke(other_id)
        with pytest.raises(TimeoutError):
            await heard(socket, SILENCE)
        await say(socket, type="ping")
        assert await heard(socket) == {"type": "pong"}


@pytest.mark.rule("S29")
async def test_events_end_when_their_token_is_revoked(server: LiveServer, writer: Writer) -> None:
    """On the other transport the answer ends."""
    token_id, token, _ = await writer.token("VIEWER")
    since = await writer.since(writer.job)

    async with listening_to_events(server, CHANGES, since, token=token) as listener:
        await writer.revoke(token_id)
        answer, end = await listener.next(), await listener.next()

    assert code_in(answer) == "UNAUTHENTICATED"
    assert end == END


@pytest.mark.rule("S29")
async def test_nothing_is_reported_to_a_revoked_token(
    server: LiveServer, writer: Writer, listen: Listen
) -> None:
    """Not even what happens in the moment before the end."""
    job = writer.job
    token_id, token, _ = await writer.token("VIEWER")

    async with listen(server, CHANGES, await writer.since(job), token=token) as listener:
        await writer.revoke(token_id)
        key = new_key()
        await writer.create(key)
        try:
            answer = await listener.next()
        except ConnectionClosed as closed:
            answer = {"errors": [{"extensions": {"code": str(closed)}}]}

    assert key not in str(answer)
    assert "data" not in answer
