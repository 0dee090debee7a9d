"""An address at which the server cannot listen is reported before anything else happens."""

from collections.abc import Iterator
from socket import create_server

import pytest

from tests.cli.conftest import CommandLine


@pytest.fixture
def taken_port() -> Iterator[int]:
    """A port at which somebody else listens."""
    with create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


@pytest.mark.parametrize("command", [["demo", "--check-address"], ["serve"]])
def test_busy_port_is_reported_with_its_setting_and_without_a_token(
    line: CommandLine, monkeypatch: pytest.MonkeyPatch, taken_port: int, command: list[str]
) -> None:
    monkeypatch.setenv("SECRETS_GATEWAY_PORT", str(taken_port))

    refused = line(*command)

    assert (refused.code, refused.out) == (1, "")
    assert refused.complaint == (
        f"cannot listen at 127.0.0.1:{taken_port}: address already in use. Choose another port "
        "with SECRETS_GATEWAY_PORT."
    )


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid"])
def test_host_that_is_not_this_machines_is_reported(
    line: CommandLine, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    monkeypatch.setenv("SECRETS_GATEWAY_HOST", host)

    refused = line("demo", "--check-address")

    assert refused.complaint.startswith(f"cannot listen at {host}:8080: ")
    assert refused.complaint.endswith(" Choose another host with SECRETS_GATEWAY_HOST.")


def test_control_demo_is_made_where_the_port_is_free_or_nobody_asks(
    line: CommandLine, monkeypatch: pytest.MonkeyPatch, taken_port: int
) -> None:
    monkeypatch.setenv("SECRETS_GATEWAY_PORT", str(taken_port))
    unasked = line("demo", "--json")
    monkeypatch.setenv("SECRETS_GATEWAY_PORT", "0")
    free = line("demo", "--check-address", "--json")

    assert [item.answer["token"][:4] for item in (unasked, free)] == ["sgw_", "sgw_"]
