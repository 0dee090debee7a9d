"""Claim rules: roles for identities that nobody registers one by one."""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Final

from gateway.domain import content
from gateway.domain.claim_rules import (
    MAX_CLAIM_RULES,
    ClaimCondition,
    ClaimRule,
    ClaimRuleConflict,
    ClaimRuleNotFound,
    TooManyClaimRules,
    ensure_conditions,
    ensure_room,
)
from gateway.domain.drafts import DEFAULT_WRITE_OPTIONS, HolderReference, WriteOptions
from gateway.domain.grants import RoleAssignment, ensure_issuer
from gateway.domain.holders import is_canonical_id
from gateway.domain.pages import Page, Window
from gateway.domain.permissions import Permission, Role, Visibility
from gateway.domain.principals import Principal
from gateway.services import access
from gateway.services.context import ScopedService
from gateway.services.idempotency import codec_of, run_once
from gateway.storage import claim_rules
from gateway.storage.unit_of_work import WriteUnit

_CODEC: Final = codec_of(ClaimRule)


class ClaimRules(ScopedService):
    """The use cases around claim rules."""

    async def create(
        self,
        *,
        name: str,
        issuer: str,
        conditions: Sequence[ClaimCondition],
        role: Role,
        on: HolderReference | None = None,
        lifetime: timedelta | None = None,
        options: WriteOptions = DEFAULT_WRITE_OPTIONS,
    ) -> ClaimRule:
        """Give a role at a holder to all identities of an issuer whose claims meet the conditions.

        Without a holder, the role counts in the whole organization.

        Raises:
            InvalidInput: for an invalid name or issuer, or conditions that everybody can meet.
            HolderNotFound: if the holder is not visible to the principal.
            Forbidden: if the principal cannot manage access there, or lacks a permission of
                the role there.
            RegistrationRequired: if only claim rules let the principal in.
            ClaimRuleConflict: if an equal rule exists.
            TooManyClaimRules: if the organization has the maximum number of rules.
            TooManyConditions: if its rules for the issuer have the maximum of conditions.

        """
        principal = self._scope.principal
        content.ensure_name(name)
        ensure_issuer(issuer)
        ensure_conditions(issuer, conditions)
        async with self._scope.writing(options) as unit:
            holder = await access.require_at(unit, principal, Permission.ACCESS_MANAGE, on)
            access.require_role(principal, role, on=holder)
            access.require_lasting(principal)
            now = self._context.now()
            rule = ClaimRule(
                id=self._context.new_id(),
                organization_id=principal.organization_id,
                name=name,
                issuer=issuer,
                conditions=tuple(sorted(conditions)),
                held=RoleAssignment(role=role, holder=holder),
                created_at=now,
                expires_at=now + lifetime if lifetime else None,
                created_by=principal.creator,
            )
            return await run_once(
                self._scope,
                unit,
                options=options,
                request=("createClaimRule", name, issuer, conditions, role, on, lifetime),
                codec=_CODEC,
                work=partial(_add, unit, rule),
            )

    async def delete(
        self, *, rule_id: str, options: WriteOptions = DEFAULT_WRITE_OPTIONS
    ) -> ClaimRule:
        """Delete a rule; it no longer applies to the next request.

        Raises:
            ClaimRuleNotFound: if it is not visible to the principal.
            Forbidden: if the principal could not have created it.

        """
        principal = self._scope.principal
        visibility = access.require_somewhere(principal, Permission.ACCESS_MANAGE)
        async with self._scope.writing(options) as unit:
            return await run_once(
                self._scope,
                unit,
                options=options,
                request=("deleteClaimRule", rule_id),
                codec=_CODEC,
                work=partial(_remove, unit, principal, rule_id, visibility),
                before_repeat=partial(_require_giving, principal),
            )

    async def page(self, *, window: Window) -> Page[ClaimRule]:
        """Return a page of the rules where the principal manages access, the oldest first.

        Raises:
            Forbidden: if the principal manages access nowhere.
            InvalidInput: for a cursor of another list.

        """
        visibility = access.require_somewhere(self._scope.principal, Permission.ACCESS_MANAGE)
        return await claim_rules.page(self._scope.view, window, visibility=visibility)


async def _add(unit: WriteUnit, rule: ClaimRule) -> ClaimRule:
    if await claim_rules.has_equal(unit, rule):
        raise ClaimRuleConflict
    if await claim_rules.count_of(unit, rule.organization_id) >= MAX_CLAIM_RULES:
        raise TooManyClaimRules
    there = await claim_rules.conditions_at(unit, rule.organization_id, rule.issuer)
    ensure_room(there, rule.conditions)
    await claim_rules.add(unit, rule)
    return rule


async def _remove(
    unit: WriteUnit, principal: Principal, rule_id: str, visibility: Visibility
) -> ClaimRule:
    known = is_canonical_id(rule_id)
    found = await claim_rules.find(unit, rule_id, visibility=visibility) if known else None
    if found is None:
        raise ClaimRuleNotFound(rule_id)
    _require_giving(principal, found)
    await claim_rules.remove(unit, rule_id)
    return found


def _require_giving(principal: Principal, rule: ClaimRule) -> None:
    access.require_role(principal, rule.held.role, on=rule.held.holder)
