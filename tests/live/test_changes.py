"""What becomes of secrets is told to whoever listens: all of it, once, in order."""

import asyncio

import pytest

from gateway.domain.holders import new_id
from gateway.domain.scopes import Scope
from tests.live.documents import CHANGES, IMPORT, change_in, code_in
from tests.live.listening import END, Listen
from tests.live.writing import Writer, new_key
from tests.patience import SILENCE
from tests.servers import LiveServer


async def test_a_new_secret_is_reported(server: LiveServer, writer: Writer, listen: Listen) -> None:
    key, job_id = new_key(), server.demo["job_id"]

    async with listen(server, CHANGES, await writer.since({"jobId": job_id})) as listener:
        secret_id = await writer.create(key, description="of the test")
        change = change_in(await listener.next())

    assert (change["kind"], change["secretId"], change["key"]) == ("CREATED", secret_id, key)
    assert change["holderId"] == change["holder"]["id"] == job_id
    assert change["secret"] == {
        "id": secret_id,
        "key": key,
        "version": 1,
        "description": "of the test",
        "holder": {"id": job_id},
    }


async def test_without_a_cursor_changes_begin_when_one_listens(
    server: LiveServer, writer: Writer, listen: Listen
) -> None:
    earlier = await writer.create(new_key())

    async with listen(server, CHANGES, {"holder": {"jobId": server.demo["job_id"]}}) as listener:
        # When exactly the server has begun to listen is not told.
        hearing = asyncio.create_task(listener.next())
        later = []
        while not hearing.done():
            later.append(await writer.create(new_key()))
        result = change_in(await hearing)["secretId"]

    assert result in later
    assert result != earlier


async def test_an_edit_is_reported_with_what_was_renamed(
    server: LiveServer, writer: Writer, listen: Listen
) -> None:
    key, renamed = new_key(), new_key()
    secret_id = await writer.create(key)

    async with listen(
        server, CHANGES, await writer.since({"jobId": server.demo["job_id"]})
    ) as listener:
        await writer.edit(secret_id, renamed)
        change = change_in(await listener.next())

    assert (change["kind"], change["key"], change["formerKey"]) == ("UPDATED", renamed, key)
    assert change["secret"]["version"] == 2


async def test_what_goes_with_a_deleted_secret_is_reported_too(
    server: LiveServer, writer: Writer, listen: Listen
) -> None:
    key, alias_key = new_key(), new_key()
    secret_id = await writer.create(key)
    alias_id = await writer.alias(secret_id, alias_key)

    async with listen(
        server, CHANGES, await writer.since({"jobId": server.demo["job_id"]})
    ) as listener:
        await writer.delete(secret_id)
        first, second = change_in(await listener.next()), change_in(await listener.next())

    assert {first["secretId"], second["secretId"]} == {secret_id, alias_id}
    assert [first["kind"], second["kind"]] == ["DELETED", "DELETED"]
    assert first["secret"] is second["secret"] is None


async def test_what_is_inherited_is_reported_if_it_is_asked_for(
    server: LiveServer, writer: Writer, listen: Listen
) -> None:
    key, job = new_key(), {"jobId": server.demo["job_id"]}

    async with (
        listen(server, CHANGES, await writer.since(job, wide=True)) as wide,
        listen(server, CHANGES, await writer.since(job)) as narrow,
    ):
        secret_id = await writer.create(key, at=Scope.PROJECT)
        own_id = await writer.create(new_key())
        heard = [change_in(await wide.next())["secretId"] for _ in range(2)]
        heard_narrowly = change_in(await narrow.next())["secretId"]

    assert heard == [secret_id, own_id]
    assert heard_narrowly == own_id


async def test_siblings_are_not_reported_of(
    server: LiveServer, writer: Writer, listen: Listen
) -> None:
    wide = await writer.since({"jobId": server.demo["other_job_id"]}, wide=True)

    async with listen(server, CHANGES, wide) as listener:
        await writer.create(new_key())
        with pytest.raises(TimeoutError):
            await listener.next(within=SILENCE)


async def test_changes_since_a_cursor_are_reported_first(
    server: LiveServer, writer: Writer, listen: Listen
) -> None:
    job, before = {"jobId": server.demo["job_id"]}, await writer.cursor()
    earlier = [await writer.create(new_key()) for _ in range(3)]

    async with listen(server, CHANGES, {"holder": job, "after": before}) as listener:
        later = await writer.create(new_key())
        result = [change_in(await listener.next()) for _ in range(4)]

    assert [change["secretId"] for change in result] == [*earlier, later]
    assert len({change["cursor"] for change in result}) == 4


async def test_one_who_goes_on_from_a_change_hears_what_follows_it(
    server: LiveServer, writer: Writer, listen: Listen
) -> None:
    job, before = {"jobId": server.demo["job_id"]}, await writer.cursor()
    made = [await writer.create(new_key()) for _ in range(3)]
    async with listen(server, CHANGES, {"holder": job, "after": before}) as listener:
        first = change_in(await listener.next())

    async with listen(server, CHANGES, {"holder": job, "after": first["cursor"]}) as listener:
        result = [change_in(await listener.next())["secretId"] for _ in range(2)]
        with pytest.raises(TimeoutError):
            await listener.next(within=SILENCE)

    assert result == made[1:]


async def test_more_changes_than_are_read_at_once_are_all_reported_once(
    server: LiveServer, writer: Writer, listen: Listen
) -> None:
    stem, before = new_key(), await writer.cursor()
    rows = [{"key": f"{stem}_{number:03}", "value": ""} for number in range(250)]
    holder = {"containerId": server.demo["container_id"]}
    await writer.face.ask(IMPORT, {"holder": holder, "rows": rows})

    async with listen(server, CHANGES, {"holder": holder, "after": before}) as listener:
        result = [change_in(await listener.next())["key"] for _ in rows]
        with pytest.raises(TimeoutError):
            await listener.next(within=SILENCE)

    assert result == [row["key"] for row in rows]


async def test_a_dry_run_and_a_refused_change_are_not_reported(
    server: LiveServer, writer: Writer, listen: Listen
) -> None:
    key, job_id = new_key(), server.demo["job_id"]
    await writer.create(key)

    async with listen(server, CHANGES, await writer.since({"jobId": job_id})) as listener:
        await writer.face.ask(
            """mutation ($id: ID!, $key: String!) {
                createJobSecret(jobId: $id, input: { key: $key }, dryRun: true) {
                    errors { code } } }""",
            {"id": job_id, "key": new_key()},
        )
        await writer.face.create(Scope.JOB, job_id, key=key)
        with pytest.raises(TimeoutError):
            await listener.next(within=SILENCE)


async def test_no_change_says_a_value(server: LiveServer, writer: Writer, listen: Listen) -> None:
    marker = f"marker-{new_id()}"

    async with listen(
        server, CHANGES, await writer.since({"jobId": server.demo["job_id"]})
    ) as listener:
        await writer.create(new_key(), value=marker)
        result = await listener.next()

    assert marker not in str(result)
    assert change_in(result)["kind"] == "CREATED"


@pytest.mark.parametrize(
    "cursor", ["", "%", "AAAA", "MS4wMDAwMDAwMDAwMDAwMDAw\n", "x" * 10_000, "\u0000", "MjkuNm"]
)
async def test_a_cursor_that_is_none_is_refused(
    server: LiveServer, listen: Listen, cursor: str
) -> None:
    asked = {"holder": {"jobId": server.demo["job_id"]}, "after": cursor}

    async with listen(server, CHANGES, asked) as listener:
        assert code_in(await listener.next()) == "BAD_USER_INPUT"


async def test_a_cursor_of_another_history_has_expired(server: LiveServer, listen: Listen) -> None:
    # Behind the second link of a chain whose hash begins with zeros: not this one's.
    asked = {"holder": {"jobId": server.demo["job_id"]}, "after": "Mi4wMDAwMDAwMDAwMDAwMDAw"}

    async with listen(server, CHANGES, asked) as listener:
        answer = await listener.next()

    assert code_in(answer) == "CURSOR_EXPIRED"


async def test_a_holder_that_is_not_there_is_not_found(server: LiveServer, listen: Listen) -> None:
    async with listen(server, CHANGES, {"holder": {"jobId": new_id()}}) as listener:
        answer = await listener.next()

    assert code_in(answer) == "NOT_FOUND"


async def test_the_end_of_a_holder_ends_the_changes_of_it(
    server: LiveServer, writer: Writer, listen: Listen
) -> None:
    result = await writer.face.ask(
        """mutation ($at: ID!, $name: String!) {
            made: createService(environmentId: $at, name: $name, type: JOB) { holder { id } } }""",
        {"at": server.demo["environment_id"], "name": new_key()},
    )
    job_id = result["made"]["holder"]["id"]
    since = await writer.since({"jobId": job_id})
    await writer.face.create(Scope.JOB, job_id, key=new_key())

    async with listen(server, CHANGES, since) as listener:
        # From here on it listens for sure.
        assert change_in(await listener.next())["kind"] == "CREATED"
        await writer.face.ask(
            """mutation ($id: ID!) { deleteHolder(holder: { jobId: $id }, withContent: true) {
                errors { code } } }""",
            {"id": job_id},
        )
        change, end = change_in(await listener.next()), await listener.next()

    assert (change["kind"], change["holder"]) == ("DELETED", None)
    assert code_in(end) == "NOT_FOUND"


async def test_a_document_that_does_not_fit_is_refused_in_the_stream(
    server: LiveServer, listen: Listen
) -> None:
    async with listen(server, "subscription { nothing }", {}) as listener:
        answer = await listener.next()

    assert code_in(answer) == "BAD_USER_INPUT"


async def test_a_query_is_answered_once(server: LiveServer, listen: Listen) -> None:
    query = "query ($id: ID!) { job(id: $id) { id } }"

    async with listen(server, query, {"id": server.demo["job_id"]}) as listener:
        answer, end = await listener.next(), await listener.next()

    assert isinstance(answer, dict)
    assert answer["data"] == {"job": {"id": server.demo["job_id"]}}
    assert end == END


async def test_every_change_says_what_it_costs(
    server: LiveServer, writer: Writer, listen: Listen
) -> None:
    async with listen(
        server, CHANGES, await writer.since({"jobId": server.demo["job_id"]})
    ) as listener:
        await writer.create(new_key())
        answer = await listener.next()

    assert isinstance(answer, dict)
    assert answer["extensions"]["cost"]["requested"] > 0
