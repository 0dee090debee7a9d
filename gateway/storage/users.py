"""Queries about users."""

from collections.abc import Collection, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any, Final

from sqlalchemy import Row, Select, exists, func, select

from gateway.domain.grants import User
from gateway.domain.pages import Page, Window
from gateway.domain.permissions import Visibility
from gateway.storage.access_tables import RoleGrantRow, UserRow
from gateway.storage.audit.event_log import prove
from gateway.storage.audit.row_macs import GRANTS, USERS, verified_rows
from gateway.storage.keyset import fetch_page, holders_covered
from gateway.storage.live_rows import HOLDER
from gateway.storage.ordering import Ordering
from gateway.storage.rows import delete_rows, update_rows
from gateway.storage.unit_of_work import ReadUnit, WriteUnit

USER: Final = UserRow.__table__
_GRANT: Final = RoleGrantRow.__table__
_BY_NAME: Final = Ordering("user", (USER.c.display_name, USER.c.id))


def user_of(columns: Sequence[Any]) -> User:
    """Build a user from the covered columns, which the caller has checked."""
    user_id, organization_id, issuer, subject, display_name, created_at, is_invited, *_ = columns
    return User(
        id=user_id,
        organization_id=organization_id,
        issuer=issuer,
        subject=subject,
        display_name=display_name,
        created_at=created_at,
        is_invited=is_invited is not None,
    )


def _from_row(unit: ReadUnit, row: Row[Any]) -> User:
    unit.ensure_current(USERS, row[: len(USERS.columns)])
    return user_of(row)


async def add(unit: WriteUnit, user: User) -> None:
    await unit.insert(UserRow(**asdict(user) | {"is_invited": 1 if user.is_invited else None}))


async def find(unit: ReadUnit, user_id: str, *, organization_id: str) -> User | None:
    await prove(unit)
    row = await unit.first(
        USERS.selection().where(USER.c.id == user_id, USER.c.organization_id == organization_id)
    )
    return _from_row(unit, row) if row else None


async def by_ids(unit: ReadUnit, ids: Collection[str], *, visibility: Visibility) -> Sequence[User]:
    """Return those of the users that have a grant in `visibility`.

    Raises:
        IntegrityFault: if a row is not what the gateway wrote.

    """
    await prove(unit)
    rows = await unit.rows(_visible_users(visibility).where(USER.c.id.in_(ids)))
    return [_from_row(unit, row) for row in rows]


async def is_registered(unit: ReadUnit, user: User) -> bool:
    wanted = select(USER.c.id).where(
        USER.c.organization_id == user.organization_id,
        USER.c.issuer == user.issuer,
        USER.c.subject == user.subject,
    )
    return await unit.first(wanted) is not None


async def make_home(unit: WriteUnit, user_id: str) -> None:
    """Let an identity omit this user's organization, unless another organization is its home.

    Raises:
        IntegrityFault: if the row is not what the gateway wrote.

    """
    other = USER.alias()
    has_home = exists().where(
        other.c.issuer == USER.c.issuer,
        other.c.subject == USER.c.subject,
        other.c.is_invited.is_(None),
    )
    found = await verified_rows(unit, USERS, USER.c.id == user_id, ~has_home)
    await update_rows(unit, USERS, [(row, {"is_invited": None}) for row in found])


async def count_of(unit: ReadUnit, organization_id: str) -> int:
    row = await unit.first(select(func.count()).where(USER.c.organization_id == organization_id))
    return int(row[0]) if row else 0


async def page(unit: ReadUnit, window: Window, *, visibility: Visibility) -> Page[User]:
    """Return a page of the users with a grant in `visibility`, by name."""
    await prove(unit)
    return await fetch_page(
        unit,
        _visible_users(visibility),
        ordering=_BY_NAME,
        window=window,
        build=partial(_from_row, unit),
    )


def _visible_users(visibility: Visibility) -> Select[Any]:
    statement = USERS.selection().where(USER.c.organization_id == visibility.organization_id)
    if visibility.is_everywhere:
        return statement
    granted = (
        exists()
        .where(_GRANT.c.user_id == USER.c.id, _GRANT.c.holder_id == HOLDER.c.id)
        .where(holders_covered(visibility))
    )
    return statement.where(granted)


async def remove(unit: WriteUnit, user_id: str) -> None:
    """Delete a user and its grants."""
    await delete_rows(unit, GRANTS, _GRANT.c.user_id == user_id)
    await delete_rows(unit, USERS, USER.c.id == user_id)
