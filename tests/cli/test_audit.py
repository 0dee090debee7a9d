"""`audit`: what the operator is told of the trail, and does about it."""

import json
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from gateway.services.demo import Demo
from tests.cli.conftest import CommandLine

Attack = Callable[[str], None]


@pytest.fixture
def attack(data_dir: Path) -> Attack:
    """Write to the database past the gateway."""

    def run(statement: str) -> None:
        with closing(sqlite3.connect(data_dir / "secrets.db")) as connection, connection:
            connection.execute(statement)

    return run


def test_a_sound_audit_log_is_verified(line: CommandLine) -> None:
    answer = line("audit", "verify")
    as_json = line("audit", "verify", "--json").answer

    assert answer.code == 0
    assert answer.out == f"{as_json['links']} entries, {as_json['anchors']} checkpoints: intact.\n"
    assert (as_json["first"], as_json["alarm"], as_json["faults"]) == (1, None, [])


@pytest.mark.rule("S56")
def test_an_audit_log_that_was_cut_is_reported(line: CommandLine, attack: Attack) -> None:
    attack("DELETE FROM audit_event WHERE seq = 5")

    answer = line("audit", "verify")

    assert answer.code == 1
    assert "MISSING at 5\n" in answer.out
    assert "intact" not in answer.out
    assert "1 fault" in answer.complaint


@pytest.mark.rule("S57")
def test_an_alarm_is_reported_and_acknowledged(line: CommandLine, attack: Attack) -> None:
    attack("DELETE FROM audit_event WHERE seq = (SELECT max(seq) FROM audit_event)")

    verified = line("audit", "verify", "--json")
    refused = line("project", "create", "x", "--organization", "Demo")
    acknowledged = line("audit", "acknowledge")

    assert (verified.code, refused.code, acknowledged.code) == (1, 1, 0)
    assert verified.answer["alarm"] == "HEAD_DIFFERS"
    assert "audit acknowledge" in refused.err
    assert acknowledged.out.startswith("acknowledged, as entry ")
    assert line("audit", "verify").code == 0
    assert line("project", "create", "x", "--organization", "Demo").code == 0


def test_nothing_to_acknowledge_is_said(line: CommandLine) -> None:
    assert line("audit", "acknowledge").out == "There is nothing to acknowledge.\n"


def test_the_head_is_printed_as_a_checkpoint_is(line: CommandLine, data_dir: Path) -> None:
    last = json.loads((data_dir / "audit-anchors.jsonl").read_text().splitlines()[-1])

    answer = line("audit", "head").answer

    assert set(answer) == set(last)
    assert {name: answer[name] for name in ("seq", "hash", "set", "key")} == {
        name: last[name] for name in ("seq", "hash", "set", "key")
    }


@pytest.mark.rule("S51")
def test_an_export_has_every_entry_a_line(line: CommandLine, demo: Demo) -> None:
    """Each line is one JSON object in ASCII, whatever things are called."""
    line("project", "create", "é\U0001f511b", "--organization", "Demo")

    answer = line("audit", "export", "--format", "jsonl")

    events = [json.loads(item) for item in answer.out.splitlines()]
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert answer.out.isascii()
    assert [event["action"] for event in events[-2:]] == ["HOLDER_CREATED", "DATA_KEY_CREATED"]
    assert {event["organization_id"] for event in events[-2:]} == {demo.organization_id}


@pytest.mark.rule("S50", "S51")
def test_a_delivery_is_exported_without_a_value(line: CommandLine, demo: Demo) -> None:
    line("export", "--service", demo.job_id, "--format", "json")

    event = json.loads(line("audit", "export").out.splitlines()[-1])

    assert (event["action"], event["face"]) == ("VALUES_DELIVERED", "CLI")
    assert event["actor_kind"] == "OPERATOR"
    assert event["details"]["operator"]["uid"] == os.getuid()
    assert "demo-" not in str(event)


@pytest.mark.rule("S56")
def test_a_pruned_audit_log_can_be_verified(line: CommandLine, attack: Attack) -> None:
    """What is left still is one chain, and says where it begins."""
    before = line("audit", "verify", "--json").answer["links"]
    line("project", "create", "x", "--organization", "Demo")

    pruned = line("audit", "prune", "--before", "2999-01-01")

    left = line("audit", "verify", "--json").answer
    assert pruned.out == f"pruned {before + 1} entries\n"
    assert (left["first"], left["links"], left["faults"]) == (before + 2, 2, [])
    assert line("audit", "scan").code == 0
    attack("DELETE FROM audit_event WHERE seq = (SELECT min(seq) FROM audit_event)")
    assert line("audit", "verify", "--json").answer["faults"] != []


def test_nothing_older_is_nothing_to_prune(line: CommandLine) -> None:
    assert line("audit", "prune", "--before", "2020-01-01").out == "pruned 0 entries\n"


@pytest.mark.parametrize("day", ["yesterday", "2026-13-01", "1", ""])
def test_a_day_is_a_day(line: CommandLine, day: str) -> None:
    assert line("audit", "prune", "--before", day).code == 2


def test_rows_as_the_gateway_left_them_are_reported(line: CommandLine) -> None:
    assert line("audit", "scan").out == "All rows are as the gateway left them.\n"
    assert line("audit", "scan", "--json").answer == []


@pytest.mark.rule("S56")
def test_rows_that_were_changed_are_reported(line: CommandLine, attack: Attack, demo: Demo) -> None:
    attack(f"UPDATE secret SET version = 9 WHERE id = '{demo.built_in_secret_id}'")  # noqa: S608 - our own id

    answer, as_json = line("audit", "scan"), line("audit", "scan", "--json")

    assert answer.code == 1
    assert answer.out == f"CHANGED secret {demo.built_in_secret_id}\n"
    assert as_json.answer == [
        {"fault": "CHANGED", "table": "secret", "id": demo.built_in_secret_id}
    ]
    assert line("audit", "acknowledge").code == 0
    assert line("audit", "scan").code == 0


def test_the_former_name_of_the_scan_works_and_is_reported(line: CommandLine) -> None:
    scanned, listed = line("audit", "scrub"), line("audit", "--help")

    assert (scanned.code, scanned.out) == (0, "All rows are as the gateway left them.\n")
    assert scanned.complaint == (
        "audit scrub is now called audit scan: the former name works in this release only."
    )
    assert "scan" in listed.out
    assert "scrub" not in listed.out


def test_a_checkpoint_file_that_cannot_be_written_stops_the_start(
    line: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "fresh"
    monkeypatch.setenv("SECRETS_GATEWAY_DATA_DIR", str(folder))
    line("migrate")
    monkeypatch.setenv("SECRETS_GATEWAY_AUDIT_CHECKPOINT_FILE", str(folder / "secrets.db" / "x"))

    answer = line("check")

    assert answer.code == 1
    assert "Traceback" not in answer.err


def test_events_are_exported_from_a_time_on(line: CommandLine) -> None:
    everything = line("audit", "export").out.splitlines()
    middle = json.loads(everything[len(everything) // 2])["at"]

    later = line("audit", "export", "--since", middle).out.splitlines()
    of_this_century = line("audit", "export", "--since", "2000-01-01").out.splitlines()
    of_the_future = line("audit", "export", "--since", "2999-01-01").out

    expected = [event for event in everything if json.loads(event)["at"] >= middle]
    assert later == expected
    assert 0 < len(later) < len(everything)
    assert of_this_century == everything
    assert of_the_future == ""
