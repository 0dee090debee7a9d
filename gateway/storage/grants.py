"""Queries about grants, and about who a credential speaks for with all its grants."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Final

from sqlalchemy import LargeBinary, Row, Select, bindparam, delete, func, select

from gateway.domain.grants import Grant, GranteeKind, GranteeReference, Held
from gateway.domain.pages import Page, Window
from gateway.domain.permissions import Role
from gateway.domain.principals import Principal
from gateway.domain.tokens import ApiToken
from gateway.domain.visibility import Visibility
from gateway.storage.grant_tables import RoleGrantRow, UserRow
from gateway.storage.holders import HOLDER, HOLDER_COLUMNS, holder_of
from gateway.storage.keyset import Ordering, fetch_page
from gateway.storage.row_macs import GRANTS, TOKENS, USERS, alarm, in_utc, insert_row
from gateway.storage.tokens import API_TOKEN, TOKEN_COLUMNS, token_of
from gateway.storage.unit_of_work import ReadUnit, WriteUnit
from gateway.storage.visibility import holders_covered

GRANT: Final = RoleGrantRow.__table__
_USER: Final = UserRow.__table__
_HELD: Final = (
    GRANT.c.role,
    *(column.label(f"place_{column.name}") for column in HOLDER_COLUMNS),
    *(column.label(f"covered_{column.name}") for column in GRANTS.columns),
)
_COVERED_AT: Final = 1 + len(HOLDER_COLUMNS)
_PLACE_ID_AT: Final = _COVERED_AT + GRANTS.names.index("holder_id")
_TOLD: Final = (
    GRANT.c.id,
    GRANT.c.organization_id,
    GRANT.c.token_id,
    GRANT.c.user_id,
    func.coalesce(API_TOKEN.c.name, _USER.c.display_name).label("grantee_name"),
    GRANT.c.created_at,
)
_BY_AGE: Final = Ordering("grant", (GRANT.c.created_at, GRANT.c.id))
_COLUMNS: Final = {GranteeKind.TOKEN: GRANT.c.token_id, GranteeKind.USER: GRANT.c.user_id}
_WANTED: Final = select(bindparam("wanted", type_=LargeBinary).label("digest")).subquery("wanted")
_TOKEN_COLUMNS: Final = (*TOKEN_COLUMNS, API_TOKEN.c.digest, API_TOKEN.c.mac, *_HELD)
# Every request runs it, so it is put together once. For an unknown token too it gives a row, an
# empty one, which is about as much work as that of a token that was revoked.
_TOKEN_WITH_GRANTS: Final = select(*_TOKEN_COLUMNS).select_from(
    _WANTED.outerjoin(API_TOKEN, API_TOKEN.c.digest == _WANTED.c.digest)
    .outerjoin(GRANT, GRANT.c.token_id == API_TOKEN.c.id)
    .outerjoin(HOLDER, HOLDER.c.id == GRANT.c.holder_id)
)


# Every change runs one of these two, by a column's id.
_TOKEN_BY_ID: Final = (
    select(*_TOKEN_COLUMNS)
    .outerjoin(GRANT, GRANT.c.token_id == API_TOKEN.c.id)
    .outerjoin(HOLDER, HOLDER.c.id == GRANT.c.holder_id)
    .where(API_TOKEN.c.id == bindparam("wanted"))
)
_USER_WITH_GRANTS: Final = (
    select(*USERS.columns, *_HELD)
    .outerjoin(GRANT, GRANT.c.user_id == _USER.c.id)
    .outerjoin(HOLDER, HOLDER.c.id == GRANT.c.holder_id)
)
_USER_BY_ID: Final = _USER_WITH_GRANTS.where(_USER.c.id == bindparam("wanted"))


def _held(unit: ReadUnit, columns: Sequence[Any]) -> Held:
    unit.macs.ensure_sound(GRANTS, columns[_COVERED_AT:])
    role, place, place_id = columns[0], columns[1:_COVERED_AT], columns[_PLACE_ID_AT]
    if place_id is None:
        return Held(role=Role(role))
    if place[0] is None:
        # Whoever deletes a place past the gateway must not have made of it the whole organization.
        raise alarm(HOLDER.name, place_id)
    return Held(role=Role(role), place=holder_of(unit, place))


def _granted(unit: ReadUnit, rows: Sequence[Row[Any]], before: int) -> tuple[Held, ...]:
    end = before + len(_HELD)
    return tuple(_held(unit, row[before:end]) for row in rows if row[before])


async def token_with_grants(
    unit: ReadUnit, digest: bytes, *, at: datetime
) -> tuple[ApiToken, bytes, Principal] | None:
    """Return the token with this keyed hash, the hash, and who it speaks for; in one statement.

    One that is not valid at that time is none: nothing more is done for it than for an unknown one.
    """
    return _token_of(unit, await unit.rows(_TOKEN_WITH_GRANTS.params(wanted=digest)), at)


def _token_of(
    unit: ReadUnit, rows: Sequence[Row[Any]], at: datetime
) -> tuple[ApiToken, bytes, Principal] | None:
    end = len(TOKEN_COLUMNS)
    if not rows or rows[0][0] is None:
        return None
    first = rows[0]
    # Without when it was used last, which is no part of it.
    *covered, created_by, _ = first[:end]
    unit.macs.ensure_sound(TOKENS, (*covered, first[end], created_by, first[end + 1]))
    token = token_of(first[:end])
    if not token.is_valid(at):
        return None
    viewer = Principal(
        id=token.id,
        organization_id=token.organization_id,
        grants=_granted(unit, rows, end + 2),
        kind=GranteeKind.TOKEN,
        expires_at=token.expires_at,
    )
    return token, first[end], viewer


async def user_with_grants(unit: ReadUnit, issuer: str, subject: str) -> Principal | None:
    """Return who an identity speaks for, if it is registered; in one statement."""
    is_meant = (_USER.c.issuer == issuer, _USER.c.subject == subject)
    return _user_of(unit, await unit.rows(_USER_WITH_GRANTS.where(*is_meant)))


async def find_principal(unit: ReadUnit, principal: Principal, *, at: datetime) -> Principal | None:
    """Return a token's or a user's principal as this unit shows it; None if it is not valid."""
    statement = _TOKEN_BY_ID if principal.kind is GranteeKind.TOKEN else _USER_BY_ID
    rows = await unit.rows(statement.params(wanted=principal.id))
    if principal.kind is GranteeKind.USER:
        return _user_of(unit, rows)
    found = _token_of(unit, rows, at)
    return found[2] if found else None


def _user_of(unit: ReadUnit, rows: Sequence[Row[Any]]) -> Principal | None:
    if not rows:
        return None
    at = len(USERS.columns)
    unit.macs.ensure_sound(USERS, rows[0][:at])
    grants = _granted(unit, rows, at)
    return Principal(
        id=rows[0].id,
        organization_id=rows[0].organization_id,
        grants=grants,
        kind=GranteeKind.USER,
    )


def _selection(sight: Visibility) -> Select[Any]:
    statement = (
        select(*_TOLD, *_HELD)
        .outerjoin(HOLDER, HOLDER.c.id == GRANT.c.holder_id)
        .outerjoin(API_TOKEN, API_TOKEN.c.id == GRANT.c.token_id)
        .outerjoin(_USER, _USER.c.id == GRANT.c.user_id)
        .where(GRANT.c.organization_id == sight.organization_id)
    )
    return statement if sight.is_everywhere else statement.where(holders_covered(sight))


def _built(unit: ReadUnit, row: Row[Any]) -> Grant:
    grant_id, organization_id, token_id, user_id, name, created_at = row[: len(_TOLD)]
    kind = GranteeKind.TOKEN if token_id else GranteeKind.USER
    return Grant(
        id=grant_id,
        organization_id=organization_id,
        grantee=GranteeReference(kind=kind, id=token_id or user_id),
        grantee_name=name,
        held=_held(unit, row[len(_TOLD) : len(_TOLD) + len(_HELD)]),
        created_at=created_at,
    )


async def page(
    unit: ReadUnit, window: Window, *, sight: Visibility, of: GranteeReference | None = None
) -> Page[Grant]:
    """Return a page of the grants in sight, oldest first; of one grantee, or of all."""
    statement = _selection(sight)
    if of is not None:
        statement = statement.where(_COLUMNS[of.kind] == of.id)
    return await fetch_page(
        unit, statement, ordering=_BY_AGE, window=window, build=partial(_built, unit)
    )


async def find(unit: ReadUnit, grant_id: str, *, sight: Visibility) -> Grant | None:
    """Return a grant in sight, if it is there."""
    row = await unit.first(_selection(sight).where(GRANT.c.id == grant_id))
    return _built(unit, row) if row else None


async def of_tokens(
    unit: ReadUnit, token_ids: Iterable[str], *, sight: Visibility
) -> Sequence[Grant]:
    """Return the grants in sight of these tokens, oldest first."""
    rows = await unit.rows(
        _selection(sight)
        .where(GRANT.c.token_id.in_(tuple(token_ids)))
        .order_by(GRANT.c.created_at, GRANT.c.id)
    )
    return [_built(unit, row) for row in rows]


async def held_by(unit: ReadUnit, grantee: GranteeReference) -> Sequence[Held]:
    """Return all that a token or a user was granted, wherever it is."""
    rows = await unit.rows(
        select(*_HELD)
        .outerjoin(HOLDER, HOLDER.c.id == GRANT.c.holder_id)
        .where(_COLUMNS[grantee.kind] == grantee.id)
    )
    return _granted(unit, rows, 0)


async def add(unit: WriteUnit, grant: Grant) -> None:
    """Store a new grant."""
    is_token = grant.grantee.kind is GranteeKind.TOKEN
    columns = {
        "id": grant.id,
        "organization_id": grant.organization_id,
        "token_id": grant.grantee.id if is_token else None,
        "user_id": None if is_token else grant.grantee.id,
        "role": grant.held.role,
        "holder_id": grant.held.place.id if grant.held.place else None,
        "created_at": in_utc(grant.created_at),
    }
    await insert_row(unit, GRANTS, columns)


async def remove(unit: WriteUnit, grant_id: str) -> None:
    """Delete a grant."""
    await unit.execute(delete(GRANT).where(GRANT.c.id == grant_id))
