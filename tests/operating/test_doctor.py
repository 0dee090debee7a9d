"""The check-up: each fault is found, and told what to do."""

import json
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import pytest

from tests.cli.conftest import CommandLine, Finished, demo, line

pytestmark = pytest.mark.rule("S57")

__all__ = ["demo", "line"]


def _change(data_dir: Path, *statements: str) -> None:
    with closing(sqlite3.connect(data_dir / "secrets.db")) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def _spoil_values(data_dir: Path) -> None:
    # All of them: which one the doctor tries is not told.
    _change(data_dir, "UPDATE sealed_value SET ciphertext = zeroblob(length(ciphertext))")


HARM: Final[Mapping[str, tuple[Callable[[Path], object], str, str]]] = {
    "an open key file": (
        lambda item: (item / "keys.json").chmod(0o644),
        "permissions",
        "chmod 600",
    ),
    "an open folder": (lambda item: item.chmod(0o755), "permissions", "chmod 700"),
    "no key file": (lambda item: (item / "keys.json").unlink(), "start", "key file"),
    "no database": (lambda item: (item / "secrets.db").unlink(), "start", "no database"),
    "a torn database": (
        lambda item: (item / "secrets.db").write_bytes((item / "secrets.db").read_bytes()[:50_000]),
        "database",
        "damaged",
    ),
    "no database at all": (
        lambda item: (item / "secrets.db").write_bytes(b"x" * 9_000),
        "database",
        "damaged",
    ),
    "rows without what they refer to": (
        lambda item: _change(item, "PRAGMA foreign_keys = 0", "DELETE FROM holder"),
        "database",
        "missing rows",
    ),
    "another version's schema": (
        lambda item: _change(item, "UPDATE alembic_version SET version_num = 'x'"),
        "start",
        "newer version",
    ),
    "a trigger of somebody else": (
        lambda item: _change(item, "CREATE TRIGGER own AFTER DELETE ON holder BEGIN SELECT 1; END"),
        "catalog",
        "ADDED trigger own",
    ),
    "values that do not open": (_spoil_values, "start", "failed its integrity check"),
}


def _found(answer: Finished, state: str) -> dict[str, str]:
    findings: list[dict[str, Any]] = json.loads(answer.out)
    return {
        finding["check"]: finding["message"] for finding in findings if finding["state"] == state
    }


@pytest.mark.rule("S58")
@pytest.mark.parametrize(("harm", "check", "message"), HARM.values(), ids=HARM.keys())
def test_what_is_wrong_is_found(
    line: CommandLine,
    data_dir: Path,
    harm: Callable[[Path], object],
    check: str,
    message: str,
) -> None:
    """Exit code 1, for whoever watches over it by a program."""
    harm(data_dir)

    answer = line("doctor", "--json")

    assert answer.code == 1
    assert message in _found(answer, "fault")[check]


@pytest.mark.parametrize(("file", "code"), [("missing.pem", 1), (None, 0)])
def test_certificates_that_cannot_be_read_are_found(
    line: CommandLine,
    data_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
    file: str | None,
    code: int,
) -> None:
    """`serve` would refuse to start; no issuer is asked."""
    issuer = {"issuer": "https://id.example.com", "audiences": ["gateway"]}
    monkeypatch.setenv("SECRETS_GATEWAY_ISSUERS", json.dumps([issuer]))
    if file is not None:
        monkeypatch.setenv("SSL_CERT_FILE", str(data_dir / file))

    answer, checked = line("doctor", "--json"), line("check")

    assert (answer.code, checked.code) == (code, code)
    assert ("certificates cannot be read" in checked.err) == bool(code)
    assert ("certificates cannot be read" in _found(answer, "fault").get("start", "")) == bool(code)


def test_a_database_without_a_wal_is_in_doubt(line: CommandLine) -> None:
    """It may have been copied while it was in use."""
    answer = line("doctor", "--json")

    assert answer.code == 0
    assert "last changes are missing" in _found(answer, "doubt")["wal"]


def test_a_clock_that_goes_wrong_is_in_doubt(line: CommandLine, data_dir: Path) -> None:
    _change(data_dir, "UPDATE api_token SET created_at = '2999-01-01 00:00:00.000000'")

    assert "2999-01-01" in _found(line("doctor", "--json"), "doubt")["clock"]


@pytest.mark.rule("S58")
def test_settings_are_faults_in_production_and_doubts_before(
    line: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRETS_GATEWAY_HOST", "192.0.2.1")
    before = line("doctor", "--json")
    monkeypatch.setenv("SECRETS_GATEWAY_ENVIRONMENT", "production")
    after = line("doctor", "--json")

    assert before.code == 0
    assert "https" in _found(before, "doubt")["settings"]
    assert after.code == 1
    assert "https" in _found(after, "fault")["settings"]


def test_people_get_a_line_for_each(line: CommandLine) -> None:
    answer = line("doctor").out.splitlines()

    assert "well   database: SQLite finds the database intact." in answer
    assert len(answer) == 8


@pytest.mark.parametrize("is_there", [True, False])
def test_only_a_key_file_that_is_there_is_called_safe(
    *, line: CommandLine, data_dir: Path, is_there: bool
) -> None:
    if not is_there:
        (data_dir / "keys.json").unlink()

    found = {item["check"]: item["message"] for item in line("doctor", "--json").answer}

    read = "the key file and the data" if is_there else "the data"
    assert found["permissions"] == f"Only the owner reads {read}."
