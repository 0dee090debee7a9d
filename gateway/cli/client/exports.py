"""`export`: what a service gets, from the API, as a text for another program."""

import typer

from gateway.cli.client.deliveries import fetch
from gateway.cli.client.documents import HOLDER
from gateway.cli.client.holders import ServicePath, chosen_service
from gateway.cli.client.refusals import RefusedByGateway
from gateway.cli.client.transport import Gateway, connect
from gateway.cli.delivered import Delivered
from gateway.cli.options import OnUnresolved, WhenUnresolved
from gateway.cli.renderings import (
    ExportFormat,
    Format,
    ManifestName,
    ensure_takes_name,
    print_export,
)
from gateway.domain.env_files import kubernetes_name


def export(
    context: typer.Context,
    *,
    service: ServicePath = None,
    form: ExportFormat,
    name: ManifestName = None,
    on_unresolved: WhenUnresolved = OnUnresolved.KEEP,
) -> None:
    ensure_takes_name(form, name)
    gateway = connect(context)
    service_id = chosen_service(context, gateway, service)
    if form is Format.K8S and name is None:
        name = kubernetes_name(_name_of(gateway, service_id))
    delivered = Delivered(service_id, fetch(gateway, service_id, on_unresolved))
    print_export(delivered, form, name)


def _name_of(gateway: Gateway, service_id: str) -> str:
    try:
        found = gateway.run(HOLDER, id=service_id)["node"]
    except RefusedByGateway as refused:
        refused.add_hint("The manifest's --name makes it needless.")
        raise
    return str(found["name"]) if found else ""
