"""One small request does not become a huge answer: a delivery has one budget."""

import asyncio
import os
import re
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from gateway.crypto.envelope import sealed_size
from gateway.domain import delivery_sizes, interpolation
from gateway.domain.content import SealedValue, ValueIdentity
from gateway.domain.interpolation import MAX_DELIVERED_BYTES
from gateway.domain.scopes import Scope
from gateway.services import delivery_sources
from gateway.services.demo import Demo
from gateway.storage import holders
from gateway.storage.delivery_sizes import rough_size, stored_texts
from gateway.storage.unit_of_work import ReadUnit
from tests.operations.delivering import DOCUMENT, asked, delivered, delivery_events, fill
from tests.patience import PATIENCE
from tests.servers import serving
from tests.world import World, open_world

pytestmark = pytest.mark.asyncio(loop_scope="module")

KIB: Final = 1024
LONG: Final = "s3cr3t--" * 8 * KIB
MULTIPLIED: Final = {"A": LONG} | {f"K{number}": "{{A}}" * 16 for number in range(500)}


@pytest.mark.rule("S63")
@pytest.mark.unmeasured
async def test_what_references_multiply_is_refused_with_a_key_and_without_a_value(
    shared_world: World, fresh_job: str
) -> None:
    """And nothing is said to be delivered."""
    await fill(shared_world.client, fresh_job, MULTIPLIED)

    answer = await asked(shared_world.client, fresh_job)

    (error,) = answer["errors"]
    assert answer["data"] is None
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert re.search(r"at most 8 MiB .* The key K\d+ exceeds the limit\.$", error["message"])
    assert "s3cr3t" not in str(answer)
    assert await delivery_events(shared_world, fresh_job) == 0


async def _opened_for(world: World, job_id: str, patch: pytest.MonkeyPatch) -> tuple[Any, int]:
    """Return the answer to a delivery, and how many values were opened for it."""
    open_value, opened = world.runtime.vault.open, list[ValueIdentity]()

    async def count(unit: ReadUnit, sealed: SealedValue, identity: ValueIdentity) -> str:
        opened.append(identity)
        return await open_value(unit, sealed, identity)

    with patch.context() as counting:
        counting.setattr(world.runtime.vault, "open", count)
        return await asked(world.client, job_id), len(opened)


@pytest.mark.rule("S63")
async def test_what_references_multiply_is_refused_before_any_value_is_opened(
    shared_world: World, fresh_job: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control is a delivery of as many short values."""
    await fill(shared_world.client, fresh_job, MULTIPLIED)
    refused, none = await _opened_for(shared_world, fresh_job, monkeypatch)
    await fill(shared_world.client, fresh_job, {"A": "short"})
    delivered, all_of_them = await _opened_for(shared_world, fresh_job, monkeypatch)

    assert "exceeds the limit" in refused["errors"][0]["message"]
    assert len(delivered["data"]["runtimeSecrets"]) >= len(MULTIPLIED)
    assert (none, all_of_them >= len(MULTIPLIED)) == (0, True)


@pytest.mark.rule("S63")
async def test_what_is_known_of_texts_before_they_are_opened_is_what_is_delivered(
    shared_world: World, fresh_job: str
) -> None:
    """Of values, of files with and without references, of an override, and of aliases."""
    rest, demo = shared_world.rest, shared_world.demo
    await fill(shared_world.client, fresh_job, {"A": "{{B}}{{B}} and é", "B": "b"})
    wide = await rest.create(Scope.PROJECT, demo.project_id, key=f"W_{fresh_job[:8]}", value="wide")
    await rest.override(Scope.JOB, fresh_job, wide.row["id"], value="narrow")
    await rest.alias(Scope.JOB, fresh_job, wide.row["id"], key="C")
    for key, is_expanded in (("D", True), ("E", False)):
        file = {"mount_path": f"/{fresh_job}/{key}", "enable_interpolation_in_file": is_expanded}
        made = await rest.create(Scope.JOB, fresh_job, key=key, value="{{A}}", **file)
        await rest.alias(Scope.JOB, fresh_job, made.row["id"], key=f"{key}_ALIAS")

    async with shared_world.runtime.database.read() as unit:
        service = await holders.find(unit, fresh_job)
        assert service is not None
        texts, has_all = await stored_texts(unit, service, most=100)
        rough = await rough_size(unit, service)

    known = {
        text.key: (sealed_size(text.size), text.is_file, len(text.name_hashes) // 16)
        for text in texts
    }
    keys = await delivered(shared_world, fresh_job)
    assert has_all
    assert set(known) == set(keys)
    assert {key: known[key] for key in ("A", "B", "C", f"W_{fresh_job[:8]}")} == {
        "A": (len("{{B}}{{B}} and é".encode()), False, 1),
        "B": (1, False, 0),
        "C": (len("wide"), False, 0),
        f"W_{fresh_job[:8]}": (len("narrow"), False, 0),
    }
    assert {key: known[key] for key in ("D", "D_ALIAS", "E", "E_ALIAS")} == {
        "D": (5, True, 1),
        "D_ALIAS": (5, True, 1),
        "E": (5, True, 0),
        "E_ALIAS": (5, True, 0),
    }
    assert rough >= sum(text.size for text in texts)


@pytest.mark.rule("S63")
@pytest.mark.unmeasured
async def test_aliases_of_one_long_value_are_refused_before_any_is_opened(
    shared_world: World, fresh_job: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is not expanded counts too; lengths are known from the ciphertexts.

    They can be there from before such writes were refused.
    """
    monkeypatch.setattr(delivery_sizes, "MAX_BYTES", 2 * MAX_DELIVERED_BYTES)
    made = await shared_world.rest.create(Scope.JOB, fresh_job, key="LONG", value=LONG)
    for number in range(MAX_DELIVERED_BYTES // len(LONG)):
        await shared_world.rest.alias(Scope.JOB, fresh_job, made.row["id"], key=f"L{number}")
    opened: list[object] = []
    monkeypatch.setattr(shared_world.runtime.vault, "open", lambda *them: opened.append(them))

    answer = await asked(shared_world.client, fresh_job)

    assert "exceeds the limit" in answer["errors"][0]["message"]
    assert opened == []


@pytest.mark.rule("S63")
async def test_a_delivery_of_exactly_the_budget_is_answered_and_one_more_byte_refused(
    shared_world: World, fresh_job: str
) -> None:
    inherited = sum(
        len(secret["value"]) + len((secret["file"] or {"content": ""})["content"])
        for secret in (await asked(shared_world.client, fresh_job))["data"]["runtimeSecrets"]
    )
    times = (MAX_DELIVERED_BYTES - inherited) // len(LONG) - 1
    rest = MAX_DELIVERED_BYTES - inherited - (times + 1) * len(LONG)
    await fill(
        shared_world.client,
        fresh_job,
        {"LONG": LONG, "REST": "x" * rest} | {"MANY": "{{LONG}}" * times},
    )

    taken = await asked(shared_world.client, fresh_job)
    await fill(shared_world.client, fresh_job, {"REST": "x" * (rest + 1)})
    refused = await asked(shared_world.client, fresh_job)

    delivered = {
        runtime_secret["key"]: runtime_secret["value"]
        for runtime_secret in taken["data"]["runtimeSecrets"]
    }
    assert delivered["MANY"] == LONG * times
    assert "exceeds the limit" in refused["errors"][0]["message"]


@pytest.mark.rule("S63")
async def test_so_many_keys_are_delivered_and_no_more(
    shared_world: World, fresh_job: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In order, whatever steps it is made in. The limit is lower here, to be quick."""
    most = 620
    monkeypatch.setattr(delivery_sources, "MAX_DELIVERED_KEYS", most)
    inherited = len((await asked(shared_world.client, fresh_job))["data"]["runtimeSecrets"])
    keys = [f"N{number:04}" for number in range(most - inherited)]
    await fill(shared_world.client, fresh_job, dict.fromkeys(keys, "{{N0000}}") | {"N0000": "v"})

    taken = await asked(shared_world.client, fresh_job)
    await fill(shared_world.client, fresh_job, {"ZZZZ": "v"})
    refused = await asked(shared_world.client, fresh_job)

    delivered = [runtime_secret["key"] for runtime_secret in taken["data"]["runtimeSecrets"]]
    assert delivered == sorted(delivered)
    assert len(delivered) == most
    assert {
        runtime_secret["value"]
        for runtime_secret in taken["data"]["runtimeSecrets"]
        if runtime_secret["key"] in keys
    } == {"v"}
    assert taken["extensions"]["cost"]["requested"] == 1 + 500 * 5 + (most - 500) * 5
    assert re.search(r"more than 5,000 keys, .* ZZZZ is", refused["errors"][0]["message"])


@pytest.mark.rule("S63")
async def test_a_long_delivery_costs_what_it_returns(shared_world: World, fresh_job: str) -> None:
    """Each 256 bytes one more, from where it is longer than the document's price assumes."""
    await fill(shared_world.client, fresh_job, {"A": LONG, "B": "{{A}}" * 15})

    answer = await asked(shared_world.client, fresh_job)

    dear = answer["extensions"]["cost"]["requested"] - (1 + 500 * 5)
    assert 16 * len(LONG) // 256 - 500 <= dear < 16 * len(LONG) // 256


@pytest.mark.rule("S63")
async def test_who_cannot_pay_for_a_long_delivery_gets_none(
    template: tuple[Path, Demo], data_dir: Path
) -> None:
    """Refused before it is built, and not recorded as delivered."""
    document = DOCUMENT.replace("file { mountPath content }", "")
    async with open_world(data_dir, template[1], rate_per_minute=1, rate_burst=45) as world:
        job_id = world.demo.job_id
        await fill(world.client, job_id, {"A": LONG, "B": "{{A}}" * 15})

        answer = await asked(world.client, job_id, document)

    assert answer["errors"][0]["extensions"]["code"] == "RATE_LIMITED"


async def _longest_steps(delivering: Iterable[Any]) -> float:
    """Return the longest time, of this thread's own, between two turns of another task."""
    waiting, longest = True, 0.0

    async def watch() -> None:
        nonlocal longest
        before = time.thread_time()
        while waiting:
            await asyncio.sleep(0)
            longest, before = max(longest, time.thread_time() - before), time.thread_time()

    watching = asyncio.create_task(watch())
    for item in delivering:
        await item
    waiting = False
    await watching
    return longest


REFERRING: Final = {"A": "y"} | {f"R{number}": "{{A}}" * 13_000 for number in range(60)}


@pytest.mark.rule("S63")
@pytest.mark.unmeasured
async def test_others_have_their_turn_while_a_long_delivery_is_expanded(
    shared_world: World, fresh_job: str
) -> None:
    """Beside the loop."""
    await fill(shared_world.client, fresh_job, REFERRING)

    longest = await _longest_steps([asked(shared_world.client, fresh_job)])

    assert longest < 0.25


@pytest.mark.unmeasured
async def test_on_the_loop_it_would_hold_up_all_others(
    shared_world: World, fresh_job: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control of the test above."""
    await fill(shared_world.client, fresh_job, REFERRING)
    monkeypatch.setattr(delivery_sources, "_LONG", 2**60)
    quick = interpolation.expanded

    def expanded(text: str, settled: Mapping[str, str]) -> str:
        for _ in range(2):
            quick(text, settled)
        return quick(text, settled)

    monkeypatch.setattr(interpolation, "expanded", expanded)

    assert await _longest_steps([asked(shared_world.client, fresh_job)]) > 0.25


def _resident(process_id: int) -> int:
    pages = Path(f"/proc/{process_id}/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGESIZE")


@pytest.mark.rule("S63")
@pytest.mark.skipif(sys.platform != "linux", reason="The size of a process is read from /proc.")
async def test_a_server_is_neither_filled_nor_held_up(
    template: tuple[Path, Demo], data_dir: Path
) -> None:
    """By a request that would become half a gigabyte."""
    with serving(data_dir, template[1]) as server:
        assert server.process is not None
        headers = {"Authorization": f"Bearer {template[1].token}"}
        async with httpx.AsyncClient(
            base_url=server.url, headers=headers, timeout=PATIENCE
        ) as client:
            await fill(client, template[1].job_id, MULTIPLIED)
            await asked(client, template[1].other_job_id)
            before = _resident(server.process.pid)

            attacks = [asyncio.create_task(asked(client, template[1].job_id)) for _ in range(5)]
            lively = [(await client.get("/livez")).elapsed.total_seconds() for _ in range(20)]
            answers = await asyncio.gather(*attacks)

            grown = _resident(server.process.pid) - before

    assert all("exceeds the limit" in answer["errors"][0]["message"] for answer in answers)
    assert grown < 20 * KIB * KIB
    # Generous: the machine can be busy. Undivided, one answer would hold it up for seconds.
    assert sorted(lively)[len(lively) // 2] < 1
