"""Queries for diagnosis: one value of each project, and the newest stored time."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import func, select

from gateway.storage.tables import ApiTokenRow, SealedValueRow, SecretRow
from gateway.storage.unit_of_work import ReadUnit

_SECRET: Final = SecretRow.__table__
_VALUE: Final = SealedValueRow.__table__
_TOKEN: Final = ApiTokenRow.__table__


async def one_of_each_project(unit: ReadUnit) -> Sequence[str]:
    rows = await unit.rows(
        select(func.min(_SECRET.c.id))
        .join(_VALUE, _VALUE.c.secret_id == _SECRET.c.id)
        .group_by(_SECRET.c.project_id)
    )
    return [row[0] for row in rows]


async def newest_time(unit: ReadUnit) -> datetime | None:
    """Return the latest creation time of a secret or token, if there is any."""
    times = select(_SECRET.c.created_at).union_all(select(_TOKEN.c.created_at)).subquery()
    row = await unit.first(select(times.c.created_at).order_by(times.c.created_at.desc()).limit(1))
    return row.created_at if row else None
