"""Heads outside the database: a database that was put back is found out."""

import base64
import json
import shutil
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from http import HTTPStatus
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from gateway.domain.errors import ErrorCode
from gateway.domain.scopes import Scope
from gateway.services.audit.trust import TrustFault
from gateway.services.demo import Demo
from tests.audit.audit_log import (
    Json,
    checkpoints_in,
    events_of,
    faults,
    run_by_force,
    trust_fault_of,
)
from tests.world import World, open_world

DELIVERY = "query ($id: ID!) { runtimeSecrets(serviceId: $id) { key value } }"
CHECKPOINTS = "audit-anchors.jsonl"


def _copied(data_dir: Path, copy: Path) -> None:
    with (
        closing(sqlite3.connect(data_dir / "secrets.db")) as source,
        closing(sqlite3.connect(copy)) as target,
    ):
        source.backup(target)


def _put_back(copy: Path, data_dir: Path) -> None:
    for name in ("secrets.db-wal", "secrets.db-shm"):
        (data_dir / name).unlink(missing_ok=True)
    shutil.copy(copy, data_dir / "secrets.db")


async def _change(world: World, key: str) -> None:
    made = await world.rest.create(Scope.JOB, world.demo.job_id, key=key, value="v")
    assert made.code is None


@pytest.fixture
def demo(template: tuple[Path, Demo]) -> Demo:
    """What the databases hold."""
    return template[1]


@pytest.fixture
async def restored(data_dir: Path, demo: Demo, tmp_path: Path) -> AsyncIterator[World]:
    """A gateway over a backup from before its last change."""
    async with open_world(data_dir, demo) as world:
        _copied(data_dir, tmp_path / "backup.db")
        await _change(world, "AFTER_THE_BACKUP")
    _put_back(tmp_path / "backup.db", data_dir)
    async with open_world(data_dir, demo) as world:
        yield world


@pytest.mark.rule("S57")
async def test_an_old_backup_raises_the_alarm(restored: World) -> None:
    """It reads, and neither changes nor delivers; a revoked token may be back in it."""
    body = {"query": DELIVERY, "variables": {"id": restored.demo.job_id}}

    refused = await restored.rest.create(Scope.JOB, restored.demo.job_id, key="KEY", value="v")
    delivery = await restored.client.post("/graphql", json=body)
    ready = await restored.client.get("/readyz")

    assert trust_fault_of(restored) is TrustFault.DATABASE_OLDER
    assert (refused.code, refused.status) == (ErrorCode.UNAVAILABLE, 503)
    assert "audit acknowledge" in refused.detail
    assert delivery.status_code == HTTPStatus.SERVICE_UNAVAILABLE
    assert "demo-" not in delivery.text
    assert ready.json() == {"status": "ok", "integrity": "alarm"}
    assert await restored.rest.visible(Scope.JOB, restored.demo.job_id)


@pytest.mark.rule("S57")
async def test_a_database_that_was_not_put_back_raises_none(
    data_dir: Path, demo: Demo, tmp_path: Path
) -> None:
    """The control of the test above."""
    async with open_world(data_dir, demo) as world:
        await _change(world, "AFTER_THE_BACKUP")
    _copied(data_dir, tmp_path / "backup.db")
    _put_back(tmp_path / "backup.db", data_dir)

    async with open_world(data_dir, demo) as world:
        await _change(world, "KEY")
        ready = await world.client.get("/readyz")

    assert trust_fault_of(world) is None
    assert ready.json() == {"status": "ok"}


@pytest.mark.rule("S57")
async def test_an_acknowledgement_ends_the_alarm_and_is_reported(
    restored: World, data_dir: Path, demo: Demo
) -> None:
    """Also for a gateway that runs already."""
    async with open_world(data_dir, demo) as operator:
        acknowledged = await operator.runtime.operator.audit.acknowledge()

    await _change(restored, "KEY")
    event = next(
        item for item in await events_of(restored) if item["action"] == "AUDIT_ACKNOWLEDGED"
    )

    assert acknowledged
    assert trust_fault_of(restored) is None
    assert event["seq"] == acknowledged.event.seq
    assert event["details"]["alarm"] == "DATABASE_OLDER"
    assert await faults(restored) == []


async def test_nothing_is_acknowledged_where_all_is_well(world: World) -> None:
    assert await world.runtime.operator.audit.acknowledge() is None


@pytest.mark.rule("S56")
async def test_a_history_that_took_another_way_raises_the_alarm(
    restored: World, data_dir: Path, demo: Demo
) -> None:
    """As many entries as were anchored, but others."""
    lines = (data_dir / CHECKPOINTS).read_text()
    await restored.runtime.operator.audit.acknowledge()
    await _change(restored, "ANOTHER_WAY")
    await _change(restored, "AND_ON")
    (data_dir / CHECKPOINTS).write_text(lines)

    async with open_world(data_dir, demo) as again:
        found = await faults(again)

    assert trust_fault_of(again) is TrustFault.DATABASE_OTHER
    assert "OTHER_THAN_CHECKPOINT" in found


@pytest.mark.rule("S56")
async def test_checkpoints_that_are_gone_raise_the_alarm(data_dir: Path, demo: Demo) -> None:
    """A new file would anchor whatever is there now."""
    (data_dir / CHECKPOINTS).unlink()

    async with open_world(data_dir, demo) as world:
        assert trust_fault_of(world) is TrustFault.CHECKPOINT_MISSING


def _forged(checkpoint: Json) -> str:
    return json.dumps({**checkpoint, "seq": 10_000})


@pytest.mark.parametrize(
    "line",
    ["", "{", "[]", "{}", '{"signature": 1}', '{"signature": "!"}', "\xe9", "[" * 5_000],
    ids=["empty", "cut off", "a list", "an object", "a number", "no base64", "a byte", "deep"],
)
async def test_lines_that_are_no_checkpoints_are_passed_over(
    data_dir: Path, demo: Demo, line: str
) -> None:
    with (data_dir / CHECKPOINTS).open("a", encoding="latin-1") as file:
        file.write(line)

    async with open_world(data_dir, demo) as world:
        await _change(world, "KEY")

    async with open_world(data_dir, demo) as world:
        assert trust_fault_of(world) is None
        assert await faults(world) == []


@pytest.mark.rule("S56")
async def test_a_forged_checkpoint_is_passed_over(data_dir: Path, demo: Demo) -> None:
    """Only what the instance signed counts."""
    with (data_dir / CHECKPOINTS).open("a") as file:
        file.write(f"{_forged(checkpoints_in(data_dir)[-1])}\n")

    async with open_world(data_dir, demo) as world:
        assert trust_fault_of(world) is None


@pytest.mark.rule("S56")
async def test_anyone_with_the_public_key_can_check_a_checkpoint(world: World) -> None:
    """The signature is of the line's JSON without it, keys sorted, no spaces."""
    line = dict(checkpoints_in(world.runtime.settings.data_dir)[-1])
    signature = base64.b64decode(line.pop("signature"))
    signed = json.dumps(line, sort_keys=True, separators=(",", ":")).encode()
    public_key = bytes.fromhex(world.runtime.operator.audit.public_key)

    Ed25519PublicKey.from_public_bytes(public_key).verify(signature, signed)
    assert line["key"] == public_key.hex()


async def test_the_head_is_checkpointed_at_the_end(data_dir: Path, demo: Demo) -> None:
    async with open_world(data_dir, demo) as world:
        before = checkpoints_in(data_dir)[-1]["seq"]
        await _change(world, "KEY")

    assert checkpoints_in(data_dir)[-1]["seq"] == before + 1


async def test_a_disk_that_takes_no_checkpoint_stops_nothing(data_dir: Path, demo: Demo) -> None:
    """The next anchor will do; the entries are in the database."""
    async with open_world(data_dir, demo) as world:
        (data_dir / CHECKPOINTS).rename(data_dir / "kept.jsonl")
        (data_dir / CHECKPOINTS).mkdir()
        await _change(world, "KEY")
        (data_dir / CHECKPOINTS).rmdir()
        (data_dir / "kept.jsonl").rename(data_dir / CHECKPOINTS)
        await _change(world, "NEXT")

    async with open_world(data_dir, demo) as world:
        assert trust_fault_of(world) is None


async def test_a_database_from_before_the_audit_log_is_taken_in(data_dir: Path, demo: Demo) -> None:
    """What is there is recorded as it is; from then on it is watched."""
    run_by_force(
        data_dir,
        *(f"DELETE FROM audit_{name}" for name in ("event", "head")),
        "DELETE FROM row_record",
    )
    (data_dir / CHECKPOINTS).unlink()

    async with open_world(data_dir, demo) as world:
        events = await events_of(world)
        assert [event["action"] for event in events] == ["AUDIT_BEGUN"]
        assert events[0]["details"]["rows"] > 20
        assert await world.runtime.operator.audit.scan_integrity() == []


@pytest.mark.rule("S56")
@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM audit_head",
        "UPDATE audit_head SET sealed_sum = zeroblob(60)",
        "UPDATE audit_event SET hash = zeroblob(32) WHERE seq = (SELECT max(seq) FROM audit_event)",
    ],
)
async def test_a_head_that_does_not_hold_raises_the_alarm(
    data_dir: Path, demo: Demo, statement: str
) -> None:
    run_by_force(data_dir, statement)

    async with open_world(data_dir, demo) as world:
        assert trust_fault_of(world) is TrustFault.HEAD_DIFFERS


@pytest.mark.rule("S56")
async def test_a_sum_that_was_changed_while_it_runs_stops_the_next_change(
    world: World, data_dir: Path
) -> None:
    """At use, before any look at the whole."""
    run_by_force(data_dir, "UPDATE audit_head SET sealed_sum = zeroblob(60)")

    refused = await world.rest.create(Scope.JOB, world.demo.job_id, key="KEY", value="v")

    assert refused.code is ErrorCode.UNAVAILABLE
