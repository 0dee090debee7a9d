"""`run`: a command with what a service gets."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.children import holding_signals, run_child
from gateway.cli.delivered import delivered_to
from gateway.cli.options import OnUnresolved, ServiceId, WhenUnresolved
from gateway.cli.private_files import private_files
from gateway.settings import PREFIX


def run_command(
    service: ServiceId,
    command: Annotated[list[str], typer.Argument(help="The command and its arguments, after --.")],
    files_in: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help=(
                "Folder in which the private folder for files is made; the system's temporary "
                "folder if not set."
            ),
        ),
    ] = None,
    on_unresolved: WhenUnresolved = OnUnresolved.KEEP,
) -> None:
    # From before the gateway opens, so that its threads hold signals back as well: one that did
    # not would get what is meant for this one.
    with holding_signals() as mask:
        delivered = delivered_to(service, on_unresolved)
        with private_files(delivered.files, within=files_in) as paths:
            environment = _inherit() | _encode(delivered.variables) | _encode(paths)
            status = run_child(command, environment, mask)
    raise typer.Exit(status)


def _inherit() -> dict[bytes, bytes]:
    # The gateway's own settings, its key among them, are not the command's. They are read in any
    # case of letters, so they are left out in any.
    prefix = PREFIX.encode()
    return {
        name: value for name, value in os.environb.items() if not name.upper().startswith(prefix)
    }


def _encode(variables: Mapping[str, str]) -> dict[bytes, bytes]:
    # UTF-8 whatever the locale: a value is delivered as it was stored.
    return {key.encode(): value.encode() for key, value in variables.items()}
