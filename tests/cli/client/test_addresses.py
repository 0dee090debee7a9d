"""Which gateway a command works with, and what the working folder can say about it."""

import os
import re
from pathlib import Path
from typing import Final

import pytest

from gateway.cli.client.address import (
    Address,
    Choice,
    Pinned,
    ProgramOptions,
    UnfitUrl,
    choose,
)
from gateway.cli.commands import COMMANDS
from tests.cli.client.canned import CannedGateway
from tests.cli.client.conftest import SERVICE, Laptop, printed

URL: Final = "https://gateway.example"
_NO_HOST: Final = "the URL must begin with https:// and a host."
_MORE: Final = "the URL must have only a host, a port and a path."
_CLEAR: Final = "http would send the token and values in clear: use https, or --allow-http."
UNFIT: Final = {
    "gateway.example": _NO_HOST,
    "ftp://gateway.example": _NO_HOST,
    "https://": _NO_HOST,
    "https://user@gateway.example": _MORE,
    "https://gateway.example?token=x": _MORE,
    "https://gateway.example#x": _MORE,
    "https://gateway.example/a\x1bb": _MORE,
    "https://gateway.example:port": "this is not a URL.",
    "http://gateway.example": _CLEAR,
    "http://localhost.example": _CLEAR,
    "http://10.0.0.1": _CLEAR,
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, which nothing pins."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("options", "variables", "url", "source"),
    [
        (ProgramOptions(url=URL), {"SECRETS_GATEWAY_URL": "https://other"}, URL, "--url"),
        (ProgramOptions(), {"SECRETS_GATEWAY_URL": URL}, URL, "SECRETS_GATEWAY_URL"),
        (ProgramOptions(url="HTTPS://Gateway.Example:8443/base/"), {}, f"{URL}:8443/base", "--url"),
        (ProgramOptions(url="http://localhost:8080"), {}, "http://localhost:8080", "--url"),
        (ProgramOptions(url="http://[::1]:8080"), {}, "http://[::1]:8080", "--url"),
        (ProgramOptions(url="http://a", allows_http=True), {}, "http://a", "--url"),
    ],
)
def test_a_url_is_chosen(
    options: ProgramOptions, variables: dict[str, str], url: str, source: str
) -> None:
    address = choose(options, variables).address

    assert address
    assert (address.url, address.source) == (url, source)


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("options", "variables"),
    [
        (ProgramOptions(), {}),
        (ProgramOptions(), {"SECRETS_GATEWAY_URL": ""}),
        (ProgramOptions(is_local=True), {"SECRETS_GATEWAY_URL": URL}),
    ],
)
def test_without_a_url_commands_work_on_this_host(
    options: ProgramOptions, variables: dict[str, str]
) -> None:
    assert choose(options, variables) == Choice()


def _refusal_of(url: str) -> str:
    with pytest.raises(UnfitUrl) as refused:
        choose(ProgramOptions(url=url), {})
    return str(refused.value)


@pytest.mark.usefixtures("folder")
def test_a_url_that_is_not_fit_is_refused() -> None:
    assert {url: _refusal_of(url).removeprefix("--url: ") for url in UNFIT} == UNFIT


def test_an_address_of_this_host_is_known() -> None:
    expected = {
        "http://127.9.9.9": True,
        "http://[::1]": True,
        "http://localhost": True,
        "http://host": False,
        "http://10.0.0.1": False,
    }

    assert {url: Address(url=url, source="").is_loopback for url in expected} == expected


def test_a_file_above_the_working_folder_pins_a_gateway_and_a_service(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = folder / ".secrets-gateway.toml"
    path.write_text(f'url = "{URL}"\nservice = "{SERVICE}"\n')
    path.chmod(0o644)
    below = folder / "a" / "b"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)

    assert Pinned.here() == Pinned(path=path, url=URL, service=SERVICE)


def test_a_pinned_service_is_the_default(laptop: Laptop) -> None:
    laptop.pin(f'service = "{SERVICE}"\n')

    assert printed(laptop("secret", "get", "SMTP_PASSWORD")) == "demo-bulk-smtp"


@pytest.mark.parametrize("mode", [0o664, 0o646])
def test_a_pinned_file_that_others_can_write_is_refused(laptop: Laptop, mode: int) -> None:
    laptop.pin(f'service = "{SERVICE}"\n', mode)

    ended = laptop("secret", "get", "SMTP_PASSWORD")

    assert ended.code == 1
    assert ".secrets-gateway.toml can be written by others" in ended.complaint


@pytest.mark.parametrize("text", ['token = "sgw_x"\n', "url = 1\n", "[url]\n"])
def test_a_pinned_file_has_a_url_and_a_service_alone(laptop: Laptop, text: str) -> None:
    laptop.pin(text)

    ended = laptop("project", "list")

    assert ended.code == 1
    assert ended.complaint.endswith("only the texts `url` and `service` belong here, no secrets.")


def test_a_pinned_file_must_be_a_file(laptop: Laptop) -> None:
    """Nobody may ever write into a pipe."""
    path = laptop.home / ".secrets-gateway.toml"
    os.mkfifo(path, 0o600)

    ended = laptop("project", "list")

    assert (ended.code, ended.complaint) == (1, f"{path}: it is not a file.")


def test_a_pinned_file_that_is_no_toml_is_refused(laptop: Laptop) -> None:
    laptop.pin("url")

    assert laptop("project", "list").complaint.endswith("the file is not TOML in UTF-8.")


@pytest.mark.parametrize("setting", ["TOKEN", "TOKEN_FILE"])
def test_a_url_of_the_working_folder_gets_no_token_of_the_environment(
    stranger: Laptop, canned: CannedGateway, setting: str
) -> None:
    """Somebody else can have written the file; the control names the URL oneself."""
    path = stranger.home / "token"
    path.write_text("sgw_secret")
    canned.refuse(200, "NOT_FOUND", "Nothing.")
    given = {setting: str(path) if setting == "TOKEN_FILE" else "sgw_secret"}
    stranger.pin(f'url = "{canned.url}"\n')

    refused = stranger("project", "list", **given)
    sent = stranger("--url", canned.url, "project", "list", **given)

    assert refused.code == 3
    assert "another token is sent only to a URL that --url" in refused.complaint
    assert sent.code == 4
    assert len(canned.received) == 1


@pytest.mark.parametrize("command", ["migrate", "keys status", "organization create x"])
def test_a_command_of_the_host_says_so_if_there_is_a_url(laptop: Laptop, command: str) -> None:
    ended = laptop(*command.split())

    name = " ".join(command.split()[:2])
    assert ended.code == 2
    assert ended.complaint == (
        f"`{name}` works on the database of the gateway's own host, and SECRETS_GATEWAY_URL names "
        "a gateway. There, pass --local before the command."
    )


def test_a_command_of_the_host_works_there_whatever_is_set(laptop: Laptop) -> None:
    ended = laptop("--local", "keys", "status")

    assert ended.complaint.startswith("there is no folder ")


@pytest.mark.parametrize("command", ["whoami", "secret list", "login"])
def test_a_command_of_a_client_says_so_without_a_url(stranger: Laptop, command: str) -> None:
    ended = stranger(*command.split())

    assert ended.code == 2
    assert ended.complaint.startswith("this command works over the API of a gateway: give its URL")


def test_the_help_of_a_command_says_where_it_works(laptop: Laptop, stranger: Laptop) -> None:
    remote = " ".join(printed(laptop("run", "--help")).split())
    local = " ".join(printed(stranger("run", "--help")).split())

    assert "It works over the API of http://127.0.0.1:" in remote
    assert "It works on the database of this host; with a gateway's URL" in local


def test_a_command_has_help_wherever_one_is(laptop: Laptop, stranger: Laptop) -> None:
    of_client = " ".join(printed(stranger("secret", "list", "--help")).split())
    of_host = " ".join(printed(laptop("migrate", "--help")).split())

    assert "It works over the API of a gateway, whose URL --url gives" in of_client
    assert of_host.count("It works on the database of this host.") == 1


def test_lists_of_commands_say_where_each_works(stranger: Laptop) -> None:
    _, of_client, of_host, of_both = re.split("─ (?:On|Over) the ", printed(stranger("--help")))

    assert "whoami" in of_client.split()
    assert "migrate" in of_host.split()
    assert "explain" in of_both.split()


def test_every_command_of_a_client_has_help(stranger: Laptop) -> None:
    """Without a connection."""
    names = [name for name, row in COMMANDS.items() if row.remote]
    shown = {name: printed(stranger.but(url=URL)(*name.split(), "--help")) for name in names}

    expected = f"It works over the API of {URL}."
    assert [name for name in names if expected not in " ".join(shown[name].split())] == []


def test_the_token_says_who_one_is(laptop: Laptop) -> None:
    ended = laptop("--as", "Ada", "project", "list")

    assert ended.code == 2
    assert ended.complaint == "Invalid value for --as: over an API, the token says who you are."
