"""Audit events as lines of JSON: each committed event once, in a file that can be rotated."""

import asyncio
import io
import json
import shutil
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from fcntl import LOCK_EX, flock
from http import HTTPStatus
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import pytest_asyncio
from structlog.testing import capture_logs

from gateway.domain.audit import AuditEvent, SealedEvent
from gateway.runtime import Runtime
from gateway.services.demo import Demo
from gateway.storage.audit.event_lines import EventLines, UnwritableEvents
from tests.cli.conftest import CommandLine, line
from tests.patience import PATIENCE, patient_settings
from tests.world import World, open_world

__all__ = ["line"]

FILE = "events.jsonl"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def writing(
    template: tuple[Path, Demo], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[World]:
    folder = tmp_path_factory.mktemp("writing")
    data_dir = shutil.copytree(template[0], folder / "data")
    async with open_world(data_dir, template[1], audit_events_file=data_dir / FILE) as opened:
        yield opened


def lines_of(*files: Path) -> list[dict[str, Any]]:
    return [json.loads(text) for file in files for text in file.read_text().splitlines()]


def events_file(world: World) -> Path:
    return world.runtime.settings.data_dir / FILE


async def newest_seq(world: World) -> int:
    head = await world.runtime.operator.audit.head()
    assert head
    return int(head["seq"])


async def create(world: World, key: str, **more: Any) -> int:
    path = f"/job/{world.demo.job_id}/secret"
    response = await world.client.post(path, json={"key": key, "value": "", **more})
    return response.status_code


@pytest.mark.asyncio(loop_scope="module")
async def test_each_committed_event_has_one_line_and_no_other_has_any(writing: World) -> None:
    first = await newest_seq(writing) + 1
    dry_run = """mutation ($id: ID!) { createJobSecret(
        jobId: $id, input: {key: "DRY", value: ""}, dryRun: true) { errors { code } } }"""

    created = await asyncio.gather(*(create(writing, f"LINE_{number}") for number in range(20)))
    refused = await create(writing, "LINE_1")
    variables = {"id": writing.demo.job_id}
    await writing.client.post("/graphql", json={"query": dry_run, "variables": variables})
    await writing.client.get(f"/runtime/{writing.demo.job_id}")

    assert set(created) == {HTTPStatus.CREATED}
    assert refused == HTTPStatus.CONFLICT
    exported = [event async for event in writing.runtime.operator.audit.exported()]
    recorded = [event for event in exported if event["seq"] >= first]
    found = [found for found in lines_of(events_file(writing)) if found["seq"] >= first]
    assert [{**event, "is_intact": True} for event in found] == recorded
    assert len(found) == 21
    assert events_file(writing).stat().st_mode & 0o777 == 0o600


@pytest.mark.asyncio(loop_scope="module")
async def test_a_rotation_loses_no_line(writing: World) -> None:
    file = events_file(writing)
    await create(writing, "BEFORE_THE_ROTATION")
    rotated = file.rename(file.with_suffix(".1"))

    await create(writing, "AFTER_THE_ROTATION")

    assert lines_of(file)[0]["key"] == "AFTER_THE_ROTATION"
    numbers = [found["seq"] for found in lines_of(rotated, file)]
    assert numbers == list(range(numbers[0], numbers[-1] + 1))


@pytest.mark.asyncio(loop_scope="module")
async def test_what_cannot_be_written_is_logged_and_nothing_else_fails(writing: World) -> None:
    file, lines = events_file(writing), writing.runtime.event_lines
    await create(writing, "BEFORE_THE_FAULT")
    assert lines
    file.unlink()
    file.mkdir()

    with capture_logs() as logs:
        status = await create(writing, "DURING_THE_FAULT")
    file.rmdir()
    # As after a full disk: the rest of a line that was cut off does not spoil the next one.
    file.write_text('{"seq": ')
    await create(writing, "AFTER_THE_FAULT")

    seq = await newest_seq(writing) - 1
    assert status == HTTPStatus.CREATED
    assert [entry for entry in logs if entry["event"] == "audit_events_not_written"] == [
        {
            "event": "audit_events_not_written",
            "log_level": "error",
            "kind": "IsADirectoryError",
            "first": seq,
            "last": seq,
        }
    ]
    assert lines.counts["lost"] == 1
    rest, after = file.read_text().splitlines()
    assert rest == '{"seq": '
    assert json.loads(after)["key"] == "AFTER_THE_FAULT"


def test_a_line_waits_until_another_process_has_written_its_own(tmp_path: Path) -> None:
    file, events = tmp_path / FILE, [SealedEvent(_event(), b"")]
    with file.open("ab", buffering=0) as other:
        flock(other, LOCK_EX)
        other.write(b'{"seq": ')
        writing = Thread(target=EventLines(file).write, args=[events])
        writing.start()
        # Without the lock it ends at once.
        writing.join(0.1)
        other.write(b"1}\n")
    writing.join(PATIENCE)

    assert [found["seq"] for found in lines_of(file)] == [1, 2]


def _event() -> AuditEvent:
    return AuditEvent(
        seq=2,
        at=datetime(2026, 1, 1, tzinfo=UTC),
        actor_kind="SYSTEM",
        actor_id="gateway",
        action="HOLDER_CREATED",
        subject="HOLDER",
        subject_id="holder",
        organization_id=None,
        project_id=None,
        holder_id=None,
        key=None,
        face="NONE",
        request_id=None,
        details="{}",
        set_mac=b"",
        prev_hash=b"",
    )


async def test_a_gateway_does_not_start_with_a_file_that_it_cannot_write(data_dir: Path) -> None:
    missing = data_dir / "missing" / FILE

    with pytest.raises(UnwritableEvents, match="AUDIT_EVENTS_FILE"):
        async with Runtime.over(patient_settings(data_dir, audit_events_file=missing)).running():
            pass


async def test_a_server_can_write_to_its_standard_output(data_dir: Path) -> None:
    output = io.BytesIO()
    settings = patient_settings(data_dir, audit_events_file=Path("-"))

    async with Runtime.over(settings, output=output).running() as runtime:
        await runtime.operator.organizations.create(name="Written")

    (event,) = [json.loads(text) for text in output.getvalue().splitlines()]
    assert event["action"] == "ORGANIZATION_CREATED"


def test_a_command_keeps_its_standard_output(
    line: CommandLine, monkeypatch: pytest.MonkeyPatch, data_dir: Path
) -> None:
    monkeypatch.setenv("SECRETS_GATEWAY_AUDIT_EVENTS_FILE", "-")
    silent = line("project", "create", "silent", "--organization", "Demo")
    monkeypatch.setenv("SECRETS_GATEWAY_AUDIT_EVENTS_FILE", str(data_dir / FILE))
    line("project", "create", "written", "--organization", "Demo")

    assert silent.code == 0
    assert "HOLDER_CREATED" not in silent.out
    events = lines_of(data_dir / FILE)
    assert "HOLDER_CREATED" in [event["action"] for event in events]
    assert {event["actor_kind"] for event in events} == {"OPERATOR"}
