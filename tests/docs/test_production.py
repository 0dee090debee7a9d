"""A reader who follows docs/production.md on an empty host sees what it shows."""

import re
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway.cli.entry import COMMANDS
from gateway.settings import Settings
from tests.docs.sessions import DOCS, Shell, Step, steps, with_the_program

_PAGE = (DOCS / "production.md").read_text()
(_SETTINGS,) = re.findall(r"```toml\n(.*?)```", _PAGE, re.DOTALL)
(_UNIT,) = re.findall(r"```ini\n(.*?)```", _PAGE, re.DOTALL)
(_COMPOSE,) = re.findall(r"```yaml\n(.*?)```", _PAGE, re.DOTALL)
_FOLDERS = ("/etc/secrets-gateway", "/var/lib/secrets-gateway")


def _here(text: str, root: Path) -> str:
    for folder in _FOLDERS:
        text = text.replace(folder, f"{root}{folder}")
    return text.replace("sudo -u secrets-gateway ", "")


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    """A shell on a host with the page's folders and settings, all of them below another root."""
    for folder, mode in zip(_FOLDERS, (0o755, 0o700), strict=True):
        (tmp_path / folder[1:]).mkdir(mode, parents=True)
    settings = tmp_path / _FOLDERS[0][1:] / "secrets-gateway.toml"
    settings.write_text(_here(_SETTINGS, tmp_path))
    variables = with_the_program(tmp_path / "programs")
    with closing(Shell.started(tmp_path, variables)) as started:
        yield started


def test_an_operator_starts_a_gateway_for_the_first_time(shell: Shell, tmp_path: Path) -> None:
    for step in steps("production.md"):
        here = Step(_here(step.command, tmp_path), _here(step.printed, tmp_path), step.response)
        code, printed = shell.run(here.command)

        assert code == 0, f"{here.command}{printed}"
        assert here.prints(printed), f"{here.command}{printed}"


def test_the_unit_starts_the_server_where_the_settings_are() -> None:
    lines = dict(re.findall(r"^(\w+)=(.+)$", _UNIT, re.MULTILINE))

    assert lines["WorkingDirectory"] == _FOLDERS[0]
    assert f"/var/lib/{lines['StateDirectory']}" == _FOLDERS[1]
    assert lines["ExecStart"].split()[1:] == ["serve"]


def _services() -> Mapping[str, Mapping[str, Any]]:
    found: Mapping[str, Mapping[str, Any]] = yaml.safe_load(_COMPOSE)["services"]
    return found


def test_the_containers_run_commands_with_settings_that_exist() -> None:
    names = {f"SECRETS_GATEWAY_{name.upper()}" for name in Settings.model_fields}

    assert set(_services()["migrate"]["command"]) <= set(COMMANDS)
    assert all(service["environment"].keys() <= names for service in _services().values())


def test_the_gateway_starts_when_its_volume_has_a_database() -> None:
    migrate, gateway = _services()["migrate"], _services()["gateway"]

    assert gateway["depends_on"] == {"migrate": {"condition": "service_completed_successfully"}}
    assert migrate["volumes"] == gateway["volumes"] == ["data:/data"]
