"""What keeps a gateway from starting in production."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from gateway.config.production_checks import UnsafeSettings, doubts
from gateway.config.settings import Settings
from gateway.config.types import Environment
from gateway.runtime import Runtime
from gateway.storage.migrate import UnsafeStorage, ensure_durable
from tests.cli.conftest import CommandLine, demo, line

__all__ = ["demo", "line"]

PRODUCTION: Final = {"environment": Environment.PRODUCTION}
NEEDS_ACCESS_CHECK: Final[Mapping[str, tuple[dict[str, Any], str]]] = {
    "debugging": ({"log_level": "debug"}, "The log level `debug`"),
    "no TLS": ({"host": "192.0.2.1"}, "Tokens would be sent unencrypted"),
    "no name": ({"host": "0.0.0.0", "https": True}, "allowed_hosts"),  # noqa: S104 - nothing listens
    "any proxy": ({"trusted_proxies": ("0.0.0.0/0",)}, "list only the proxies"),
}
LIGHT: Final[Mapping[str, dict[str, Any]]] = {
    "graphiql": {"graphiql": True},
    "metrics_host": {"metrics_host": "192.0.2.1", "metrics_port": 9464},
    "rate_per_minute": {"rate_per_minute": 0},
    "failed_logins_per_minute": {"failed_logins_per_minute": 0},
    "connections_per_peer": {"connections_per_peer": 0},
}


async def _start(settings: Settings) -> None:
    async with Runtime.over(settings).running():
        pass


@pytest.mark.rule("S58")
@pytest.mark.parametrize(
    ("chosen", "reason"), NEEDS_ACCESS_CHECK.values(), ids=NEEDS_ACCESS_CHECK.keys()
)
async def test_production_does_not_start_with_what_is_unsafe(
    data_dir: Path, chosen: dict[str, Any], reason: str
) -> None:
    with pytest.raises(UnsafeSettings, match=reason):
        await _start(Settings(data_dir=data_dir, **{**PRODUCTION, **chosen}))


@pytest.mark.rule("S58")
@pytest.mark.parametrize(
    ("chosen", "reason"), NEEDS_ACCESS_CHECK.values(), ids=NEEDS_ACCESS_CHECK.keys()
)
async def test_development_starts_with_it(
    data_dir: Path, chosen: dict[str, Any], reason: str
) -> None:
    """The control; `doctor` tells of it."""
    settings = Settings(data_dir=data_dir, **chosen)

    await _start(settings)

    assert any(reason in doubt.message for doubt in doubts(settings))


@pytest.mark.rule("S58")
def test_production_does_not_start_with_an_open_folder(
    line: CommandLine, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRETS_GATEWAY_ENVIRONMENT", "production")
    before = line("check").code
    data_dir.chmod(0o755)

    refused = line("check")

    assert before == 0
    assert "chmod 700" in refused.complaint


@pytest.mark.rule("S58")
async def test_production_starts_when_nothing_is_in_doubt(data_dir: Path) -> None:
    """The control."""
    settings = Settings(
        data_dir=data_dir,
        environment=Environment.PRODUCTION,
        host="0.0.0.0",  # noqa: S104 - nothing listens
        https=True,
        allowed_hosts=("secrets.example.com",),
    )

    await _start(settings)

    assert doubts(settings) == []


@pytest.mark.parametrize(("name", "chosen"), LIGHT.items(), ids=LIGHT.keys())
async def test_what_is_only_worth_a_word_starts(
    data_dir: Path, name: str, chosen: dict[str, Any]
) -> None:
    settings = Settings(data_dir=data_dir, **{**PRODUCTION, **chosen})

    await _start(settings)

    assert [doubt.setting for doubt in doubts(settings)] == [name]


@pytest.mark.rule("S31")
@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ({}, True),
        (PRODUCTION, False),
        ({**PRODUCTION, "graphiql": True}, True),
        ({"graphiql": False}, False),
    ],
)
def test_the_page_to_explore_with_is_for_development(
    chosen: dict[str, Any], *, expected: bool
) -> None:
    """Unless somebody asks for it."""
    assert Settings(**chosen).serves_graphiql is expected


@pytest.mark.rule("S58")
def test_a_refusal_of_the_start_is_one_line(
    line: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRETS_GATEWAY_ENVIRONMENT", "production")
    monkeypatch.setenv("SECRETS_GATEWAY_HOST", "192.0.2.1")

    refused = line("check")

    assert refused.code == 1
    assert refused.complaint.startswith("The settings are not safe for production.")


@pytest.mark.rule("S58")
@pytest.mark.parametrize(("pragma", "unsafe"), [("synchronous", 1), ("foreign_keys", 0)])
async def test_a_connection_that_would_lose_or_mix_up_is_refused(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch, pragma: str, unsafe: int
) -> None:
    """The engine is made without the setting, and the check sees it."""
    loosened = {pragma: unsafe}
    monkeypatch.setattr("gateway.storage.engine.SQLITE_PRAGMAS", loosened)
    runtime = Runtime.over(Settings(data_dir=data_dir))

    async with runtime.database:
        with pytest.raises(UnsafeStorage, match=pragma):
            await ensure_durable(runtime.database)


@pytest.mark.rule("S46", "S48")
async def test_no_level_of_logging_says_what_is_stored(
    data_dir: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Libraries below us tell statements with their parameters."""
    caplog.set_level(logging.DEBUG)

    async with Runtime.over(Settings(data_dir=data_dir)).running() as runtime:
        assert await runtime.operator.tokens.of_organization("marker-3307") == []

    assert "marker-3307" not in caplog.text


@pytest.mark.rule("S37")
@pytest.mark.parametrize(
    ("given", "most"),
    [({}, 2_000), ({"environment": "production"}, 100), ({"connections_per_peer": 0}, 0)],
)
def test_one_address_holds_fewer_connections_in_production(
    given: dict[str, Any], most: int
) -> None:
    """In development one machine may race against itself."""
    assert Settings(**given).most_connections == most
