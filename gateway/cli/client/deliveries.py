"""`run` and `secret get`: what a service gets, from the API."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Annotated

import typer

from gateway.cli.client.documents import DELIVERY, DELIVERY_IF_CHANGED
from gateway.cli.client.holders import ServicePath, chosen_service
from gateway.cli.client.refusals import NotFound
from gateway.cli.client.transport import Data, Gateway, connect
from gateway.cli.delivered import Delivered
from gateway.cli.launching import Command, FilesIn, holding_signals, run_with
from gateway.cli.options import OnUnresolved, WhenUnresolved
from gateway.cli.printing import Refused, line_of
from gateway.domain.content import ensure_mount_path, is_key
from gateway.domain.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class _File:
    mount_path: str
    content: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Secret:
    key: str
    value: str = field(repr=False)
    file: _File | None = None


class UnfitDelivery(Refused):
    def __init__(self) -> None:
        super().__init__("this is not the answer of a gateway: no secret is like what it delivers.")


def run_command(
    context: typer.Context,
    command: Command,
    service: ServicePath = None,
    files_in: FilesIn = None,
    on_unresolved: WhenUnresolved = OnUnresolved.KEEP,
    *,
    watch: Annotated[
        bool, typer.Option("--watch", help="Restart the command when what it gets has changed.")
    ] = False,
    every: Annotated[
        int, typer.Option("--every", min=1, help="With --watch: seconds between two looks.")
    ] = 15,
) -> None:
    gateway = connect(context)
    service_id = chosen_service(context, gateway, service)
    if watch:
        from gateway.cli.client.watching import run_watched  # noqa: PLC0415 - few runs need it

        deliver = partial(fetch_if_changed, gateway, service_id, on_unresolved)
        raise typer.Exit(run_watched(deliver, service_id, command, files_in, every))
    secrets = fetch(gateway, service_id, on_unresolved)
    with holding_signals() as mask:
        status = run_with(Delivered(service_id, secrets), command, mask, files_in)
    raise typer.Exit(status)


def get_secret(
    context: typer.Context,
    key: Annotated[str, typer.Argument(metavar="KEY", help="The key.")],
    service: ServicePath = None,
    on_unresolved: WhenUnresolved = OnUnresolved.KEEP,
) -> None:
    gateway = connect(context)
    service_id = chosen_service(context, gateway, service)
    for secret in fetch(gateway, service_id, on_unresolved, key):
        # The text alone, byte by byte; a terminal gets a line end after it.
        text = secret.file.content if secret.file else secret.value
        typer.echo(text.encode(), nl=sys.stdout.isatty())
        return
    message = f"the service gets no {line_of(key)}."
    raise NotFound(message)


def fetch(
    gateway: Gateway, service_id: str, on_unresolved: OnUnresolved, key: str | None = None
) -> Sequence[_Secret]:
    data = gateway.run(
        DELIVERY,
        serviceId=service_id,
        keys=None if key is None else [key],
        onUnresolved=on_unresolved.upper(),
    )
    return [_checked(row) for row in data["runtimeSecrets"]]


@dataclass(frozen=True, slots=True)
class Versioned:
    """What a service gets, with a tag that changes with it."""

    secrets: Sequence[_Secret] = field(repr=False)
    tag: str


def fetch_if_changed(
    gateway: Gateway, service_id: str, on_unresolved: OnUnresolved, tag: str | None = None
) -> Versioned | None:
    """Return what a service gets; None if the tag is still its own, which is no delivery."""
    data = gateway.run(
        DELIVERY_IF_CHANGED, serviceId=service_id, onUnresolved=on_unresolved.upper(), tag=tag
    )["delivery"]
    if data["isUnchanged"]:
        return None
    return Versioned([_checked(row) for row in data["secrets"]], f'"{data["fingerprint"]}"')


def _checked(row: Data) -> _Secret:
    """Return a delivered secret, if it is one that a gateway can deliver.

    A key becomes a part of what a shell runs, and a mount path a file of this machine.

    Raises:
        UnfitDelivery: if it is not.

    """
    key, value, file = row["key"], row["value"], row["file"]
    if not (_is_text(key) and is_key(key) and _is_text(value)):
        raise UnfitDelivery
    return _Secret(key, value, None if file is None else _checked_file(file))


def _checked_file(file: Data) -> _File:
    path, content = file["mountPath"], file["content"]
    if not (_is_text(path) and _is_text(content)):
        raise UnfitDelivery
    try:
        ensure_mount_path(path)
    except InvalidInput:
        raise UnfitDelivery from None
    return _File(path, content)


def _is_text(value: object) -> bool:
    """Return whether it can be a variable's value or a file's content."""
    if not isinstance(value, str) or "\0" in value:
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
