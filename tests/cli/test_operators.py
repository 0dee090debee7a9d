"""Who did it at the command line: in the events, in the export, and for the organization."""

import json
import os
import pwd
from typing import Any

import pytest

from tests.cli.conftest import CommandLine

pytestmark = pytest.mark.rule("S80")

CREATE = ("token", "create", "--organization", "Demo", "--name", "recorded")
UNFIT = ["", "a\nb", "a\x1b[31mb", "a\u202eb", "x" * 129]


@pytest.fixture(autouse=True)
def _nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run as if without sudo, whoever runs the tests."""
    for name in ("SUDO_USER", "SECRETS_GATEWAY_OPERATOR"):
        # Set before, so that what `--as` sets goes after the test.
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)


def _newest(line: CommandLine) -> Any:
    exported = line("audit", "export").out.splitlines()
    return json.loads(exported[-1])


def _user() -> str:
    return pwd.getpwuid(os.getuid()).pw_name


def test_a_command_is_attributed_to_the_user_of_the_system(line: CommandLine) -> None:
    assert line(*CREATE).code == 0

    operator = _newest(line)["details"]["operator"]

    assert (operator["user"], operator["uid"]) == (_user(), os.getuid())
    assert "name" not in operator


def test_a_command_is_attributed_to_the_name_that_is_given(line: CommandLine) -> None:
    assert line("--as", "Ada Lovelace", *CREATE).code == 0

    event = _newest(line)

    assert (event["actor_kind"], event["actor_id"]) == ("OPERATOR", "Ada Lovelace")
    assert event["details"]["operator"]["name"] == "Ada Lovelace"
    # What the system knows is recorded beside what somebody says.
    assert event["details"]["operator"]["user"] == _user()


def test_the_name_can_come_from_the_environment(
    line: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRETS_GATEWAY_OPERATOR", "Ada")

    line(*CREATE)
    by_environment = _newest(line)["actor_id"]
    line("--as", "Grace", *CREATE)

    assert (by_environment, _newest(line)["actor_id"]) == ("Ada", "Grace")


def test_the_person_behind_sudo_is_recorded(
    line: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUDO_USER", "ada")

    line(*CREATE)

    event = _newest(line)
    assert event["actor_id"] == "ada"
    assert event["details"]["operator"]["login"] == "ada"


@pytest.mark.parametrize("name", UNFIT)
def test_a_name_with_control_characters_is_refused(
    line: CommandLine, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    before = _newest(line)

    refused = line("--as", name, *CREATE)

    monkeypatch.delenv("SECRETS_GATEWAY_OPERATOR")
    assert refused.code != 0
    assert "operator" in refused.err
    assert not name or name not in refused.err
    assert _newest(line) == before


@pytest.mark.parametrize("name", ["a\nb", "a\x1b[31mb"])
def test_a_user_of_sudo_with_control_characters_is_refused(
    line: CommandLine, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    before = _newest(line)
    monkeypatch.setenv("SUDO_USER", name)

    refused = line(*CREATE)

    monkeypatch.delenv("SUDO_USER")
    assert refused.code != 0
    assert "SUDO_USER must have" in refused.err
    assert _newest(line) == before
