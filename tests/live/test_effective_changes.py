"""Whoever watches a service hears at which keys it gets something else, whatever the cause."""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Any

import pytest

from gateway.domain.holders import new_id
from gateway.domain.scopes import Scope
from gateway.storage.engine import READ_CONNECTIONS
from tests.live.documents import EFFECTIVE, change_in, code_in
from tests.live.listening import Listen, listening_on_a_socket
from tests.live.writing import Writer, new_key
from tests.patience import SILENCE
from tests.servers import LiveServer


async def _since(writer: Writer, service: str = "job_id") -> Mapping[str, Any]:
    return {"service": writer.demo[service], "after": await writer.cursor()}


async def test_a_new_key_is_reported_with_its_entry(
    server: LiveServer, writer: Writer, listen: Listen
) -> None:
    key = new_key()

    async with listen(server, EFFECTIVE, await _since(writer)) as listener:
        secret_id = await writer.create(key)
        change = change_in(await listener.next())

    (entry,) = change["effectiveSecrets"]
    assert change["keys"] == [key]
    assert (entry["key"], entry["provenance"], entry["secret"]["id"]) == (key, "OWN", secret_id)
    assert change["change"] == {"kind": "CREATED", "secretId": secret_id, "key": key}
    assert change["service"]["effectiveSecrets"]["totalCount"] > 0


async def test_what_is_inherited_counts(server: LiveServer, writer: Writer, listen: Listen) -> None:
    key = new_key()

    async with listen(server, EFFECTIVE, await _since(writer)) as listener:
        await writer.create(key, at=Scope.PROJECT)
        (entry,) = change_in(await listener.next())["effectiveSecrets"]

    assert (entry["key"], entry["provenance"]) == (key, "INHERITED")


@pytest.mark.rule("R4")
async def test_a_value_that_refers_to_a_changed_one_is_reported(
    server: LiveServer, writer: Writer, listen: Listen
) -> None:
    """After an edit and after a rename, at any depth."""
    key = new_key()
    host_id = await writer.create(key, at=Scope.ENVIRONMENT)
    await writer.create(f"{key}_URL", value=f"pg://{{{{{key}}}}}/x")
    await writer.create(f"{key}_ALL", value=f"{{{{{key}_URL}}}}")

    async with listen(server, EFFECTIVE, await _since(writer)) as listener:
        await writer.edit(host_id, key, at=Scope.ENVIRONMENT, value="new")
        edited = change_in(await listener.next())
        await writer.edit(host_id, f"{key}_NEW", at=Scope.ENVIRONMENT)
        renamed = change_in(await listener.next())

    assert edited["keys"] == [key, f"{key}_ALL", f"{key}_URL"]
    assert renamed["keys"] == [key, f"{key}_NEW", f"{key}_ALL", f"{key}_URL"]


@pytest.mark.rule("R1")
async def test_an_alias_follows_its_target(
    server: LiveServer, writer: Writer, listen: Listen
) -> None:
    """By id, so a new value of the target is one of the alias."""
    key, alias_key = new_key(), new_key()
    target_id = await writer.create(key, at=Scope.ENVIRONMENT)
    await writer.alias(target_id, alias_key)

    async with listen(server, EFFECTIVE, await _since(writer)) as listener:
        await writer.edit(target_id, key, at=Scope.ENVIRONMENT, value="new")
        change = change_in(await listener.next())

    assert change["keys"] == [key, alias_key]
    assert [entry["resolvesTo"]["id"] for entry in change["effectiveSecrets"]] == [target_id] * 2


async def test_a_renamed_key_is_gone_and_another_is_there(
    server: LiveServer, writer: Writer, listen: Listen
) -> None:
    key, renamed = new_key(), new_key()
    secret_id = await writer.create(key)

    async with listen(server, EFFECTIVE, await _since(writer)) as listener:
        await writer.edit(secret_id, renamed)
        change = change_in(await listener.next())

    assert change["keys"] == [key, renamed]
    assert [entry["key"] for entry in change["effectiveSecrets"]] == [renamed]


async def test_what_an_override_hides_is_not_affected(
    server: LiveServer, writer: Writer, listen: Listen
) -> None:
    key = new_key()
    target_id = await writer.create(key, at=Scope.PROJECT)
    await writer.override(target_id)

    async with listen(server, EFFECTIVE, await _since(writer)) as listener:
        await writer.edit(target_id, key, at=Scope.PROJECT, value="not for this job")
        with pytest.raises(TimeoutError):
            await listener.next(within=SILENCE)


async def test_the_end_of_an_override_brings_back_what_it_hid(
    server: LiveServer, writer: Writer, listen: Listen
) -> None:
    key = new_key()
    target_id = await writer.create(key, at=Scope.PROJECT)
    override_id = await writer.override(target_id)

    async with listen(server, EFFECTIVE, await _since(writer)) as listener:
        await writer.delete(override_id)
        (entry,) = change_in(await listener.next())["effectiveSecrets"]

    assert (entry["provenance"], entry["secret"]["id"]) == ("INHERITED", target_id)


async def test_a_wider_override_below_a_narrower_one_goes_unheard(
    server: LiveServer, writer: Writer, listen: Listen
) -> None:
    key = new_key()
    target_id = await writer.create(key, at=Scope.PROJECT)
    wider_id = await writer.override(target_id, at=Scope.ENVIRONMENT)
    await writer.override(target_id)

    async with listen(server, EFFECTIVE, await _since(writer)) as listener:
        await writer.delete(wider_id, at=Scope.ENVIRONMENT)
        with pytest.raises(TimeoutError):
            await listener.next(within=SILENCE)


async def test_a_sibling_does_not_feel_it(
    server: LiveServer, writer: Writer, listen: Listen
) -> None:
    async with listen(server, EFFECTIVE, await _since(writer, "other_job_id")) as listener:
        await writer.create(new_key())
        with pytest.raises(TimeoutError):
            await listener.next(within=SILENCE)


async def test_more_keys_than_a_page_has_are_said_to_be_more(
    server: LiveServer, writer: Writer
) -> None:
    key = new_key()
    target_id = await writer.create(key)
    for number in range(100):
        await writer.alias(target_id, f"{key}_{number:03}")

    async with listening_on_a_socket(server, EFFECTIVE, await _since(writer)) as listener:
        await writer.edit(target_id, key, value="new")
        change = change_in(await listener.next())

    assert len(change["keys"]) == len(change["effectiveSecrets"]) == 100
    assert change["hasMoreKeys"] is True


@pytest.mark.parametrize("kind", ["project_id", "environment_id", "unknown"])
async def test_only_services_get_something(server: LiveServer, listen: Listen, kind: str) -> None:
    service = server.demo.get(kind, new_id())

    async with listen(server, EFFECTIVE, {"service": service}) as listener:
        answer = await listener.next()

    assert code_in(answer) == "NOT_FOUND"


async def test_what_is_not_affected_leaves_no_view_open(server: LiveServer, writer: Writer) -> None:
    """As many listeners as there are connections to read with would leave none for anybody."""
    key = new_key()
    target_id = await writer.create(key, at=Scope.PROJECT)
    await writer.override(target_id)
    since = await _since(writer)

    async with AsyncExitStack() as stack:
        subscriber_count = [
            await stack.enter_async_context(listening_on_a_socket(server, EFFECTIVE, since))
            for _ in range(READ_CONNECTIONS)
        ]
        await writer.edit(target_id, key, at=Scope.PROJECT, value="not for this job")
        with pytest.raises(TimeoutError):
            await subscriber_count[0].next(within=SILENCE)
        cursor = await writer.cursor()

    assert cursor > ""
