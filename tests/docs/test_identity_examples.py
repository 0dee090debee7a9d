"""The examples of docs/identity.md work as they stand."""

import re
from pathlib import Path
from typing import Any

import pytest

from gateway.config.settings import Settings
from tests.world import World

_TEXT = (Path(__file__).parents[2] / "docs" / "identity.md").read_text(encoding="utf-8")
(_FILE,) = re.findall(r"```toml\n(.*?)```", _TEXT, re.DOTALL)
(_VARIABLE,) = re.findall(r"SECRETS_GATEWAY_ISSUERS='(.*)'", _TEXT)
_LET_IN, _GRANT = re.findall(r"```graphql\n(.*?)```", _TEXT, re.DOTALL)


def test_the_file_and_the_variable_say_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("secrets-gateway.toml").write_text(_FILE, encoding="utf-8")
    from_file = Settings().issuers
    Path("secrets-gateway.toml").unlink()
    monkeypatch.setenv("SECRETS_GATEWAY_ISSUERS", _VARIABLE)

    assert from_file
    assert Settings().issuers == from_file


async def test_somebody_is_let_in_as_the_text_says(world: World) -> None:
    registered: dict[str, Any] = (await world.graphql.ask(_LET_IN, {}))["registerUser"]
    ids = {"userId": registered["user"]["id"], "projectId": world.demo.project_id}

    granted = (await world.graphql.ask(_GRANT, ids))["grantRole"]

    assert (registered["errors"], granted["errors"]) == ([], [])
    assert granted["grant"]["id"]
