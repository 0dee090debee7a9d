"""`diff`: what two services get, compared by fingerprints, so that no value leaves the gateway."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated

import typer

from gateway.cli.client.documents import FINGERPRINTS
from gateway.cli.client.holders import chosen_service
from gateway.cli.client.transport import Gateway, connect
from gateway.cli.options import AsJson
from gateway.cli.printing import counted, line_of, say, say_json

First = Annotated[str, typer.Argument(metavar="SERVICE", help="PROJECT/ENVIRONMENT/SERVICE or id.")]
Second = Annotated[str, typer.Argument(metavar="OTHER", help="The service to compare it with.")]


@dataclass(frozen=True, slots=True)
class _Fingerprints:
    """What a service gets: a keyed hash for each key, with the key of its project."""

    project_id: str
    by_key: Mapping[str, str]


def compare(
    context: typer.Context, service: First, other: Second, *, as_json: AsJson = False
) -> None:
    gateway = connect(context)
    first, second = (
        _fingerprints(gateway, chosen_service(context, gateway, text)) for text in (service, other)
    )
    keys, others = first.by_key.keys(), second.by_key.keys()
    # Equal texts of two projects have different fingerprints.
    is_comparable = first.project_id == second.project_id
    same = {key for key in keys & others if first.by_key[key] == second.by_key[key]}
    facts = {
        "only_in_first": sorted(keys - others),
        "only_in_second": sorted(others - keys),
        "different": sorted(keys & others - same) if is_comparable else None,
        "same": sorted(same) if is_comparable else None,
    }
    if as_json:
        say_json(facts)
        return
    for line in _lines(facts, service, other, shared=len(keys & others)):
        say(line)


def _fingerprints(gateway: Gateway, service_id: str) -> _Fingerprints:
    data = gateway.run(FINGERPRINTS, serviceId=service_id)
    by_key = {row["key"]: row["fingerprint"] for row in data["runtimeSecrets"]}
    service = data["service"]
    return _Fingerprints(service["environment"]["project"]["id"] if service else service_id, by_key)


def _lines(
    facts: Mapping[str, list[str] | None], service: str, other: str, *, shared: int
) -> Iterator[str]:
    for name, only in ((service, "only_in_first"), (other, "only_in_second")):
        for key in facts[only] or ():
            yield f"only {line_of(name)} gets {key}"
    for key in facts["different"] or ():
        yield f"they get different values for {key}"
    if facts["same"] is None:
        yield f"{counted(shared, 'key')} in both; values of two projects cannot be compared."
    else:
        yield f"{counted(len(facts['same']), 'key')} with the same value."
