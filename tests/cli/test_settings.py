"""Settings as commands read them: what is wrong is told in one line, and no value with it."""

from pathlib import Path

import pytest

from gateway.config.settings import Settings
from gateway.config.settings_file import SETTINGS_FILE
from tests.cli.conftest import CommandLine

MARKER = "marker-0b61d4"


@pytest.mark.rule("S58")
@pytest.mark.parametrize(
    ("written", "complaint"),
    [
        (f"key = [\n'{MARKER}'".encode(), "the file is not TOML in UTF-8 (at end of document)."),
        (f"key = {MARKER}".encode(), "the file is not TOML in UTF-8 (at line 1, column 7)."),
        (f"key = '{MARKER}\xff'".encode("latin-1"), "the file is not TOML in UTF-8."),
    ],
    ids=["cut off", "no string", "no UTF-8"],
)
def test_a_file_that_is_no_toml_is_reported_by_its_place(
    line: CommandLine,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    written: bytes,
    complaint: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    SETTINGS_FILE.write_bytes(written)

    refused = line("check")

    assert (refused.code, refused.complaint) == (1, f"secrets-gateway.toml: {complaint}")


def test_an_unknown_name_in_the_file_is_refused(
    line: CommandLine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    SETTINGS_FILE.write_text("enviroment = 'production'")

    refused = line("check")

    assert (refused.code, refused.complaint) == (1, "setting enviroment: There is no such setting.")


def test_an_unknown_variable_is_reported_and_does_nothing(
    line: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Orchestrators set variables of their own by the name of a service."""
    monkeypatch.setenv("SECRETS_GATEWAY_ENVIROMENT", MARKER)

    checked = line("check")
    examined = line("doctor")

    assert (checked.code, examined.code) == (0, 0)
    assert checked.complaint == "SECRETS_GATEWAY_ENVIROMENT is no setting, and does nothing."
    assert "settings: SECRETS_GATEWAY_ENVIROMENT: There is no such setting" in examined.out
    assert MARKER not in checked.err + examined.out + examined.err


FORMER = "SECRETS_GATEWAY_SCRUB_SECONDS"
CURRENT = "SECRETS_GATEWAY_INTEGRITY_SCAN_SECONDS"


def test_a_former_name_of_a_variable_counts_and_is_reported(
    line: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(FORMER, "76")

    checked = line("check")
    examined = line("doctor")

    assert (checked.code, examined.code) == (0, 0)
    assert Settings().integrity_scan_seconds == 76
    renamed = f"is now called {CURRENT}: the former name works in this release only."
    assert checked.complaint == f"{FORMER} {renamed}"
    assert f"settings: {FORMER}: It {renamed}" in examined.out


def test_a_former_name_in_the_file_counts_and_is_reported(
    line: CommandLine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    SETTINGS_FILE.write_text("scrub_seconds = 77")

    checked = line("check")

    assert (checked.code, Settings().integrity_scan_seconds) == (0, 77)
    assert checked.complaint == (
        "scrub_seconds is now called integrity_scan_seconds: the former name works in this release "
        "only."
    )


def test_a_name_of_today_wins_over_a_former_one(
    line: CommandLine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    SETTINGS_FILE.write_text("audit_checkpoint_seconds = 71\naudit_anchor_seconds = 72")
    monkeypatch.setenv(CURRENT, "73")
    monkeypatch.setenv(FORMER, "74")

    assert line("check").code == 0
    assert Settings().audit_checkpoint_seconds == 71
    assert Settings().integrity_scan_seconds == 73


@pytest.mark.rule("S58")
@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://gateway:{MARKER}@127.0.0.1/secrets",
        f"sqlite:///{MARKER}.db",
        MARKER,
        "sqlite+aiosqlite:///:memory:",
        "sqlite+aiosqlite:///",
    ],
)
def test_a_database_that_cannot_be_served_is_refused(
    line: CommandLine, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("SECRETS_GATEWAY_DATABASE_URL", url)

    refused = line("check")

    assert refused.code == 1
    assert refused.complaint == (
        "setting database_url: the database must be an SQLite file: "
        "sqlite+aiosqlite:/// and its path"
    )


def test_a_database_may_be_anywhere(
    line: CommandLine, monkeypatch: pytest.MonkeyPatch, data_dir: Path, tmp_path: Path
) -> None:
    """The control of the test above."""
    moved = (data_dir / "secrets.db").rename(tmp_path / "moved.db")
    monkeypatch.setenv("SECRETS_GATEWAY_DATABASE_URL", f"sqlite+aiosqlite:///{moved}")

    assert line("check").code == 0


def test_a_command_logs_only_what_calls_for_attention(
    line: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SECRETS_GATEWAY_LOG_LEVEL")

    made = line("organization", "create", "Bakery")

    assert (made.code, made.err) == (0, "")


def test_a_command_logs_as_it_is_reported(
    line: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control of the test above."""
    monkeypatch.setenv("SECRETS_GATEWAY_LOG_LEVEL", "info")

    made = line("organization", "create", "Bakery")

    assert "audit_checkpoint" in made.err


@pytest.mark.rule("S58")
def test_a_data_folder_that_is_a_file_is_not_called_missing(
    line: CommandLine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """`migrate` could not make it; the control is a folder that is not there."""
    (tmp_path / "file").touch()
    complaints = []
    for name in ("file", "nothing"):
        monkeypatch.setenv("SECRETS_GATEWAY_DATA_DIR", str(tmp_path / name))
        complaints.append(line("check").complaint)

    assert "is not a folder" in complaints[0]
    assert "migrate" not in complaints[0]
    assert "run `secrets-gateway migrate`" in complaints[1]
