"""Commands before a server: its database, a demo, and whether it could start and listen."""

import asyncio
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, replace
from errno import EACCES, EADDRINUSE
from pathlib import Path
from socket import AI_PASSIVE, SO_REUSEADDR, SOCK_STREAM, SOL_SOCKET, gaierror, getaddrinfo, socket
from typing import Annotated, Final

import typer

from gateway.cli.options import AsJson
from gateway.cli.printing import Refused, complain, counted, say
from gateway.cli.running import nothing, run, settings
from gateway.config.former_names import PREFIX, renaming_notice
from gateway.config.production_checks import ensure_consistent
from gateway.config.settings import Settings, unknown_variables
from gateway.config.settings_file import former_names_in_use
from gateway.domain.errors import RefusedStart
from gateway.ops.doctor import ensure_issuers_can_be_asked
from gateway.ops.recovery import database_file
from gateway.runtime import Runtime, migrate_database
from gateway.services.demo import Demo, ensure_demo, free_keys
from gateway.services.operator.references import EscapedValue

_MUTATION: Final = (
    "mutation ($jobId: ID!, $secretId: ID!, $key: String!) { createJobSecretAlias(jobId: $jobId, "
    "secretId: $secretId, input: {key: $key}) { secret { id key scope "
    "aliasedSecret { key scope } } errors { code message path } } }"
)


def showcase(demo: Demo, *, address: str, keys: Sequence[str]) -> str:
    """Return the text. `address` is the server's; `keys` are two unused keys."""
    graphql_key, rest_key = keys
    return f"""
  The demo is ready. Its token, for 30 days:

      {demo.token}

  GraphiQL   {address}/graphiql?serviceId={demo.job_id}
  Map        {address}/map/{demo.job_id}

  An alias over GraphQL: the job gets its database's password under a name of its own.

{_graphql_call(demo, address, graphql_key)}

  The same over the original REST path:

{_rest_call(demo, address, rest_key)}
"""


def _graphql_call(demo: Demo, address: str, key: str) -> str:
    variables = {"jobId": demo.job_id, "secretId": demo.built_in_secret_id, "key": key}
    body = json.dumps({"query": _MUTATION, "variables": variables})
    return _curl(f"{address}/graphql", f"Bearer {demo.token}", body)


def _rest_call(demo: Demo, address: str, key: str) -> str:
    path = f"/job/{demo.job_id}/secret/{demo.built_in_secret_id}/alias"
    return _curl(f"{address}{path}", f"Token {demo.token}", json.dumps({"key": key}))


def _curl(url: str, authorization: str, body: str) -> str:
    return (
        f"curl -sS '{url}' \\\n"
        f"  -H 'Authorization: {authorization}' \\\n"
        "  -H 'Content-Type: application/json' \\\n"
        f"  -d '{body}'"
    )


def migrate() -> None:
    read = settings()
    asyncio.run(migrate_database(read))
    try:
        asyncio.run(_read_older_values(read))
    except RefusedStart as refused:
        complain(f"Values are read when the gateway starts for the first time. {refused}")


async def _read_older_values(read: Settings) -> None:
    runtime = replace(Runtime.over(read), report=_say_escaped)
    async with runtime.database:
        is_fresh = await runtime.is_fresh()
    if is_fresh:
        return
    # The start reads them.
    async with runtime.running():
        pass


def _say_escaped(found: EscapedValue) -> None:
    say(
        rf"secret {found.secret_id} at {found.holder_id}, {found.key}: contains \{{{{, and a "
        "backslash before two braces is removed from now on when it is delivered."
    )


def check(
    documents: Annotated[
        list[Path] | None,
        typer.Option(
            help="Look at this manifest of trusted documents alone; may be given several times.",
            dir_okay=False,
        ),
    ] = None,
) -> None:
    if documents:
        _check_documents(documents)
        return
    ensure_startable(settings())
    say("All is well.")


def demo(
    *,
    check_address: Annotated[
        bool,
        typer.Option(
            "--check-address", help="Refuse if `serve` could not listen at the settings' address."
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    read = settings()
    if check_address:
        ensure_free(read.host, read.port)
    if _is_new(read):
        asyncio.run(migrate_database(read))

    async def make(runtime: Runtime) -> str:
        made = await ensure_demo(runtime.services, runtime.operator, runtime.database)
        if as_json:
            return json.dumps(asdict(made))
        keys = await free_keys(runtime.database, made.job_id, stem="DATABASE_PASSWORD", count=2)
        return showcase(made, address=f"http://{read.host}:{read.port}", keys=keys)

    say(run(make))


def _check_documents(manifests: Sequence[Path]) -> None:
    from gateway.app import gateway_schema  # noqa: PLC0415 - other commands need no schema
    from gateway.graphql.trusted_documents import runnable_manifest  # noqa: PLC0415 - as above

    types, depth = gateway_schema().types, settings().max_document_depth
    count = sum(len(runnable_manifest(path, types, depth=depth)) for path in manifests)
    say(f"{counted(count, 'trusted document')} can be run here.")


def ensure_startable(read: Settings) -> None:
    """Open the gateway and close it again.

    Raises:
        RefusedStart: if something is not as it must be; the message says what to do.

    """
    for name in unknown_variables():
        complain(f"{name} is no setting, and does nothing.")
    for old, new in former_names_in_use().items():
        complain(renaming_notice(old, new))
    ensure_consistent(read)
    if read.trusted_documents:
        _ensure_documents(read)
    asyncio.run(ensure_issuers_can_be_asked(read))
    run(nothing)


def _ensure_documents(read: Settings) -> None:
    from gateway.app import trusted_documents  # noqa: PLC0415 - as above

    trusted_documents(read)


def _is_new(read: Settings) -> bool:
    # A key file without its database is no new installation, but one that lost something.
    return not (database_file(read).exists() or read.resolved_key_file.exists())


_ABOUT_PORT: Final = frozenset({EADDRINUSE, EACCES})


class CannotListen(Refused):
    def __init__(self, host: str, port: int, reason: str, setting: str) -> None:
        super().__init__(
            f"cannot listen at {host}:{port}: {reason}. Choose another {setting} with "
            f"{PREFIX}{setting.upper()}."
        )


def ensure_free(host: str, port: int, *, prefix: str = "") -> None:
    """Refuse an address at which no server can listen now.

    Raises:
        CannotListen: naming the setting that chooses another; `prefix` is how its name begins.

    """
    try:
        found = getaddrinfo(host, port, type=SOCK_STREAM, flags=AI_PASSIVE)
    except gaierror as error:
        reason = error.strerror or "no such host"
        raise CannotListen(host, port, reason, f"{prefix}host") from None
    faults = [fault for item in found if (fault := _fault(item[0], item[4]))]
    # A name can have an address of a kind that this machine does not use.
    about_port = [fault for fault in faults if fault in _ABOUT_PORT]
    if about_port or len(faults) == len(found):
        fault = (about_port or faults)[0]
        setting = "port" if about_port else "host"
        raise CannotListen(host, port, os.strerror(fault).lower(), f"{prefix}{setting}")


def _fault(family: int, address: tuple[object, ...]) -> int | None:
    """Return the number of the error with which the system refuses an address, if it does."""
    try:
        with socket(family, SOCK_STREAM) as tried:
            # As the server does: connections of an earlier one that are being closed do not count.
            tried.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)
            tried.bind(address)
    except OSError as error:
        return error.errno
    return None
