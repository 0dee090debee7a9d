"""Queries about API tokens."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, Select, exists, func, literal, or_, select, update

from gateway.domain.origins import ActorKind
from gateway.domain.pages import Page, Window
from gateway.domain.permissions import Visibility
from gateway.domain.tokens import ApiToken, Creator
from gateway.storage.access_tables import ApiTokenRow, RoleGrantRow
from gateway.storage.audit.row_macs import TOKENS, in_utc, verified_rows
from gateway.storage.keyset import fetch_page, holders_covered
from gateway.storage.live_rows import HOLDER
from gateway.storage.ordering import Ordering
from gateway.storage.rows import update_rows
from gateway.storage.unit_of_work import ReadUnit, WriteUnit

API_TOKEN: Final = ApiTokenRow.__table__
_GRANT: Final = RoleGrantRow.__table__
TOKEN_COLUMNS: Final = (
    API_TOKEN.c.id,
    API_TOKEN.c.organization_id,
    API_TOKEN.c.name,
    API_TOKEN.c.created_at,
    API_TOKEN.c.expires_at,
    API_TOKEN.c.revoked_at,
    API_TOKEN.c.created_by,
    API_TOKEN.c.last_used_at,
)
_BY_AGE: Final = Ordering("token", (API_TOKEN.c.created_at, API_TOKEN.c.id))


def token_of(columns: Sequence[Any]) -> ApiToken:
    names = [column.name for column in TOKEN_COLUMNS]
    facts = dict(zip(names, columns, strict=True))
    text = facts.pop("created_by")
    return ApiToken(**facts, created_by=Creator.parse(text) if text else None)


def _from_row(row: Row[Any]) -> ApiToken:
    return token_of(row[: len(TOKEN_COLUMNS)])


async def add(unit: WriteUnit, token: ApiToken, *, digest: bytes) -> None:
    await unit.insert(
        ApiTokenRow(
            id=token.id,
            organization_id=token.organization_id,
            name=token.name,
            digest=digest,
            created_at=token.created_at,
            expires_at=token.expires_at,
            revoked_at=None,
            created_by=token.created_by.text if token.created_by else None,
        )
    )


async def find(unit: ReadUnit, token_id: str, *, visibility: Visibility) -> ApiToken | None:
    """Return a token with a grant in `visibility`; any of the organization if it is everywhere."""
    row = await unit.first(_visible_tokens(visibility).where(API_TOKEN.c.id == token_id))
    return _from_row(row) if row else None


async def by_ids(
    unit: ReadUnit, ids: Collection[str], *, visibility: Visibility
) -> Sequence[ApiToken]:
    """Return those of the tokens that have a grant in `visibility`."""
    rows = await unit.rows(_visible_tokens(visibility).where(API_TOKEN.c.id.in_(ids)))
    return [_from_row(row) for row in rows]


async def find_any(unit: ReadUnit, token_id: str) -> ApiToken | None:
    """Return a token of any organization; only the instance's operator uses it."""
    row = await unit.first(select(*TOKEN_COLUMNS).where(API_TOKEN.c.id == token_id))
    return _from_row(row) if row else None


async def page(unit: ReadUnit, window: Window, *, visibility: Visibility) -> Page[ApiToken]:
    """Return a page of the tokens with a grant in `visibility`, oldest first."""
    return await fetch_page(
        unit, _visible_tokens(visibility), ordering=_BY_AGE, window=window, build=_from_row
    )


def _visible_tokens(visibility: Visibility) -> Select[Any]:
    statement = select(*TOKEN_COLUMNS).where(
        API_TOKEN.c.organization_id == visibility.organization_id
    )
    if visibility.is_everywhere:
        return statement
    granted = (
        exists()
        .where(_GRANT.c.token_id == API_TOKEN.c.id, _GRANT.c.holder_id == HOLDER.c.id)
        .where(holders_covered(visibility))
    )
    return statement.where(granted)


async def count_valid(unit: ReadUnit, organization_id: str, *, at: datetime) -> int:
    row = await unit.first(
        select(func.count())
        .where(API_TOKEN.c.organization_id == organization_id, API_TOKEN.c.revoked_at.is_(None))
        .where(or_(API_TOKEN.c.expires_at.is_(None), API_TOKEN.c.expires_at > at))
    )
    return int(row[0]) if row else 0


async def find_created_by(unit: ReadUnit, creator: Creator) -> Sequence[ApiToken]:
    """Return all tokens created by a creator, and by those tokens, and so on; oldest first.

    Raises:
        IntegrityFault: if a token is not what the gateway wrote.

    """
    found = select(API_TOKEN.c.id).where(API_TOKEN.c.created_by == creator.text)
    tree = found.cte("created", recursive=True)
    prefix = Creator(ActorKind.TOKEN, "").text
    # UNION drops rows that were found before, so a cycle ends.
    tree = tree.union(
        select(API_TOKEN.c.id).where(API_TOKEN.c.created_by == literal(prefix) + tree.c.id)
    )
    ids = select(tree.c.id)
    await verified_rows(unit, TOKENS, API_TOKEN.c.id.in_(ids))
    rows = await unit.rows(
        select(*TOKEN_COLUMNS)
        .where(API_TOKEN.c.id.in_(ids))
        .order_by(API_TOKEN.c.created_at, API_TOKEN.c.id)
    )
    return [_from_row(row) for row in rows]


async def all_of(unit: ReadUnit, organization_id: str) -> Sequence[ApiToken]:
    """Return an organization's tokens, oldest first. Only its operator lists them."""
    rows = await unit.rows(
        select(*TOKEN_COLUMNS)
        .where(API_TOKEN.c.organization_id == organization_id)
        .order_by(API_TOKEN.c.created_at, API_TOKEN.c.id)
    )
    return [_from_row(row) for row in rows]


async def revoke(unit: WriteUnit, token_id: str, *, at: datetime) -> bool:
    """Revoke a token; return whether it was still valid.

    Raises:
        IntegrityFault: if the row is not what the gateway wrote.

    """
    is_valid = (API_TOKEN.c.id == token_id, API_TOKEN.c.revoked_at.is_(None))
    found = await verified_rows(unit, TOKENS, *is_valid)
    for row in found:
        await update_rows(unit, TOKENS, [(row, {"revoked_at": in_utc(at)})])
    return bool(found)


async def revoke_all(unit: WriteUnit, token_ids: Collection[str], *, at: datetime) -> None:
    """Revoke those of the tokens that are not yet revoked.

    Raises:
        IntegrityFault: if a token is not what the gateway wrote.

    """
    is_valid = (API_TOKEN.c.id.in_(token_ids), API_TOKEN.c.revoked_at.is_(None))
    found = await verified_rows(unit, TOKENS, *is_valid)
    await update_rows(unit, TOKENS, [(row, {"revoked_at": in_utc(at)}) for row in found])


async def end_all(unit: WriteUnit, token_ids: Collection[str], *, at: datetime) -> None:
    """Let those of the tokens that are not revoked end at a time, unless they end before.

    Raises:
        IntegrityFault: if a token is not what the gateway wrote.

    """
    ends_later = or_(API_TOKEN.c.expires_at.is_(None), API_TOKEN.c.expires_at > at)
    wanted = (API_TOKEN.c.id.in_(token_ids), API_TOKEN.c.revoked_at.is_(None), ends_later)
    found = await verified_rows(unit, TOKENS, *wanted)
    await update_rows(unit, TOKENS, [(row, {"expires_at": in_utc(at)}) for row in found])


async def note_use(unit: WriteUnit, token_id: str, *, at: datetime, since: datetime) -> None:
    """Store that a token was used, unless a use since that moment is stored."""
    long_ago = or_(API_TOKEN.c.last_used_at.is_(None), API_TOKEN.c.last_used_at <= since)
    await unit.execute_unrecorded(
        update(API_TOKEN).where(API_TOKEN.c.id == token_id, long_ago).values(last_used_at=at)
    )
