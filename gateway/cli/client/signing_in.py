"""`login`, `logout` and `whoami`: the token for a gateway."""

import getpass
import os
import sys

import typer

from gateway.cli.client.address import Address
from gateway.cli.client.credentials import Credential, TokenStore, fit_token
from gateway.cli.client.documents import PROJECTS
from gateway.cli.client.refusals import RefusedByGateway
from gateway.cli.client.transport import Gateway, address_of, connect
from gateway.cli.options import AsJson
from gateway.cli.printing import Refused, line_of, say, say_json
from gateway.domain.errors import ErrorCode


def login(context: typer.Context) -> None:
    address = address_of(context)
    token = fit_token(_read_token(address), "the token")
    _visible_projects(Gateway(address, Credential(token, "login")))
    kept_in = TokenStore.of_user(os.environ).store(address.url, token)
    say(f"The token for {address.url} is in {kept_in}.")


def logout(context: typer.Context) -> None:
    address = address_of(context)
    if not TokenStore.of_user(os.environ).remove(address.url):
        message = f"no token is stored for {address.url}."
        raise Refused(message)
    say(f"The token for {address.url} is no longer stored. It is still valid: `token revoke` it.")


def whoami(context: typer.Context, *, as_json: AsJson = False) -> None:
    gateway = connect(context)
    projects = _visible_projects(gateway)
    source = gateway.credential.source
    if as_json:
        say_json({"url": gateway.address.url, "token_from": source, "projects": projects})
        return
    seen = ", ".join(map(line_of, projects)) or "none"
    say(f"{gateway.address.url} accepts the token from {source}.")
    say(f"Projects that it can see: {seen}.")


def _read_token(address: Address) -> str:
    if not sys.stdin.isatty():
        if address.is_pinned:
            # Nobody has seen yet where it goes, and the file can be from somebody else.
            message = f"{address.source} names {address.url}: confirm it by --url {address.url}."
            raise Refused(message)
        return sys.stdin.readline()
    try:
        return getpass.getpass(f"Token for {address.url} (from {address.source}): ")
    except EOFError:
        message = "no token was given."
        raise Refused(message) from None


def _visible_projects(gateway: Gateway) -> list[str]:
    """Return the names of the projects that a token sees, which shows that it is valid."""
    try:
        return [row["name"] for row in gateway.nodes(PROJECTS, "projects")]
    except RefusedByGateway as refused:
        if refused.code == ErrorCode.FORBIDDEN:
            # It can only fetch values.
            return []
        raise
