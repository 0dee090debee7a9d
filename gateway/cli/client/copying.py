"""`secret copy`: what a service gets under a key, as a new secret elsewhere."""

from typing import Annotated

import typer

from gateway.cli.client.deliveries import fetch
from gateway.cli.client.holders import FORMS, ServicePath, chosen_service, holder_at
from gateway.cli.client.refusals import NotFound
from gateway.cli.client.secret_rows import Key, report_secret
from gateway.cli.client.secrets import create_secret
from gateway.cli.client.transport import connect
from gateway.cli.options import AsJson, DryRun, OnUnresolved
from gateway.cli.printing import complain, line_of
from gateway.domain.interpolation import escaped

Destination = Annotated[
    str, typer.Option("--to", metavar="HOLDER", help=f"Where the copy is made: {FORMS}.")
]
KeyOfCopy = Annotated[
    str | None, typer.Option("--as", metavar="KEY", help="The copy's key; the same if not given.")
]


def copy_secret(
    context: typer.Context,
    key: Key,
    to: Destination,
    service: ServicePath = None,
    new_key: KeyOfCopy = None,
    *,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    gateway = connect(context)
    destination = holder_at(gateway, to)
    service_id = chosen_service(context, gateway, service)
    delivered = fetch(gateway, service_id, OnUnresolved.FAIL, key)
    if not delivered:
        message = f"the service gets no {line_of(key)}."
        raise NotFound(message)
    (secret,) = delivered
    # What was resolved must not be resolved again.
    draft: dict[str, object] = {"key": new_key or key, "value": escaped(secret.value)}
    if file := secret.file:
        draft |= {"value": file.content, "mountPath": file.mount_path}
        draft["enableInterpolationInFile"] = False
    payload = create_secret(gateway, destination, draft, dry_run=dry_run)
    # It is read as any other value is, and written as any other: no link is left between the two.
    complain("the value was read as the service gets it; the audit log records a delivery.")
    report_secret("created copy", payload, dry_run=dry_run, as_json=as_json)
