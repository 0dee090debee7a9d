"""Queries about grants, and about the principal of a credential with all its grants."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from itertools import groupby
from typing import Any, Final

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    FromClause,
    Integer,
    LargeBinary,
    Row,
    Select,
    String,
    Subquery,
    and_,
    bindparam,
    func,
    select,
)

from gateway.domain.claim_rules import Identity
from gateway.domain.grants import Grant, GranteeKind, GranteeReference, RoleAssignment, User
from gateway.domain.origins import ActorKind
from gateway.domain.pages import Page, Window
from gateway.domain.permissions import Role, Visibility
from gateway.domain.principals import Principal
from gateway.domain.tokens import ApiToken
from gateway.storage import claim_rules
from gateway.storage.access_tables import RoleGrantRow, UserRow
from gateway.storage.audit.event_log import (
    FLOOR,
    HEAD,
    HEAD_COLUMNS,
    floor_of,
    head_of,
    prove,
    remember,
)
from gateway.storage.audit.row_macs import GRANTS, TOKENS, USERS, integrity_fault
from gateway.storage.holders import HOLDER_COLUMNS, holder_of
from gateway.storage.keyset import fetch_page, holders_covered
from gateway.storage.live_rows import HOLDER
from gateway.storage.ordering import Ordering
from gateway.storage.prepared import Prepared
from gateway.storage.rows import delete_rows
from gateway.storage.tokens import API_TOKEN, TOKEN_COLUMNS, token_of
from gateway.storage.unit_of_work import ReadUnit, WriteUnit
from gateway.storage.users import user_of

GRANT: Final = RoleGrantRow.__table__
_USER: Final = UserRow.__table__
_HELD: Final = (
    GRANT.c.role,
    *(column.label(f"place_{column.name}") for column in HOLDER_COLUMNS),
    *(column.label(f"covered_{column.name}") for column in GRANTS.columns),
)
_COVERED_AT: Final = 1 + len(HOLDER_COLUMNS)
_HOLDER_ID_AT: Final = _COVERED_AT + GRANTS.names.index("holder_id")
_SELECTED: Final = (
    GRANT.c.id,
    GRANT.c.organization_id,
    GRANT.c.token_id,
    GRANT.c.user_id,
    func.coalesce(API_TOKEN.c.name, _USER.c.display_name).label("grantee_name"),
    GRANT.c.created_at,
)
_BY_AGE: Final = Ordering("grant", (GRANT.c.created_at, GRANT.c.id))
_AFTER_HEAD: Final = len(HEAD_COLUMNS)
_COLUMNS: Final = {GranteeKind.TOKEN: GRANT.c.token_id, GranteeKind.USER: GRANT.c.user_id}
_TOKEN_COLUMNS: Final = (*TOKEN_COLUMNS, API_TOKEN.c.digest, API_TOKEN.c.mac)
_FLOOR: Final = bindparam("floor", type_=Integer).label("floor")


def _parameters_table(*parameters: BindParameter[Any]) -> Subquery:
    named = (parameter.label(parameter.key) for parameter in parameters)
    return select(*named, _FLOOR).subquery("wanted")


def _lookup(wanted: Subquery, found: FromClause, columns: Sequence[ColumnElement[Any]]) -> Prepared:
    """Select a grantee's row with all its grants, and the log's head beside it.

    An unknown grantee gives a row too, with empty columns: the head is compared all the same, and
    the work is about the same as for a revoked token.
    """
    grantee = _COLUMNS[GranteeKind.TOKEN if found is API_TOKEN else GranteeKind.USER]
    given = (column.name for column in wanted.c if column.name != _FLOOR.name)
    return Prepared(
        select(*HEAD_COLUMNS, *columns, *_HELD)
        .select_from(
            wanted.outerjoin(HEAD, HEAD.c.id == 1)
            .outerjoin(FLOOR, FLOOR.c.seq == wanted.c.floor)
            .outerjoin(found, and_(*(found.c[name] == wanted.c[name] for name in given)))
            .outerjoin(GRANT, grantee == found.c.id)
            .outerjoin(HOLDER, HOLDER.c.id == GRANT.c.holder_id)
        )
        # An identity has one user in each organization; a token's rows are its own.
        .order_by(found.c.id)
    )


# Every request runs one of these, and every change another.
_BY_ID: Final = _parameters_table(bindparam("id", type_=String))
_TOKEN_BY_DIGEST: Final = _lookup(
    _parameters_table(bindparam("digest", type_=LargeBinary)), API_TOKEN, _TOKEN_COLUMNS
)
_TOKEN_BY_ID: Final = _lookup(_BY_ID, API_TOKEN, _TOKEN_COLUMNS)
_USER_BY_IDENTITY: Final = _lookup(
    _parameters_table(bindparam("issuer", type_=String), bindparam("subject", type_=String)),
    _USER,
    USERS.columns,
)
_USER_BY_ID: Final = _lookup(_BY_ID, _USER, USERS.columns)


def _assignment_from_row(unit: ReadUnit, columns: Sequence[Any]) -> RoleAssignment:
    unit.ensure_current(GRANTS, columns[_COVERED_AT:])
    role, holder, holder_id = columns[0], columns[1:_COVERED_AT], columns[_HOLDER_ID_AT]
    if holder_id is None:
        return RoleAssignment(role=Role(role))
    if holder[0] is None:
        # Deleting a holder outside the gateway must not widen the grant to the whole organization.
        raise integrity_fault(HOLDER.name, holder_id)
    return RoleAssignment(role=Role(role), holder=holder_of(unit, holder))


def _assignments_from_rows(
    unit: ReadUnit, rows: Sequence[Sequence[Any]], before: int
) -> tuple[RoleAssignment, ...]:
    end = before + len(_HELD)
    return tuple(_assignment_from_row(unit, row[before:end]) for row in rows if row[before])


async def token_with_grants(
    unit: ReadUnit, digest: bytes, *, at: datetime
) -> tuple[ApiToken, bytes, Principal] | None:
    """Return the token with this keyed hash, the hash, and the token's principal.

    One statement. A token that is invalid at that time costs no more work than an unknown one.
    """
    return _token_of(unit, await _find(unit, _TOKEN_BY_DIGEST, digest=digest), at)


async def find_principal(unit: ReadUnit, principal: Principal, *, at: datetime) -> Principal | None:
    """Return the principal of a credential as this unit shows it; None if it is not valid."""
    if principal.identity is not None:
        return await _find_identity(unit, principal, principal.identity, at)
    found = _token_of(unit, await _find(unit, _TOKEN_BY_ID, id=principal.id), at)
    return found[2] if found else None


async def _find_identity(
    unit: ReadUnit, principal: Principal, identity: Identity, at: datetime
) -> Principal | None:
    rules = claim_rules.for_identity(identity, principal.organization_id)
    unit.read_ahead(rules)
    user = _user_of(unit, await _find(unit, _USER_BY_ID, id=principal.id))
    found = await claim_rules.matching(unit, rules, principal, identity, at=at)
    if user is None and (principal.kind is ActorKind.USER or not found):
        return None
    return replace(user or replace(principal, grants=()), identity=identity).with_rules(found)


async def _find(
    unit: ReadUnit, statement: Prepared, **wanted: str | bytes
) -> Sequence[Sequence[Any]]:
    """Return a grantee's rows, after comparing the head that came with them."""
    rows = await unit.rows(statement(**wanted, floor=floor_of(unit)))
    unit.head_columns = rows[0][:_AFTER_HEAD]
    await unit.accept(head_of(unit.head_columns))
    remember(unit, unit.head_columns)
    return [row[_AFTER_HEAD:] for row in rows]


def _token_of(
    unit: ReadUnit, rows: Sequence[Sequence[Any]], at: datetime
) -> tuple[ApiToken, bytes, Principal] | None:
    end, first = len(TOKEN_COLUMNS), rows[0]
    if first[0] is None:
        return None
    # The time of last use is not covered.
    *covered, created_by, _ = first[:end]
    unit.ensure_current(TOKENS, (*covered, first[end], created_by, first[end + 1]))
    token = token_of(first[:end])
    if not token.is_valid(at):
        return None
    principal = Principal(
        id=token.id,
        organization_id=token.organization_id,
        grants=_assignments_from_rows(unit, rows, len(_TOKEN_COLUMNS)),
        kind=ActorKind.TOKEN,
        expires_at=token.expires_at,
    )
    return token, first[end], principal


async def registrations(
    unit: ReadUnit, issuer: str, subject: str
) -> Sequence[tuple[User, Principal]]:
    """Return the users that an identity has, one in each organization that registered it.

    In one statement.
    """
    rows = await _find(unit, _USER_BY_IDENTITY, issuer=issuer, subject=subject)
    by_user = [list(group) for _, group in groupby(rows, key=lambda row: row[0])]
    principals = [(group[0], _user_of(unit, group)) for group in by_user]
    return [(user_of(row), principal) for row, principal in principals if principal]


def _user_of(unit: ReadUnit, rows: Sequence[Sequence[Any]]) -> Principal | None:
    at = len(USERS.columns)
    found = rows[0][:at]
    if found[0] is None:
        return None
    unit.ensure_current(USERS, found)
    user_id, organization_id = found[:2]
    return Principal(
        id=user_id,
        organization_id=organization_id,
        grants=_assignments_from_rows(unit, rows, at),
        kind=ActorKind.USER,
    )


def _selection(visibility: Visibility) -> Select[Any]:
    statement = (
        select(*_SELECTED, *_HELD)
        .outerjoin(HOLDER, HOLDER.c.id == GRANT.c.holder_id)
        .outerjoin(API_TOKEN, API_TOKEN.c.id == GRANT.c.token_id)
        .outerjoin(_USER, _USER.c.id == GRANT.c.user_id)
        .where(GRANT.c.organization_id == visibility.organization_id)
    )
    return statement if visibility.is_everywhere else statement.where(holders_covered(visibility))


def _grant_from_row(unit: ReadUnit, row: Row[Any]) -> Grant:
    grant_id, organization_id, token_id, user_id, name, created_at = row[: len(_SELECTED)]
    kind = GranteeKind.TOKEN if token_id else GranteeKind.USER
    return Grant(
        id=grant_id,
        organization_id=organization_id,
        grantee=GranteeReference(kind=kind, id=token_id or user_id),
        grantee_name=name,
        held=_assignment_from_row(unit, row[len(_SELECTED) : len(_SELECTED) + len(_HELD)]),
        created_at=created_at,
    )


async def page(
    unit: ReadUnit, window: Window, *, visibility: Visibility, of: GranteeReference | None = None
) -> Page[Grant]:
    await prove(unit)
    statement = _selection(visibility)
    if of is not None:
        statement = statement.where(_COLUMNS[of.kind] == of.id)
    return await fetch_page(
        unit, statement, ordering=_BY_AGE, window=window, build=partial(_grant_from_row, unit)
    )


async def find(unit: ReadUnit, grant_id: str, *, visibility: Visibility) -> Grant | None:
    await prove(unit)
    row = await unit.first(_selection(visibility).where(GRANT.c.id == grant_id))
    return _grant_from_row(unit, row) if row else None


async def of_tokens(
    unit: ReadUnit, token_ids: Iterable[str], *, visibility: Visibility
) -> Sequence[Grant]:
    """Return the visible grants of these tokens, oldest first."""
    await prove(unit)
    rows = await unit.rows(
        _selection(visibility)
        .where(GRANT.c.token_id.in_(tuple(token_ids)))
        .order_by(GRANT.c.created_at, GRANT.c.id)
    )
    return [_grant_from_row(unit, row) for row in rows]


async def find_assignments(unit: ReadUnit, grantee: GranteeReference) -> Sequence[RoleAssignment]:
    await prove(unit)
    rows = await unit.rows(
        select(*_HELD)
        .outerjoin(HOLDER, HOLDER.c.id == GRANT.c.holder_id)
        .where(_COLUMNS[grantee.kind] == grantee.id)
    )
    return _assignments_from_rows(unit, rows, 0)


async def add(unit: WriteUnit, grant: Grant) -> None:
    is_token = grant.grantee.kind is GranteeKind.TOKEN
    await unit.insert(
        RoleGrantRow(
            id=grant.id,
            organization_id=grant.organization_id,
            token_id=grant.grantee.id if is_token else None,
            user_id=None if is_token else grant.grantee.id,
            role=grant.held.role,
            holder_id=grant.held.holder.id if grant.held.holder else None,
            created_at=grant.created_at,
        )
    )


async def remove(unit: WriteUnit, grant_id: str) -> None:
    await delete_rows(unit, GRANTS, GRANT.c.id == grant_id)
