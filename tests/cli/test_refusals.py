"""How a refusal is told: one line on standard error, an exit code, and no value."""

from pathlib import Path

import pytest

from gateway.services.authentication import Authentication
from gateway.services.demo import Demo
from tests.cli.conftest import CommandLine

MARKER = "marker-77c1e0"


def test_what_the_domain_refuses_ends_with_1(line: CommandLine) -> None:
    refused = line("export", "--service", "nothing", "--format", "json")

    assert refused.code == 1
    assert refused.complaint == "No holder has that id."


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["no-such-command"], "No such command 'no-such-command'."),
        (["run", "true"], "Missing option '--service'."),
        (["export", "--services", "x"], "No such option: --services (Possible options: --service)"),
        (["explain", "--service", "x"], "Missing argument 'KEY'."),
        (["token", "revoke", "x", MARKER], "Got more arguments than this command has."),
    ],
)
def test_wrong_usage_ends_with_2(line: CommandLine, arguments: list[str], complaint: str) -> None:
    refused = line(*arguments)

    assert refused.code == 2
    assert refused.complaint == complaint


def test_choices_are_reported_on_the_same_line(line: CommandLine) -> None:
    refused = line("export", "--service", "x", "--format", "xml")

    assert refused.code == 2
    assert refused.complaint == (
        "Invalid value for '--format': 'xml' is not one of 'dotenv', 'json', 'yaml', 'k8s', "
        "'shell', 'docker', 'github'."
    )


@pytest.mark.parametrize("group", [[], ["service"]], ids=["program", "group"])
def test_without_a_command_the_help_is_shown(line: CommandLine, group: list[str]) -> None:
    shown = line(*group)

    assert shown.code == 2
    assert "Usage: secrets-gateway" in shown.out
    assert shown.err == ""


def test_value_among_the_arguments_is_not_repeated(line: CommandLine, demo: Demo) -> None:
    refused = line("builtin", "rotate", demo.built_in_secret_id, MARKER)

    assert refused.code == 2
    assert MARKER not in refused.out + refused.err


def test_without_data_it_is_reported_what_to_run(
    line: CommandLine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SECRETS_GATEWAY_DATA_DIR", str(tmp_path / "missing"))

    refused = line("check")

    assert refused.code == 1
    assert refused.complaint.endswith("/missing: run `secrets-gateway migrate` to make it.")


def test_wrong_setting_is_named(line: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRETS_GATEWAY_PORT", MARKER)

    refused = line("check")

    assert refused.code == 1
    assert refused.complaint.startswith("setting port: ")
    assert MARKER not in refused.err


def test_the_unexpected_is_logged_and_reported_as_internal(
    line: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: Authentication) -> None:
        raise RuntimeError(MARKER)

    monkeypatch.setattr(Authentication, "now", fail)

    refused = line("token", "list", "--organization", "Demo")

    assert refused.code == 1
    assert "unexpected_error" in refused.err
    assert MARKER not in refused.err.splitlines()[-1]
    assert refused.err.splitlines()[-1] == "secrets-gateway: internal error."


def test_missing_file_is_named(line: CommandLine, demo: Demo, tmp_path: Path) -> None:
    missing = str(tmp_path / "missing.env")

    refused = line("import", "--holder", f"job:{demo.job_id}", missing)

    assert refused.complaint == f"{missing}: No such file or directory."


def test_what_is_well_says_so(line: CommandLine) -> None:
    assert line("check").out == "All is well.\n"


def test_tokens_are_listed_for_programs(line: CommandLine) -> None:
    line("token", "create", "--organization", "Demo", "--name", "of a robot", "--role", "viewer")

    answer = line("token", "list", "--organization", "Demo", "--json").answer

    assert [token["name"] for token in answer["tokens"]].count("of a robot") == 1
    assert {token["state"] for token in answer["tokens"]} == {"valid"}


def test_revoked_token_cannot_be_revoked_again(line: CommandLine) -> None:
    made = line("token", "create", "--organization", "Demo", "--name", "short", "--json").answer

    revoked = line("token", "revoke", made["id"])
    again = line("token", "revoke", made["id"])

    assert revoked.code == 0
    assert again.code == 1
    assert again.complaint == "no valid token has this id."


@pytest.mark.rule("S58")
@pytest.mark.parametrize(
    ("issuers", "complaint"),
    [
        (
            f'[{{"issuer": "https://{MARKER}.test", "audiences": ["a"], "leeway_seconds": 60}}]',
            "setting issuers.0.leeway_seconds: Input should be less than or equal to 30",
        ),
        (
            f'[{{"{MARKER}"',
            'error parsing value for field "issuers" from source "EnvSettingsSource".',
        ),
    ],
    ids=["unsafe", "no JSON"],
)
def test_a_setting_that_is_refused_is_named_and_not_repeated(
    line: CommandLine, monkeypatch: pytest.MonkeyPatch, issuers: str, complaint: str
) -> None:
    monkeypatch.setenv("SECRETS_GATEWAY_ISSUERS", issuers)

    refused = line("check")

    assert (refused.code, refused.complaint) == (1, complaint)
