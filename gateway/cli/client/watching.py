"""`watch`: the keys for which a service gets something else, as they change."""

from typing import Annotated

import typer

from gateway.cli.client.documents import EFFECTIVE_CHANGES
from gateway.cli.client.holders import ServicePath, chosen_service
from gateway.cli.client.transport import connect
from gateway.cli.printing import line_of, say, say_json


def watch(
    context: typer.Context,
    service: ServicePath = None,
    *,
    once: Annotated[bool, typer.Option("--once", help="End after the first change.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False,
) -> None:
    gateway = connect(context)
    service_id = chosen_service(context, gateway, service)
    for event in gateway.events(EFFECTIVE_CHANGES, serviceId=service_id):
        change = event["effectiveSecretsChanged"]
        keys, more = change["keys"], change["hasMoreKeys"]
        if as_json:
            say_json({"at": change["at"], "keys": keys, "has_more_keys": more})
        else:
            say(f"{change['at']}  {line_of(', '.join(keys))}{' and more' if more else ''}")
        if once:
            return
