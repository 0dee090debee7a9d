"""`run` and `export`: what a service gets, from the database of this host."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

import typer

from gateway.cli.delivered import Delivered
from gateway.cli.host_options import HolderToExport
from gateway.cli.launching import Command, FilesIn, holding_signals, run_with
from gateway.cli.options import (
    OnUnresolved,
    ServiceId,
    ServiceToExport,
    WhenUnresolved,
)
from gateway.cli.printing import Refused, complain, counted, title_and_id_of
from gateway.cli.renderings import ExportFormat, ManifestName, ensure_takes_name, print_export
from gateway.cli.running import NotAService, run, service_of
from gateway.domain.drafts import HolderReference
from gateway.domain.holders import Holder
from gateway.domain.interpolation import UnresolvedReference
from gateway.domain.principals import Principal
from gateway.domain.refusals import HolderNotFound
from gateway.domain.scopes import HOLDER_SCOPES, Scope
from gateway.runtime import Runtime
from gateway.services.delivery import refuse_unresolved

# What a holder that is not a service gives to those below it.
_OWN_AND_INHERITED: Final[Mapping[Scope, str]] = {
    Scope.PROJECT: "its own secrets",
    Scope.ENVIRONMENT: "its own secrets and those of its project",
}


def run_command(
    service: ServiceId,
    command: Command,
    files_in: FilesIn = None,
    on_unresolved: WhenUnresolved = OnUnresolved.KEEP,
) -> None:
    # From before the gateway opens, so that its threads hold signals back as well: one that did
    # not would get what is meant for this one.
    with holding_signals() as mask:
        delivered = delivered_to(service, on_unresolved)
        status = run_with(delivered, command, mask, files_in)
    raise typer.Exit(status)


def export(
    *,
    service: ServiceToExport = None,
    holder: HolderToExport = None,
    form: ExportFormat,
    name: ManifestName = None,
    on_unresolved: WhenUnresolved = OnUnresolved.KEEP,
) -> None:
    ensure_takes_name(form, name)
    print_export(_delivered(service, holder, on_unresolved), form, name)


def _delivered(
    service: str | None, holder: HolderReference | None, on_unresolved: OnUnresolved
) -> Delivered:
    if service is not None and holder is None:
        try:
            return delivered_to(service, on_unresolved)
        except NotAService as refused:
            message = f"{refused} --holder exports a project or an environment."
            raise Refused(message) from None
    if holder is not None and service is None:
        return delivered_at(holder, on_unresolved)
    message = "give one of --service and --holder."
    raise typer.BadParameter(message)


def delivered_to(service_id: str, on_unresolved: OnUnresolved = OnUnresolved.KEEP) -> Delivered:
    """Return what a service gets; complain of references that are unresolved, or fail.

    Raises:
        NotAService: for the id of something else.
        HolderNotFound: for the id of nothing.
        UnresolvedReferences: if there are some, and that is not to be kept.

    """

    async def deliver(runtime: Runtime) -> Delivered:
        service = await service_of(runtime, service_id)
        return await _deliver(runtime, service, on_unresolved)

    return run(deliver)


def delivered_at(at: HolderReference, on_unresolved: OnUnresolved = OnUnresolved.KEEP) -> Delivered:
    """Return what a holder of any kind gets: its own secrets and those that it inherits.

    Raises:
        HolderNotFound: if no holder of that kind has the id.
        UnresolvedReferences: as for a service.

    """

    async def deliver(runtime: Runtime) -> Delivered:
        holder = await runtime.operator.directory.holder(holder_id=at.id)
        if holder.kind is not at.scope:
            raise HolderNotFound(at.scope, at.id)
        return await _deliver(runtime, holder, on_unresolved)

    return run(deliver)


async def _deliver(runtime: Runtime, holder: Holder, on_unresolved: OnUnresolved) -> Delivered:
    check = refuse_unresolved if on_unresolved is OnUnresolved.FAIL else _complain_of
    async with runtime.database.read() as unit:
        delivered = await runtime.services.for_principal(
            Principal.operator(holder.organization_id), unit
        ).delivery.runtime_secrets(service_id=holder.id, kinds=HOLDER_SCOPES, check=check)
    part = _OWN_AND_INHERITED.get(holder.kind)
    note = f"{title_and_id_of(holder)} is not a service: these are {part}." if part else ""
    return Delivered(holder.name, delivered.secrets, note)


def _complain_of(found: Sequence[UnresolvedReference]) -> None:
    # A name in braces may be part of a value, and this may end up in a log.
    for key, count in sorted(Counter(item.key for item in found).items()):
        verb = "leads" if count == 1 else "lead"
        complain(
            f"{key}: {counted(count, 'reference')} {verb} to no key of the service, or into a "
            "cycle, and stays as it is written; --on-unresolved fail names it."
        )
