"""`secret search` and `secret copy`: find secrets in all projects, and take one elsewhere."""

import re
from collections.abc import Iterator
from datetime import datetime
from fnmatch import translate
from typing import Annotated

import typer

from gateway.cli.client.deliveries import fetch
from gateway.cli.client.documents import SEARCH
from gateway.cli.client.holders import FORMS, ServicePath, chosen_service, holder_at
from gateway.cli.client.refusals import NotFound
from gateway.cli.client.secret_rows import (
    Key,
    UnusedSince,
    day_of,
    report_secret,
    secret_facts,
    type_of,
)
from gateway.cli.client.secrets import create_secret
from gateway.cli.client.transport import Data, Gateway, connect
from gateway.cli.options import AsJson, DryRun, OnUnresolved
from gateway.cli.printing import complain, line_of, say_json, say_table
from gateway.domain.interpolation import escaped

Pattern = Annotated[
    str, typer.Argument(metavar="PATTERN", help="A key; * is any text, and ? any character.")
]


def search_secrets(
    context: typer.Context,
    pattern: Pattern,
    *,
    unused_since: UnusedSince = None,
    as_json: AsJson = False,
) -> None:
    matching = _matching(connect(context), pattern, unused_since)
    found = [(_path(secret["at"]), secret) for secret in matching]
    if as_json:
        say_json({"secrets": [{**secret_facts(secret), "path": path} for path, secret in found]})
        return
    rows = [
        (secret["key"], type_of(secret), line_of(path), day_of(secret), secret["id"])
        for path, secret in found
    ]
    say_table([("KEY", "TYPE", "HOLDER", "CHANGED", "ID"), *rows])


def _matching(gateway: Gateway, pattern: str, unused_since: datetime | None) -> Iterator[Data]:
    """Yield each secret whose key matches; the gateway looks for the longest literal part."""
    matches = re.compile(translate(pattern)).match
    part = max(re.split(r"[*?]|\[.*?\]", pattern), key=len)
    filters = {"keyContains": part} if part else {}
    if unused_since:
        filters["unusedSince"] = unused_since.isoformat()
    for secret in gateway.nodes(SEARCH, "secrets", filter=filters):
        if matches(secret["key"]):
            yield secret


def _path(holder: Data) -> str:
    """Return a holder's names, from its project on."""
    above = holder.get("environment") or holder.get("project")
    return f"{_path(above)}/{holder['name']}" if above else str(holder["name"])


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
