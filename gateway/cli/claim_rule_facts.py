"""The options of commands on claim rules, and how they print a rule."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any

import typer

from gateway.cli.facts import role_text
from gateway.cli.printing import line_of, say, say_json

Facts = Mapping[str, Any]

RuleName = Annotated[str, typer.Option("--name", help="Whom the rule is for.")]
RuleIssuer = Annotated[
    str, typer.Option("--issuer", help="The issuer, as its tokens' `iss` has it.")
]
RuleClaims = Annotated[
    list[str],
    typer.Option(
        "--claim",
        metavar="CLAIM=PATTERN",
        help="What a claim must be; * is any part between / : @. Several must all be met.",
    ),
]
RuleId = Annotated[str, typer.Argument(metavar="RULE_ID", help="The rule's id.")]
RuleDays = Annotated[int | None, typer.Option("--days", min=1, help="Days until it ends.")]


def claims_of(texts: Iterable[str]) -> list[tuple[str, str]]:
    """Read `repository_owner_id=1234`."""
    found: list[tuple[str, str]] = []
    for text in texts:
        claim, sign, pattern = text.partition("=")
        if not claim or not sign:
            message = "a condition is CLAIM=PATTERN."
            raise typer.BadParameter(message)
        found.append((claim, pattern))
    return found


def print_rules(rules: Sequence[Facts], *, as_json: bool) -> None:
    if as_json:
        say_json({"claim_rules": rules})
        return
    for rule in rules:
        print_rule(rule, as_json=False)


def print_rule(rule: Facts, *, as_json: bool) -> None:
    if as_json:
        say_json(rule)
        return
    given = role_text(rule["role"], rule["holder"], everywhere=" on the organization")
    conditions = ", ".join(f"{each['claim']}={each['pattern']}" for each in rule["conditions"])
    end = f", until {rule['expires_at'][:16].replace('T', ' ')}" if rule["expires_at"] else ""
    say(f"{rule['id']}  {given} for {line_of(rule['name'])}: {conditions} at {rule['issuer']}{end}")


def print_removed_rule(rule_id: str, *, as_json: bool) -> None:
    if as_json:
        say_json({"id": rule_id})
    else:
        say(f"removed {rule_id}")
