"""`run`: a command with what a service gets, and nothing left behind."""

import json
import os
import sys
from base64 import b64encode
from pathlib import Path

import pytest

from gateway.services.demo import Demo
from tests.cli.conftest import CommandLine

PRINTING = "import os, sys; print(*(os.environ[name] for name in sys.argv[1:]), sep='|')"


def _python(script: str, *arguments: str) -> list[str]:
    return [sys.executable, "-c", script, *arguments]


@pytest.mark.rule("R1")
def test_command_has_the_secrets_and_the_callers_environment(
    line: CommandLine, demo: Demo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A secret wins over a variable of the caller's."""
    monkeypatch.setenv("OF_THE_CALLER", "kept")
    monkeypatch.setenv("SMTP_PASSWORD", "replaced")

    finished = line(
        *("run", "--service", demo.job_id, "--"),
        *_python(PRINTING, "OF_THE_CALLER", "SMTP_PASSWORD", "BILLING_API_KEY"),
    )

    assert finished.code == 0
    assert finished.out == "kept|demo-bulk-smtp|demo-payment-key\n"


def test_values_reach_the_command_byte_by_byte(line: CommandLine, demo: Demo) -> None:
    value = 'é\n"$x\u2028 '
    at_job = ["--holder", f"job:{demo.job_id}"]
    line("import", *at_job, "--format", "json", "-", stdin=json.dumps({"ODD": value}))
    printing = "import os; print(os.environb[b'ODD'].hex())"

    finished = line("run", "--service", demo.job_id, "--", *_python(printing))

    assert finished.out.rstrip() == value.encode().hex()


@pytest.mark.rule("R2")
def test_files_are_where_the_variables_say_for_nobody_else(line: CommandLine, demo: Demo) -> None:
    """Below the private folder, at the mount path."""
    looking = (
        "import os, pathlib; path = pathlib.Path(os.environ['TLS_CERTIFICATE']);"
        "print(path, path.read_text(), *(f'{p.stat().st_mode & 0o777:o}'"
        " for p in [path, *path.parents][:4]), sep='|')"
    )

    finished = line("run", "--service", demo.job_id, "--", *_python(looking))

    path, content, *modes = finished.out.rstrip().split("|")
    assert path.endswith("/etc/tls/shop.pem")
    assert content == "demo certificate"
    assert modes == ["600", "700", "700", "700"]
    assert not Path(path).parents[2].exists()


def test_files_are_made_in_the_folder_that_is_asked_for(
    line: CommandLine, demo: Demo, tmp_path: Path
) -> None:
    folder = tmp_path / "memory"
    folder.mkdir()

    finished = line(
        *("run", "--service", demo.job_id, "--files-in", str(folder), "--"),
        *_python(PRINTING, "TLS_CERTIFICATE"),
    )

    assert finished.out.startswith(f"{folder}/secrets-gateway-")
    assert list(folder.iterdir()) == []


def test_folder_that_is_not_there_is_refused(line: CommandLine, demo: Demo, tmp_path: Path) -> None:
    folder = str(tmp_path / "missing")

    finished = line("run", "--service", demo.job_id, "--files-in", folder, "--", "true")

    assert finished.code == 1
    assert finished.complaint.endswith("No such file or directory.")


@pytest.mark.parametrize(
    ("script", "code"),
    [
        ("raise SystemExit(0)", 0),
        ("raise SystemExit(7)", 7),
        ("import os; os.kill(os.getpid(), 15)", 143),
        ("import os; os.kill(os.getpid(), 9)", 137),
    ],
    ids=["success", "failure", "ended", "killed"],
)
def test_commands_end_becomes_ours(
    line: CommandLine, demo: Demo, tmp_path: Path, script: str, code: int
) -> None:
    """Nor is anything left behind when a signal ended it."""
    folder = tmp_path / "files"
    folder.mkdir()

    finished = line(
        *("run", "--service", demo.job_id, "--files-in", str(folder), "--"), *_python(script)
    )

    assert finished.code == code
    assert list(folder.iterdir()) == []


def test_command_that_is_not_there_ends_as_in_a_shell(line: CommandLine, demo: Demo) -> None:
    finished = line("run", "--service", demo.job_id, "--", "no-such-command")

    assert finished.code == 127
    assert finished.complaint == "cannot start the command: No such file or directory."


def test_command_that_cannot_run_ends_as_in_a_shell(
    line: CommandLine, demo: Demo, tmp_path: Path
) -> None:
    finished = line("run", "--service", demo.job_id, "--", str(tmp_path))

    assert finished.code == 126
    assert finished.complaint == "cannot start the command: Permission denied."


def test_options_after_the_command_are_the_commands_own(line: CommandLine, demo: Demo) -> None:
    finished = line("run", "--service", demo.job_id, "echo", "--service", "-x")

    assert finished.out == "--service -x\n"


SETTINGS = "import os; print(*sorted(n for n in os.environ if n.upper().startswith('SECRETS_')))"


@pytest.mark.rule("S74")
def test_command_gets_no_setting_of_the_gateway(
    line: CommandLine, demo: Demo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The key-encryption key is not the command's; settings are read in any case."""
    monkeypatch.setenv("SECRETS_GATEWAY_KEY", b64encode(os.urandom(32)).decode())
    monkeypatch.setenv("secrets_gateway_kms_endpoint", "http://127.0.0.1")
    monkeypatch.setenv("SECRETS_GATEWAY_OF_SOMEBODY_ELSE", "x")
    monkeypatch.setenv("SECRETS_OF_THE_CALLER", "kept")

    finished = line("run", "--service", demo.job_id, "--", *_python(SETTINGS))

    assert (finished.out, finished.err) == ("SECRETS_OF_THE_CALLER\n", "")


@pytest.mark.rule("S74")
def test_command_gets_a_secret_that_is_named_like_a_setting(line: CommandLine, demo: Demo) -> None:
    """What the service gets, it gets."""
    at_job = ["--holder", f"job:{demo.job_id}"]
    named = json.dumps({"SECRETS_GATEWAY_LOG_LEVEL": "info"})
    line("import", *at_job, "--format", "json", "-", stdin=named)

    finished = line(
        *("run", "--service", demo.job_id, "--"),
        *_python(PRINTING, "SECRETS_GATEWAY_LOG_LEVEL"),
    )

    assert finished.out == "info\n"


@pytest.mark.skipif(sys.platform != "linux", reason="the limits are those of Linux")
@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        (
            {"BLOB": "x" * 65_000, "TRIPLE": "{{BLOB}}{{BLOB}}{{BLOB}}"},
            "the variable TRIPLE has 195,008 bytes with its name; this system takes at most ",
        ),
        (
            {"BLOB": "x" * 60_000} | {f"N{number}": "{{BLOB}}{{BLOB}}" for number in range(60)},
            "its arguments and variables have ",
        ),
    ],
    ids=["one", "sum"],
)
def test_variables_that_are_too_large_are_named(
    line: CommandLine, demo: Demo, values: dict[str, str], complaint: str
) -> None:
    at_job = ["--holder", f"job:{demo.job_id}"]
    line("import", *at_job, "--format", "json", "-", stdin=json.dumps(values))

    finished = line("run", "--service", demo.job_id, "--", "true")

    assert finished.code == 126
    assert finished.complaint.startswith(f"cannot start the command: {complaint}")
    assert "xx" not in finished.complaint
