"""Print why a service gets what it gets, from the facts that `--json` prints."""

from collections.abc import Iterator, Mapping
from typing import Any

from gateway.cli.printing import line_of, say, say_json

Facts = Mapping[str, Any]


def print_explanation(facts: Facts, *, as_json: bool) -> None:
    if as_json:
        say_json(facts)
        return
    for line in _lines(facts):
        say(line)


def _lines(facts: Facts) -> Iterator[str]:
    subject = f"{_title(facts['service'])} {{}} {facts['key']}"
    if facts["winner"] is None:
        yield subject.format("does not get") + "."
    else:
        yield subject.format("gets") + f" from {_describe(facts['winner'])}."
        yield from _losers(facts)
    yield f"Rule: {facts['rule']}"
    for secret in facts["elsewhere"]:
        yield f"Elsewhere: {_describe(secret)}."


def _losers(facts: Facts) -> Iterator[str]:
    target = facts["target"]
    if target:
        yield f"The value is that of the {_type(target)} {target['key']} ({target['id']})."
    for reference in facts["references"]:
        yield _refer(reference)
    for secret in facts["losers"]:
        yield f"It hides {_describe(secret)}."


def _refer(reference: Facts) -> str:
    # A name that no visible secret has may be a part of a value, so it has no key here.
    name = f"{{{{{line_of(reference['key'])}}}}}" if reference["key"] else "a name in double braces"
    if not reference["is_resolved"]:
        return f"Its value refers to {name}, which leads to no key of the service: it stays text."
    target = reference["target"]
    return f"Its value refers to {name}" + (f" ({target['id']})." if target else ".")


def _describe(secret: Facts) -> str:
    return f"the {_type(secret)} on {_title(secret['holder'])} ({secret['id']})"


def _title(holder: Facts) -> str:
    return f"{holder['kind'].replace('_', ' ')} {line_of(holder['name'])}"


def _type(secret: Facts) -> str:
    return str(secret["variable_type"]).lower().replace("_", " ")
