"""`login`, `logout` and `whoami`: the token for a gateway."""

import getpass
import os
import sys
from typing import Annotated

import typer

from gateway.cli.client.address import Address
from gateway.cli.client.credentials import Credential, TokenStore, fit_token
from gateway.cli.client.documents import PROJECTS, VIEWER
from gateway.cli.client.refusals import RefusedByGateway
from gateway.cli.client.stored_tokens import StoredToken
from gateway.cli.client.transport import Gateway, address_of, connect
from gateway.cli.options import AsJson
from gateway.cli.printing import Refused, line_of, say, say_json
from gateway.domain.errors import ErrorCode

Issuer = Annotated[
    str | None,
    typer.Option(
        "--issuer",
        metavar="URL",
        help="Sign in at this OpenID Connect issuer, by a code that a browser confirms.",
    ),
]
ClientId = Annotated[
    str, typer.Option("--client-id", help="What the issuer calls this program; with --issuer.")
]
TokenScope = Annotated[str, typer.Option("--scope", help="What is asked of the issuer.")]
Audience = Annotated[
    str | None,
    typer.Option("--audience", help="The `aud` that the gateway accepts, for issuers that ask."),
]


def login(
    context: typer.Context,
    issuer: Issuer = None,
    client_id: ClientId = "secrets-gateway",
    scope: TokenScope = "openid",
    audience: Audience = None,
) -> None:
    address = address_of(context)
    if issuer is None:
        stored = StoredToken(token=fit_token(_read_token(address), "the token"))
    else:
        from gateway.cli.client.device_flow import DeviceLogin  # noqa: PLC0415 - few sign in so

        _ensure_confirmed(address)
        device = DeviceLogin(issuer=issuer, client_id=client_id, scope=scope, audience=audience)
        stored = device.obtain_token()
    _visible_projects(Gateway(address, Credential(stored.token, "login")))
    kept_in = TokenStore.of_user(os.environ).store(address.url, stored)
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
    source, viewer = gateway.credential.source, gateway.run(VIEWER)["viewer"]
    kind, name = viewer["kind"].lower(), viewer["name"]
    organization = viewer["organization"]["name"]
    if as_json:
        facts = {"kind": kind, "name": name, "organization": organization, "projects": projects}
        say_json({"url": gateway.address.url, "token_from": source, **facts})
        return
    seen = ", ".join(map(line_of, projects)) or "none"
    say(f"{gateway.address.url} accepts the token from {source}.")
    say(f"Projects that it can see: {seen}.")
    say(f"It is the {kind} {line_of(name)} of the organization {line_of(organization)}.")


def _ensure_confirmed(address: Address) -> None:
    """Refuse a URL that nobody has seen yet: the file that names it can be from somebody else.

    Raises:
        Refused: saying how to confirm it.

    """
    if address.is_pinned:
        message = f"{address.source} names {address.url}: confirm it by --url {address.url}."
        raise Refused(message)


def _read_token(address: Address) -> str:
    if not sys.stdin.isatty():
        _ensure_confirmed(address)
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
