"""`explain` and `impact`: why a service gets a value, and what a change would do."""

from collections.abc import Iterator, Sequence
from typing import Annotated, Any

import typer

from gateway.cli.client.documents import DEPENDENTS, EXPLANATION, IMPACT
from gateway.cli.client.holders import (
    AtPath,
    ServicePath,
    chosen_holder,
    chosen_service,
    facts_of,
    title_and_id_of,
)
from gateway.cli.client.refusals import NotFound
from gateway.cli.client.secret_rows import Key, own_secret
from gateway.cli.client.transport import Data, connect
from gateway.cli.facts import print_explanation
from gateway.cli.options import AsJson
from gateway.cli.printing import line_of, say, say_json


def explain(
    context: typer.Context,
    key: Annotated[str, typer.Argument(metavar="KEY", help="The key.")],
    service: ServicePath = None,
    *,
    as_json: AsJson = False,
) -> None:
    gateway = connect(context)
    service_id = chosen_service(context, gateway, service)
    data = gateway.run(EXPLANATION, serviceId=service_id, key=key)
    if data["service"] is None or data["explainSecret"] is None:
        message = f"this token sees no service with the id {service_id}."
        raise NotFound(message)
    facts = _explanation(data["service"], data["explainSecret"])
    print_explanation(facts, as_json=as_json)


def _explanation(service: Data, explained: Data) -> dict[str, Any]:
    effective = explained["effective"] or {
        "provenance": None,
        "secret": None,
        "shadows": [],
        "resolvesTo": None,
    }
    winner, target = effective["secret"], effective["resolvesTo"]
    is_own_value = not target or not winner or target["id"] == winner["id"]
    return {
        "service": facts_of(service),
        "key": explained["key"],
        "winner": winner and _secret(winner),
        "provenance": effective["provenance"],
        "value_of": target and target["id"],
        "target": None if is_own_value else _target(target),
        "losers": [_secret(secret) for secret in effective["shadows"]],
        "references": [
            {
                "key": reference["key"],
                "is_resolved": reference["isResolved"],
                "target": reference["resolvesTo"],
            }
            for reference in explained["references"]
        ],
        "absence": explained["absence"],
        "rule": explained["rule"],
        "elsewhere": [_secret(secret) for secret in explained["elsewhere"]],
    }


def _target(target: Data) -> dict[str, str]:
    return {"id": target["id"], "key": target["key"], "variable_type": target["variableType"]}


def _secret(secret: Data) -> dict[str, Any]:
    return {
        "id": secret["id"],
        "variable_type": secret["variableType"],
        "scope": secret["scope"],
        "holder": facts_of(secret["holder"]),
    }


def impact(
    context: typer.Context,
    key: Key,
    at: AtPath = None,
    *,
    of_edit: Annotated[
        bool, typer.Option("--of-edit", help="What another value would do, not a deletion.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    gateway = connect(context)
    secret = own_secret(gateway, chosen_holder(context, gateway, at), key)
    of = "EDIT" if of_edit else "DELETE"
    services = list(gateway.nodes(IMPACT, "secret", "impact", id=secret["id"], of=of))
    dependents = list(gateway.nodes(DEPENDENTS, "secret", "dependents", id=secret["id"]))
    if as_json:
        facts = {
            "secret": {"key": key, **_secret(secret)},
            "services": [{**facts_of(item), "path": _path(item)} for item in services],
            "dependents": [{"key": item["key"], **_secret(item)} for item in dependents],
        }
        say_json(facts)
        return
    for line in _impact_lines(secret, services, dependents, of_edit=of_edit):
        say(line)


def _impact_lines(
    secret: Data, services: Sequence[Data], dependents: Sequence[Data], *, of_edit: bool
) -> Iterator[str]:
    key, what = secret["key"], "another value" if of_edit else "the deletion"
    if not services and not dependents:
        yield f"No service would notice {what} of {key} on {title_and_id_of(secret['holder'])}."
    for item in services:
        yield f"{what} reaches {_path(item)} ({item['id']})"
    for item in dependents:
        kind = item["variableType"].lower().replace("_", " ")
        yield f"it depends on {key}: the {kind} {item['key']} on {title_and_id_of(item['holder'])}"


def _path(service: Data) -> str:
    environment = service["environment"]
    names = environment["project"]["name"], environment["name"], service["name"]
    return line_of("/".join(names))
