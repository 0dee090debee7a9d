"""The commands around keys."""

import base64
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from gateway.crypto.keyfile import KeyFile
from gateway.services.demo import Demo
from tests.cli.conftest import CommandLine, Finished

PROJECT = "75edfad0-59f5-4544-9af6-a8301a62fdaa"


def _execute(data_dir: Path, statement: str, *named: str) -> None:
    with closing(sqlite3.connect(data_dir / "secrets.db")) as connection, connection:
        assert connection.execute(statement, named).rowcount == 1


def _exported(line: CommandLine, demo: Demo) -> str:
    return line("export", "--service", demo.job_id, "--format", "json").out


def _key_ids(finished: Finished) -> set[str]:
    return {data_key["id"] for data_key in finished.answer["data_keys"] if data_key["project_id"]}


def test_status_says_which_key_wraps_and_what_is_sealed_by_which(
    line: CommandLine, demo: Demo, data_dir: Path
) -> None:
    result = line("keys", "status", "--json").answer
    shown = line("keys", "status").out.splitlines()

    assert result["provider"] == "keyfile"
    assert result["kek_id"] == KeyFile.load(data_dir / "keys.json").primary
    assert {data_key["project_id"] for data_key in result["data_keys"]} == {
        None,
        demo.project_id,
        demo.other_project_id,
    }
    assert {data_key["project_id"]: data_key["values"] for data_key in result["data_keys"]}[
        demo.project_id
    ] == 9
    assert {data_key["due"] for data_key in result["data_keys"]} == {None}
    assert shown[0] == f"{result['kek_id']} of the provider keyfile wraps data keys."
    assert len(shown) == 4
    assert any("active, 9 values, 0 days old" in item for item in shown)


@pytest.mark.rule("S47", "S54")
def test_no_command_shows_a_key(line: CommandLine, data_dir: Path) -> None:
    stored = KeyFile.load(data_dir / "keys.json").keys.values()
    keys = [base64.b64encode(item).decode() for item in stored]

    commands = ("status", "rotate", "rewrap", "retire --yes")
    shown = [line("keys", *command.split()).out for command in commands]

    assert [key for key in keys for text in shown if key in text] == []


@pytest.mark.rule("S53")
def test_a_data_key_is_due_by_its_age_and_its_seals(
    line: CommandLine, demo: Demo, data_dir: Path
) -> None:
    _execute(
        data_dir,
        "UPDATE data_key SET created_at = '2020-01-01 00:00:00.000000' WHERE project_id = ?",
        demo.project_id,
    )
    _execute(
        data_dir,
        "UPDATE data_key SET seal_count = 1073741824 WHERE project_id = ?",
        demo.other_project_id,
    )

    result = line("keys", "status", "--json").answer["data_keys"]
    shown = line("keys", "status").out

    assert {item["project_id"]: item["due"] for item in result} == {
        None: None,
        demo.project_id: "AGE",
        demo.other_project_id: "SEALS",
    }
    assert "due for rotation (age)" in shown
    assert "due for rotation (seals)" in shown


@pytest.mark.rule("S54")
def test_rotating_wraps_every_data_key_again_and_leaves_values_alone(
    line: CommandLine, demo: Demo, data_dir: Path
) -> None:
    exported, before = _exported(line, demo), line("keys", "status", "--json").answer

    rotated = line("keys", "rotate")
    after = line("keys", "status", "--json").answer

    assert rotated.out.splitlines() == [
        f"new key-encryption key {after['kek_id']}",
        "wrapped 3 data keys and sealed 0 values again; removed 0 data keys",
    ]
    assert after["kek_id"] != before["kek_id"]
    assert {data_key["kek_id"] for data_key in after["data_keys"]} == {after["kek_id"]}
    assert [data_key["id"] for data_key in after["data_keys"]] == [
        data_key["id"] for data_key in before["data_keys"]
    ]
    assert set(KeyFile.load(data_dir / "keys.json").keys) == {before["kek_id"], after["kek_id"]}
    assert _exported(line, demo) == exported


@pytest.mark.rule("S54")
def test_an_old_key_is_removed_when_nothing_needs_it(
    line: CommandLine, demo: Demo, data_dir: Path
) -> None:
    (old,) = KeyFile.load(data_dir / "keys.json").keys
    needed = line("keys", "retire", "--yes").out
    line("keys", "rotate")

    removed = line("keys", "retire", "--yes", "--json").answer

    assert needed == "Every key is needed.\n"
    assert removed == {"removed": [old]}
    assert old not in KeyFile.load(data_dir / "keys.json").keys
    assert "demo-signing-key" in _exported(line, demo)


@pytest.mark.parametrize(("answer", "is_removed"), [("y\n", True), ("n\n", False), ("", False)])
def test_retiring_asks_and_says_which_backups_become_useless(
    *, line: CommandLine, data_dir: Path, answer: str, is_removed: bool
) -> None:
    (old,) = KeyFile.load(data_dir / "keys.json").keys
    line("keys", "rotate")

    asked = line("keys", "retire", stdin=answer)

    assert f"is wrapped by {old} any longer. Backups of the database from before" in asked.err
    assert (old not in KeyFile.load(data_dir / "keys.json").keys) is is_removed
    assert asked.code == (0 if is_removed else 1)
    assert ("nothing was destroyed" in asked.err) is not is_removed


@pytest.mark.rule("S54")
def test_a_key_that_still_wraps_is_not_removed(line: CommandLine, data_dir: Path) -> None:
    """It was put into the file, and nothing was wrapped anew yet."""
    (old,) = KeyFile.load(data_dir / "keys.json").keys
    KeyFile.add_primary(data_dir / "keys.json")

    shown = line("keys", "status").out

    assert line("keys", "retire", "--yes").out == "Every key is needed.\n"
    assert shown.count(f"still wrapped by {old}") == 3
    assert line("keys", "rewrap", "--json").answer == {
        "data_keys": 3,
        "values": 0,
        "removed": 0,
        "failed": 0,
    }
    assert line("keys", "retire", "--yes").out == f"removed {old}\n"


@pytest.mark.rule("S54")
def test_rotating_data_keys_seals_every_value_again(line: CommandLine, demo: Demo) -> None:
    exported, before = _exported(line, demo), line("keys", "status", "--json")

    rotated = line("keys", "rotate", "--data")
    after = line("keys", "status", "--json")

    assert rotated.out.splitlines() == [
        "2 new data keys",
        "wrapped 0 data keys and sealed 9 values again; removed 2 data keys",
    ]
    assert _key_ids(before).isdisjoint(_key_ids(after))
    assert _exported(line, demo) == exported


def test_one_projects_data_key_is_rotated_alone(line: CommandLine, demo: Demo) -> None:
    before = line("keys", "status", "--json")

    result = line("keys", "rotate", "--data", "--project", demo.project_id, "--json").answer

    assert result == {"data_keys": 0, "values": 9, "removed": 1, "failed": 0}
    assert len(_key_ids(before) & _key_ids(line("keys", "status", "--json"))) == 1


def test_a_value_that_does_not_open_is_reported_and_stays(
    line: CommandLine, data_dir: Path
) -> None:
    """The rest goes through; the data key that it needs stays too."""
    _execute(
        data_dir,
        "UPDATE sealed_value SET ciphertext = zeroblob(60) WHERE secret_id = "
        "(SELECT id FROM secret WHERE key = 'INVOICE_SIGNING_KEY')",
    )

    refused = line("keys", "rotate", "--data")
    states = [
        data_key["state"] for data_key in line("keys", "status", "--json").answer["data_keys"]
    ]

    assert refused.code == 1
    assert "1 row could not be opened: see the alarms in the log." in refused.err
    assert "sealed 8 values again" in refused.out
    assert sorted(states) == ["ACTIVE", "ACTIVE", "ACTIVE", "RETIRING"]


def test_a_data_key_that_does_not_unwrap_is_reported_and_stays(
    line: CommandLine, demo: Demo, data_dir: Path
) -> None:
    _execute(
        data_dir,
        "UPDATE data_key SET wrapped = zeroblob(60) WHERE project_id = ?",
        demo.other_project_id,
    )

    refused = line("keys", "rotate")

    assert refused.code == 1
    assert "wrapped 2 data keys" in refused.out


def test_a_project_that_is_not_there_is_reported(line: CommandLine) -> None:
    refused = line("keys", "rotate", "--data", "--project", PROJECT)

    assert refused.code == 1
    assert refused.complaint == f"No project has the id {PROJECT}."


def test_a_project_goes_with_data_only(line: CommandLine) -> None:
    assert line("keys", "rotate", "--project", PROJECT).code == 2


def test_a_database_moves_to_another_provider_and_back(
    line: CommandLine, demo: Demo, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file's keys unwrap until everything is wrapped anew; then the file can go."""
    exported = _exported(line, demo)
    monkeypatch.setenv("SECRETS_GATEWAY_KEY", base64.b64encode(os.urandom(32)).decode())
    monkeypatch.setenv("SECRETS_GATEWAY_KEY_PROVIDER", "env")

    moved = line("keys", "rewrap", "--json").answer
    (data_dir / "keys.json").unlink()
    without_file = _exported(line, demo)
    refused = line("keys", "rotate")
    KeyFile.create(data_dir / "keys.json")
    monkeypatch.setenv("SECRETS_GATEWAY_KEY_PROVIDER", "keyfile")
    back = line("keys", "rewrap", "--json").answer
    monkeypatch.delenv("SECRETS_GATEWAY_KEY")

    assert moved["data_keys"] == back["data_keys"] == 3
    assert without_file == exported
    assert refused.code == 1
    assert "makes its keys itself" in refused.complaint
    assert _exported(line, demo) == exported


@pytest.mark.rule("S58")
@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"KEY_PROVIDER": "env"}, "needs the setting SECRETS_GATEWAY_KEY."),
        ({"KEY_PROVIDER": "env", "KEY": "short"}, "must be 32 random bytes in base64"),
        ({"KEY_PROVIDER": "aws-kms"}, "needs the setting SECRETS_GATEWAY_KMS_KEY_ID."),
        (
            {"KEY_PROVIDER": "env", "KEY": base64.b64encode(os.urandom(32)).decode()},
            "The keys of the provider env do not open this database.",
        ),
    ],
    ids=["no key", "a weak key", "no key of KMS", "another key"],
)
def test_a_provider_that_is_not_as_it_must_be_stops_the_start(
    line: CommandLine,
    data_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
    settings: dict[str, str],
    complaint: str,
) -> None:
    (data_dir / "keys.json").unlink()
    for name, text in settings.items():
        monkeypatch.setenv(f"SECRETS_GATEWAY_{name}", text)

    refused = line("check")

    assert refused.code == 1
    assert complaint in refused.complaint
    assert settings.get("KEY", "\0") not in refused.err
