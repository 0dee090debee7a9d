"""Queries about claim rules."""

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache, partial
from typing import Any, Final

import orjson
import structlog
from sqlalchemy import Row, Select, String, bindparam, func, select

from gateway.domain.claim_patterns import TokenClaims
from gateway.domain.claim_rules import ClaimCondition, ClaimRule, Identity, applies
from gateway.domain.grants import RoleAssignment
from gateway.domain.pages import Page, Window
from gateway.domain.permissions import Role, Visibility
from gateway.domain.principals import Principal
from gateway.domain.tokens import Creator
from gateway.storage.access_tables import ClaimRuleRow, UserRow
from gateway.storage.audit.event_log import prove
from gateway.storage.audit.row_macs import CLAIM_RULES, integrity_fault
from gateway.storage.holders import HOLDER_COLUMNS, holder_of
from gateway.storage.keyset import fetch_page, holders_covered
from gateway.storage.live_rows import HOLDER
from gateway.storage.ordering import Ordering
from gateway.storage.prepared import Bound, Prepared
from gateway.storage.rows import delete_rows
from gateway.storage.unit_of_work import ReadUnit, WriteUnit

_log = structlog.get_logger(__name__)
RULE: Final = ClaimRuleRow.__table__
_USER: Final = UserRow.__table__
_BY_AGE: Final = Ordering("claim-rule", (RULE.c.created_at, RULE.c.id))
_HOLDER_AT: Final = len(CLAIM_RULES.columns)
_END: Final = _HOLDER_AT + len(HOLDER_COLUMNS)
_ALL: Final = select(
    *CLAIM_RULES.columns, *(column.label(f"place_{column.name}") for column in HOLDER_COLUMNS)
).outerjoin(HOLDER, HOLDER.c.id == RULE.c.holder_id)
_AT_ISSUER: Final = _ALL.where(RULE.c.issuer == bindparam("issuer", type_=String))
_OF_ORGANIZATION: Final = Prepared(
    _AT_ISSUER.where(RULE.c.organization_id == bindparam("organization_id", type_=String))
)
# Those of each organization that has registered the identity: one of them is its home.
_OF_REGISTRATIONS: Final = Prepared(
    _AT_ISSUER.where(
        RULE.c.organization_id.in_(
            select(_USER.c.organization_id).where(
                _USER.c.issuer == bindparam("issuer", type_=String),
                _USER.c.subject == bindparam("subject", type_=String),
            )
        )
    )
)


def to_text(conditions: Sequence[ClaimCondition]) -> str:
    return orjson.dumps([[each.claim, each.pattern] for each in conditions]).decode()


@lru_cache(maxsize=1_024)
def _to_conditions(text: str) -> tuple[ClaimCondition, ...]:
    return tuple(ClaimCondition(str(claim), str(pattern)) for claim, pattern in orjson.loads(text))


def for_identity(identity: Identity, organization_id: str | None) -> Bound:
    """Return the statement that `matching` needs, so that it can be read ahead.

    Without an organization, it reads the rules of those that have registered the identity.
    """
    if organization_id is None:
        return _OF_REGISTRATIONS(issuer=identity.issuer, subject=identity.subject)
    return _OF_ORGANIZATION(issuer=identity.issuer, organization_id=organization_id)


async def matching(
    unit: ReadUnit, statement: Bound, principal: Principal, identity: Identity, *, at: datetime
) -> Sequence[ClaimRule]:
    """Return the rules of the principal's organization that apply to its identity.

    Only these are checked: a rule that does not apply gives nothing, so its writer does not matter.

    Raises:
        IntegrityFault: if a rule that applies is not what the gateway wrote.

    """
    claims = TokenClaims(identity.claims)
    found = [
        _from_row(unit, row)
        for row in await unit.rows(statement)
        if row.organization_id == principal.organization_id
        and applies(_conditions_of(row), row.expires_at, claims, at)
    ]
    if claims.left_out:
        _log.warning("claims_left_out", reason="too_many_elements", claims=sorted(claims.left_out))
    return found


def _conditions_of(row: Row[Any]) -> tuple[ClaimCondition, ...]:
    try:
        return _to_conditions(row.conditions)
    except (ValueError, TypeError):
        raise integrity_fault(RULE.name, row.id) from None


def _from_row(unit: ReadUnit, row: Row[Any]) -> ClaimRule:
    unit.ensure_current(CLAIM_RULES, row[:_HOLDER_AT])
    holder = row[_HOLDER_AT:_END]
    if row.holder_id is not None and holder[0] is None:
        # Deleting a holder outside the gateway must not widen the rule to the whole organization.
        raise integrity_fault(HOLDER.name, row.holder_id)
    return ClaimRule(
        id=row.id,
        organization_id=row.organization_id,
        name=row.name,
        issuer=row.issuer,
        conditions=_conditions_of(row),
        held=RoleAssignment(
            role=Role(row.role), holder=holder_of(unit, holder) if row.holder_id else None
        ),
        created_at=row.created_at,
        expires_at=row.expires_at,
        created_by=Creator.parse(row.created_by),
    )


def _visible(visibility: Visibility) -> Select[Any]:
    statement = _ALL.where(RULE.c.organization_id == visibility.organization_id)
    return statement if visibility.is_everywhere else statement.where(holders_covered(visibility))


async def page(unit: ReadUnit, window: Window, *, visibility: Visibility) -> Page[ClaimRule]:
    """Return a page of the rules whose holder is in `visibility`, the oldest first."""
    await prove(unit)
    return await fetch_page(
        unit,
        _visible(visibility),
        ordering=_BY_AGE,
        window=window,
        build=partial(_from_row, unit),
    )


async def find(unit: ReadUnit, rule_id: str, *, visibility: Visibility) -> ClaimRule | None:
    await prove(unit)
    row = await unit.first(_visible(visibility).where(RULE.c.id == rule_id))
    return _from_row(unit, row) if row else None


async def has_equal(unit: ReadUnit, rule: ClaimRule) -> bool:
    """Return whether the organization has a rule that gives the same to the same identities."""
    holder = rule.held.holder
    wanted = select(RULE.c.id).where(
        RULE.c.organization_id == rule.organization_id,
        RULE.c.issuer == rule.issuer,
        RULE.c.conditions == to_text(rule.conditions),
        RULE.c.role == rule.held.role,
        func.coalesce(RULE.c.holder_id, "") == (holder.id if holder else ""),
    )
    return await unit.first(wanted) is not None


async def conditions_at(
    unit: ReadUnit, organization_id: str, issuer: str
) -> Sequence[ClaimCondition]:
    """Return the conditions of all rules of the organization for the issuer."""
    rows = await unit.rows(_OF_ORGANIZATION(issuer=issuer, organization_id=organization_id))
    return [condition for row in rows for condition in _conditions_of(row)]


async def count_of(unit: ReadUnit, organization_id: str) -> int:
    row = await unit.first(select(func.count()).where(RULE.c.organization_id == organization_id))
    return int(row[0]) if row else 0


async def add(unit: WriteUnit, rule: ClaimRule) -> None:
    await unit.insert(
        ClaimRuleRow(
            id=rule.id,
            organization_id=rule.organization_id,
            name=rule.name,
            issuer=rule.issuer,
            conditions=to_text(rule.conditions),
            role=rule.held.role,
            holder_id=rule.held.holder.id if rule.held.holder else None,
            created_at=rule.created_at,
            expires_at=rule.expires_at,
            created_by=rule.created_by.text,
        )
    )


async def remove(unit: WriteUnit, rule_id: str) -> None:
    await delete_rows(unit, CLAIM_RULES, RULE.c.id == rule_id)
