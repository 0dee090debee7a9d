"""`login`, `logout`, `whoami`: where a token is kept, and that nobody else sees it."""

import json
import os
import pty
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Final

import pytest

from tests.cli.client.conftest import ROOT, SERVICE, Laptop, printed, run_as_process
from tests.patience import PATIENCE
from tests.servers import LiveServer, command, measured

_BACKEND: Final = "tests.cli.client.keyring_in_file.KeyringInFile"


@pytest.fixture
def laptop(server: LiveServer, stranger: Laptop) -> Laptop:
    """One that has no token yet, and no keyring that works."""
    return stranger.but(url=server.url, execute=run_as_process)


def _tokens(laptop: Laptop) -> Path:
    return laptop.home / ".config" / "secrets-gateway" / "tokens.json"


def test_without_a_token_a_command_says_how_to_get_one(laptop: Laptop) -> None:
    ended = laptop("project", "list")

    assert ended.code == 3
    assert ended.complaint == (
        f"no token is stored for {laptop.url}: run `secrets-gateway login`, or set "
        "SECRETS_GATEWAY_TOKEN."
    )


def test_a_token_is_kept_in_a_file_that_only_its_owner_can_read(
    laptop: Laptop, server: LiveServer
) -> None:
    said = printed(laptop("login", stdin=f"{server.demo['token']}\n"))

    path = _tokens(laptop)
    assert said == f"The token for {laptop.url} is in {path}.\n"
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert printed(laptop("whoami")).splitlines() == [
        f"{laptop.url} accepts the token from {path}.",
        "Projects that it can see: analytics, shop.",
        "It is the token demo of the organization Demo.",
    ]


def test_a_token_is_forgotten(laptop: Laptop, server: LiveServer) -> None:
    laptop("login", stdin=server.demo["token"])

    assert printed(laptop("logout")).startswith(f"The token for {laptop.url} is no longer stored.")
    assert laptop("whoami").code == 3
    assert laptop("logout").complaint == f"no token is stored for {laptop.url}."
    assert server.demo["token"] not in _tokens(laptop).read_text()


def test_a_token_that_the_gateway_refuses_is_not_kept(laptop: Laptop) -> None:
    ended = laptop("login", stdin="sgw_of-nobody")

    assert ended.code == 3
    assert "The token is unknown, expired or revoked" in ended.complaint
    assert not _tokens(laptop).exists()


@pytest.mark.parametrize("text", ["", "two words", "ümlaut", "sgw_x\x07"])
def test_what_is_no_token_is_not_sent(laptop: Laptop, text: str) -> None:
    ended = laptop("login", stdin=text)

    assert ended.code == 1
    assert ended.complaint == ("the token: a token is one line of printable ASCII without spaces.")


def _type(laptop: Laptop, keys: bytes) -> tuple[int, bytes]:
    """Log in at a terminal; return the exit code and what the terminal shows."""
    terminal, other_end = pty.openpty()
    process = subprocess.Popen(
        command("login"),
        env=measured(laptop.environment()),
        cwd=laptop.home,
        stdin=other_end,
        stdout=other_end,
        stderr=other_end,
        start_new_session=True,
    )
    os.close(other_end)
    shown = os.read(terminal, 1_000)
    while not shown.endswith(b"): "):
        shown += os.read(terminal, 1_000)
    os.write(terminal, keys)
    # The end of a terminal whose other end is closed is an error.
    with suppress(OSError):
        while more := os.read(terminal, 1_000):
            shown += more
    os.close(terminal)
    return process.wait(PATIENCE), shown


def test_a_token_is_typed_without_being_shown(laptop: Laptop, server: LiveServer) -> None:
    token = server.demo["token"]

    code, shown = _type(laptop, f"{token}\n".encode())

    assert code == 0
    assert f"Token for {server.url} (from SECRETS_GATEWAY_URL): ".encode() in shown
    assert token.encode() not in shown
    assert token in _tokens(laptop).read_text()


def test_a_token_is_not_piped_to_a_gateway_that_only_a_file_names(
    laptop: Laptop, server: LiveServer
) -> None:
    """Nobody has seen where it goes, and the file can be from somebody else."""
    laptop.pin(f'url = "{server.url}"')
    unnamed = laptop.but(url=None, token=None)

    refused = unnamed("login", stdin=server.demo["token"])

    assert refused.code == 1
    assert f"names {server.url}: confirm it by --url {server.url}." in refused.complaint
    assert unnamed("--url", server.url, "login", stdin=server.demo["token"]).code == 0


def test_a_prompt_that_is_left_ends_the_command(laptop: Laptop) -> None:
    code, shown = _type(laptop, b"\x04")

    assert code == 1
    assert b"no token was given." in shown


@pytest.mark.parametrize("mode", [0o640, 0o604])
def test_a_file_of_tokens_that_others_can_read_is_not_used(
    laptop: Laptop, server: LiveServer, mode: int
) -> None:
    laptop("login", stdin=server.demo["token"])
    _tokens(laptop).chmod(mode)

    ended = laptop("project", "list")

    assert ended.code == 1
    assert ended.complaint.startswith(f"{_tokens(laptop)} is not used: others can read it.")


@pytest.mark.parametrize("content", ["no JSON", "[]"])
def test_a_file_of_tokens_that_is_something_else_is_named(laptop: Laptop, content: str) -> None:
    _tokens(laptop).parent.mkdir(parents=True)
    _tokens(laptop).touch(0o600)
    _tokens(laptop).write_text(content)

    assert laptop("project", "list").complaint == (
        f"{_tokens(laptop)} is not what `secrets-gateway login` writes: delete it."
    )


def test_a_token_belongs_to_one_gateway(laptop: Laptop, server: LiveServer) -> None:
    laptop("login", stdin=server.demo["token"])

    ended = laptop("--url", "https://another.example", "project", "list")

    assert ended.code == 3
    assert ended.complaint.startswith("no token is stored for https://another.example")


def test_a_token_comes_from_a_file(laptop: Laptop, server: LiveServer) -> None:
    path = laptop.home / "token"
    path.write_text(f"{server.demo['token']}\n")

    by_option = laptop("--token-file", str(path), "whoami", "--json", TOKEN="sgw_another")
    by_variable = laptop("whoami", "--json", TOKEN_FILE=str(path))

    assert by_option.answer == by_variable.answer
    assert by_option.answer == {
        "url": laptop.url,
        "token_from": str(path),
        "kind": "token",
        "name": "demo",
        "organization": "Demo",
        "projects": ["analytics", "shop"],
    }


def test_a_file_that_is_not_there_is_named(laptop: Laptop) -> None:
    ended = laptop("--token-file", "missing", "whoami")

    assert ended.code == 1
    assert ended.complaint == "missing: No such file or directory."


def test_a_services_token_sees_its_service_by_name(laptop: Laptop, server: LiveServer) -> None:
    made = laptop(
        *("token", "create", "--name", "pod", "--role", "runtime", "--on", SERVICE, "--json"),
        TOKEN=server.demo["token"],
    )

    said = printed(laptop("whoami", TOKEN=made.answer["token"]))
    codes = [
        laptop("export", "--service", name, "--format", "json", TOKEN=made.answer["token"]).code
        for name in (SERVICE, "shop/production/cart")
    ]

    assert said.splitlines()[1] == "Projects that it can see: shop."
    assert codes == [0, 4]


def test_a_keyring_keeps_the_token_if_one_works(laptop: Laptop, server: LiveServer) -> None:
    token = server.demo["token"]
    with_keyring = {"PYTHON_KEYRING_BACKEND": _BACKEND}

    said = printed(laptop.but(variables=with_keyring)("login", stdin=token))

    assert said == f"The token for {laptop.url} is in the keyring.\n"
    assert json.loads(_tokens(laptop).read_text()) == {laptop.url: ""}
    known = laptop.but(variables=with_keyring)
    assert known("whoami", "--json").answer["token_from"] == "keyring"
    (laptop.home / "locked").touch()
    assert known("whoami").complaint == (
        f"the keyring does not give the token for {laptop.url}: unlock it."
    )
    (laptop.home / "locked").unlink()
    assert known("logout").code == 0
    assert json.loads((laptop.home / "keyring.json").read_text()) == {}


def test_a_keyring_that_forgets_does_not_keep_the_token(laptop: Laptop, server: LiveServer) -> None:
    forgetful = laptop.but(variables={"PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"})

    assert str(_tokens(laptop)) in printed(forgetful("login", stdin=server.demo["token"]))


@pytest.fixture
def bare(laptop: Laptop) -> Laptop:
    """One without the library for keyrings."""
    folder = laptop.home / "without"
    folder.mkdir()
    (folder / "keyring.py").write_text("raise ImportError")
    return laptop.but(variables={"PYTHONPATH": f"{folder}{os.pathsep}{ROOT}"})


def test_without_the_library_for_keyrings_a_token_is_in_the_file(
    bare: Laptop, server: LiveServer
) -> None:
    bare("login", stdin=server.demo["token"])

    assert json.loads(_tokens(bare).read_text()) == {bare.url: server.demo["token"]}


def test_a_token_in_a_keyring_needs_the_library(bare: Laptop) -> None:
    _tokens(bare).parent.mkdir(parents=True)
    _tokens(bare).touch(0o600)
    _tokens(bare).write_text(json.dumps({bare.url: ""}))

    ended = bare("whoami")

    assert ended.code == 3
    assert ended.complaint.endswith("install the package keyring to reach it.")


def test_a_secret_keeps_its_token_and_its_value_off_the_arguments(laptop: Laptop) -> None:
    """There is no option for either."""
    for arguments in (("login", "sgw_x"), ("secret", "set", "KEY", "value")):
        ended = laptop(*arguments)

        assert ended.code == 2
        assert ended.complaint == "Got more arguments than this command has."
