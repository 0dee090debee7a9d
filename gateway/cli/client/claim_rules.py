"""`claim-rule …`, over the API."""

from typing import Any

import typer

from gateway.cli.claim_rule_facts import (
    RuleClaims,
    RuleDays,
    RuleId,
    RuleIssuer,
    RuleName,
    claims_of,
    print_removed_rule,
    print_rule,
    print_rules,
)
from gateway.cli.client.documents import CLAIM_RULES, CREATE_CLAIM_RULE, DELETE_CLAIM_RULE
from gateway.cli.client.holders import OnPath, argument_of, facts_of, holder_at
from gateway.cli.client.transport import Data, connect
from gateway.cli.facts import GrantedRole
from gateway.cli.options import AsJson


def add_rule(
    context: typer.Context,
    name: RuleName,
    issuer: RuleIssuer,
    role: GrantedRole,
    *,
    claim: RuleClaims,
    days: RuleDays = None,
    on: OnPath = None,
    as_json: AsJson = False,
) -> None:
    conditions = [{"claim": name, "pattern": pattern} for name, pattern in claims_of(claim)]
    gateway = connect(context)
    made = gateway.change(
        CREATE_CLAIM_RULE,
        name=name,
        issuer=issuer,
        conditions=conditions,
        role=role.upper(),
        holder=None if on is None else argument_of(holder_at(gateway, on)),
        days=days,
    )
    print_rule(_facts(made["claimRule"]), as_json=as_json)


def list_rules(context: typer.Context, *, as_json: AsJson = False) -> None:
    rules = connect(context).nodes(CLAIM_RULES, "claimRules")
    print_rules([_facts(rule) for rule in rules], as_json=as_json)


def remove_rule(context: typer.Context, rule_id: RuleId, *, as_json: AsJson = False) -> None:
    connect(context).change(DELETE_CLAIM_RULE, id=rule_id)
    print_removed_rule(rule_id, as_json=as_json)


def _facts(rule: Data) -> dict[str, Any]:
    holder = facts_of(rule["holder"]) if rule["holder"] else None
    return {
        "id": rule["id"],
        "name": rule["name"],
        "issuer": rule["issuer"],
        "conditions": rule["conditions"],
        "role": rule["role"].lower(),
        "on": holder and f"{holder['kind']}:{holder['id']}",
        "holder": holder,
        "expires_at": rule["expiresAt"],
    }
