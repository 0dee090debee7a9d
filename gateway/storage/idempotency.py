"""Queries about the recorded responses of writes with an idempotency key."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from sqlalchemy import delete

from gateway.storage.audit.row_macs import ANSWERS
from gateway.storage.tables import IdempotencyRow
from gateway.storage.unit_of_work import ReadUnit, WriteUnit

IDEMPOTENCY: Final = IdempotencyRow.__table__


@dataclass(frozen=True, slots=True)
class Answered:
    """The record of a write: the fingerprint of the request, and the response as text."""

    fingerprint: bytes = field(repr=False)
    text: str = field(repr=False)


async def find(unit: ReadUnit, principal_id: str, key: str, *, since: datetime) -> Answered | None:
    """Return the record under a key, if it is recent.

    Raises:
        IntegrityFault: if the row is not what the gateway wrote.

    """
    row = await unit.first(
        ANSWERS.selection().where(
            IDEMPOTENCY.c.principal_id == principal_id,
            IDEMPOTENCY.c.idempotency_key == key,
            IDEMPOTENCY.c.created_at > since,
        )
    )
    if row is None:
        return None
    unit.macs.ensure_sound(ANSWERS, row)
    return Answered(row.fingerprint, row.answer)


async def add(
    unit: WriteUnit, principal_id: str, key: str, answered: Answered, *, at: datetime
) -> None:
    """Record a write's response.

    Raises:
        IntegrityFault: if the database did not store exactly this row.

    """
    await unit.insert(
        IdempotencyRow(
            principal_id=principal_id,
            idempotency_key=key,
            fingerprint=answered.fingerprint,
            answer=answered.text,
            created_at=at,
        )
    )


async def forget(unit: WriteUnit, *, until: datetime) -> None:
    """Delete the records up to that time."""
    await unit.execute(delete(IDEMPOTENCY).where(IDEMPOTENCY.c.created_at <= until))
