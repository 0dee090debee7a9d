"""`claim-rule add`, `list` and `remove` on the database of this host."""

from typing import Any

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
from gateway.cli.facts import GrantedRole
from gateway.cli.host_options import OnHolder
from gateway.cli.options import AsJson, OrganizationName
from gateway.cli.printing import holder_facts
from gateway.cli.running import operator_of, run
from gateway.domain.claim_rules import ClaimCondition, ClaimRule
from gateway.domain.pages import MAX_PAGE_SIZE, Window
from gateway.runtime import Runtime
from gateway.services.tokens import lifetime_of


def add_rule(
    name: RuleName,
    issuer: RuleIssuer,
    role: GrantedRole,
    organization: OrganizationName,
    *,
    claim: RuleClaims,
    days: RuleDays = None,
    on: OnHolder = None,
    as_json: AsJson = False,
) -> None:
    conditions = [ClaimCondition(*pair) for pair in claims_of(claim)]

    async def add(runtime: Runtime) -> ClaimRule:
        principal = await operator_of(runtime, organization)
        return await runtime.services.for_principal(principal).claim_rules.create(
            name=name,
            issuer=issuer,
            conditions=conditions,
            role=role,
            on=on,
            lifetime=lifetime_of(days),
        )

    print_rule(_facts(run(add)), as_json=as_json)


def list_rules(organization: OrganizationName, *, as_json: AsJson = False) -> None:
    async def listed(runtime: Runtime) -> list[ClaimRule]:
        principal = await operator_of(runtime, organization)
        found: list[ClaimRule] = []
        window: Window | None = Window(size=MAX_PAGE_SIZE)
        async with runtime.database.read() as unit:
            while window:
                page = await runtime.services.for_principal(principal, unit).claim_rules.page(
                    window=window
                )
                found += [entry.item for entry in page.entries]
                after = page.entries[-1].cursor if page.has_next else None
                window = Window(size=MAX_PAGE_SIZE, after=after) if after else None
        return found

    print_rules([_facts(rule) for rule in run(listed)], as_json=as_json)


def remove_rule(
    rule_id: RuleId, organization: OrganizationName, *, as_json: AsJson = False
) -> None:
    async def remove(runtime: Runtime) -> ClaimRule:
        principal = await operator_of(runtime, organization)
        return await runtime.services.for_principal(principal).claim_rules.delete(rule_id=rule_id)

    print_removed_rule(run(remove).id, as_json=as_json)


def _facts(rule: ClaimRule) -> dict[str, Any]:
    holder = rule.held.holder
    return {
        "id": rule.id,
        "name": rule.name,
        "issuer": rule.issuer,
        "conditions": [{"claim": each.claim, "pattern": each.pattern} for each in rule.conditions],
        "role": rule.held.role,
        "on": f"{holder.kind.lower()}:{holder.id}" if holder else None,
        "holder": holder_facts(holder) if holder else None,
        "expires_at": rule.expires_at.isoformat() if rule.expires_at else None,
    }
