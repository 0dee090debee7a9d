"""A reader who follows docs/production.md on an empty host sees what it shows."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from gateway.cli.commands import COMMANDS
from gateway.config.settings import Settings
from tests.docs.hosts import DATA_FOLDER, SETTINGS_FOLDER, empty_host
from tests.docs.sessions import DOCS

_PAGE = (DOCS / "production.md").read_text()
(_UNIT,) = re.findall(r"```ini\n(.*?)```", _PAGE, re.DOTALL)
(_COMPOSE,) = re.findall(r"```yaml\n(.*?)```", _PAGE, re.DOTALL)


def test_an_operator_starts_a_gateway_for_the_first_time(tmp_path: Path) -> None:
    with empty_host(tmp_path) as host:
        host.follow("production.md")


def test_the_unit_starts_the_server_where_the_settings_are() -> None:
    lines = dict(re.findall(r"^(\w+)=(.+)$", _UNIT, re.MULTILINE))

    assert lines["WorkingDirectory"] == SETTINGS_FOLDER
    assert f"/var/lib/{lines['StateDirectory']}" == DATA_FOLDER
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
