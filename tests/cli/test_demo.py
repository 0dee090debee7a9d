"""The demo by itself: one command on a machine that has nothing yet."""

from collections.abc import Mapping
from dataclasses import fields
from importlib.metadata import version
from pathlib import Path

import pytest

from gateway.services.demo import Demo
from tests.cli.conftest import CommandLine


@pytest.fixture
def empty(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A data folder that is not there."""
    folder = tmp_path / "fresh"
    monkeypatch.setenv("SECRETS_GATEWAY_DATA_DIR", str(folder))
    return folder


def _ids(answer: Mapping[str, str]) -> Mapping[str, str]:
    return {name: value for name, value in answer.items() if name != "token"}


def test_a_demo_is_made_where_nothing_is(line: CommandLine, empty: Path) -> None:
    made = line("demo", "--json")

    assert set(made.answer) == {field.name for field in fields(Demo)}
    assert {item.name: item.stat().st_mode & 0o777 for item in empty.iterdir()} == {
        "audit-anchors.jsonl": 0o600,
        "keys.json": 0o600,
        "secrets.db": 0o600,
    }
    assert empty.stat().st_mode & 0o777 == 0o700


@pytest.mark.usefixtures("empty")
def test_a_demo_that_is_there_is_reported_again(line: CommandLine) -> None:
    first, second = line("demo", "--json").answer, line("demo", "--json").answer

    assert _ids(first) == _ids(second)
    assert first["token"] != second["token"]


def test_no_database_is_made_beside_a_key_file(line: CommandLine, data_dir: Path) -> None:
    """What it sealed was lost, or is to be put back."""
    (data_dir / "secrets.db").unlink()

    refused = line("demo", "--json")

    assert refused.code == 1
    assert "secrets-gateway restore" in refused.complaint
    assert not (data_dir / "secrets.db").exists()


def test_the_version_is_reported(line: CommandLine) -> None:
    answer = line("--version")

    assert (answer.code, answer.out) == (0, f"secrets-gateway {version('secrets-gateway')}\n")
