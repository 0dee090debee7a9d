"""Claim rules: roles for all identities whose tokens have certain claims."""

from datetime import datetime
from typing import Annotated, Self

import strawberry
from strawberry import ID, UNSET, argument, field

from gateway.domain.claim_rules import ClaimCondition as DomainCondition
from gateway.domain.claim_rules import ClaimRule as DomainRule
from gateway.domain.permissions import Permission
from gateway.domain.tokens import Creator
from gateway.services.tokens import lifetime_of
from schema.access import ApiTokenCreator
from schema.arguments import DryRun, IdempotencyKey, mutation, options
from schema.context import Info
from schema.enums import RoleEnum
from schema.errors import Errors
from schema.fields import CreatedAt, Id, pure_field
from schema.granting import RoleHolder
from schema.holders import SecretHolder, holder_type
from schema.inputs import unset_to_none
from schema.pages import Connection
from schema.run_mutation import Result, run_mutation

_CLAIM = "The name of a claim of the token, such as `repository_owner_id` or `groups`."
_PATTERN = (
    "The text that the claim, or one element of its list, must be, in the same case. `*` is one or "
    "more characters other than `/`, `:` and `@`."
)
_MANAGES = Permission.ACCESS_MANAGE
Days = Annotated[
    int | None,
    argument(description="The number of days until the rule ends; it does not end if omitted."),
]


@strawberry.type(description="What a claim of a token must be.")
class ClaimCondition:
    claim: str = field(description=_CLAIM)
    pattern: str = field(description=_PATTERN)


@strawberry.input(description="What a claim of a token must be.")
class ClaimConditionInput:
    claim: str = field(description=_CLAIM)
    pattern: str = field(description=_PATTERN)

    def to_domain(self) -> DomainCondition:
        return DomainCondition(self.claim, self.pattern)


@strawberry.type(
    description=(
        "A role for everybody whose token an issuer has signed with claims that meet the "
        "conditions, on one holder and all below it. It takes effect at once."
    )
)
class ClaimRule:
    id: Id
    name: str = field(description="Whom the rule is for, in its creator's words.")
    issuer: str = field(description="The issuer that signs the tokens.")
    conditions: list[ClaimCondition] = field(description="The conditions; all must be met.")
    role: RoleEnum = field(description="The role that the rule gives.")
    holder: SecretHolder | None = field(
        description=(
            "The holder that the role applies to, with all below it; null for the whole "
            "organization."
        )
    )
    created_at: CreatedAt
    expires_at: datetime | None = field(description="When it ends; null if it does not end.")
    creator: strawberry.Private[Creator]

    @pure_field(description="Who created it.")
    def created_by(self, info: Info) -> ApiTokenCreator:
        return ApiTokenCreator.of(self.creator, info.context.services.principal)

    @classmethod
    def of(cls, rule: DomainRule) -> Self:
        holder = rule.held.holder
        return cls(
            id=ID(rule.id),
            name=rule.name,
            issuer=rule.issuer,
            conditions=[
                ClaimCondition(claim=each.claim, pattern=each.pattern) for each in rule.conditions
            ],
            role=rule.held.role,
            holder=holder_type(holder) if holder else None,
            created_at=rule.created_at,
            expires_at=rule.expires_at,
            creator=rule.created_by,
        )


@strawberry.type(description="A page of claim rules.")
class ClaimRuleConnection(Connection[ClaimRule]):
    """A page of a list."""


@strawberry.type(description="`claimRule` is set exactly if `errors` is empty.")
class ClaimRulePayload:
    claim_rule: ClaimRule | None = field(
        default=None, description="The claim rule; null if nothing was written."
    )
    errors: Errors

    @classmethod
    def of(cls, result: Result[DomainRule]) -> Self:
        rule = ClaimRule.of(result.outcome) if result.outcome else None
        return cls(claim_rule=rule, errors=result.errors)


@mutation(
    "Give a role to everybody whose token has certain claims, without registering them. You cannot "
    "give a role with more permissions than you have there.",
    permission=_MANAGES,
)
async def create_claim_rule(
    info: Info,
    name: Annotated[str, argument(description="Whom the rule is for.")],
    issuer: Annotated[str, argument(description="The issuer, exactly as the claim `iss` has it.")],
    conditions: Annotated[
        list[ClaimConditionInput],
        argument(
            description=(
                "The conditions, at most 10; all must be met. For an issuer that signs for "
                "everybody, one must name whose tokens are meant."
            )
        ),
    ],
    role: Annotated[RoleEnum, argument(description="The role to give.")],
    holder: RoleHolder = UNSET,
    days: Days = UNSET,
    idempotency_key: IdempotencyKey = UNSET,
    dry_run: DryRun = UNSET,
) -> ClaimRulePayload:
    holder = unset_to_none(holder)

    async def work() -> DomainRule:
        return await info.context.services.claim_rules.create(
            name=name,
            issuer=issuer,
            conditions=[each.to_domain() for each in conditions],
            role=role,
            on=holder.reference() if holder else None,
            lifetime=lifetime_of(unset_to_none(days)),
            options=options(idempotency_key=idempotency_key, dry_run=dry_run),
        )

    return await run_mutation(info, work(), ClaimRulePayload.of)


@mutation("Delete a claim rule. The next request is judged without it.", permission=_MANAGES)
async def delete_claim_rule(
    info: Info,
    claim_rule_id: Annotated[ID, argument(description="The UUID of the claim rule.")],
    idempotency_key: IdempotencyKey = UNSET,
    dry_run: DryRun = UNSET,
) -> ClaimRulePayload:
    work = info.context.services.claim_rules.delete(
        rule_id=claim_rule_id, options=options(idempotency_key=idempotency_key, dry_run=dry_run)
    )
    return await run_mutation(info, work, ClaimRulePayload.of)
