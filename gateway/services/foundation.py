"""What every use case stands on."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from gateway.domain.drafts import WriteTerms
from gateway.domain.ids import new_id
from gateway.services.vault import Vault
from gateway.storage.unit_of_work import Database, WriteUnit


def utc_now() -> datetime:
    """Return the time, in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Foundation:
    """The database, the vault, and the two sources of what cannot be foreseen."""

    database: Database
    vault: Vault
    now: Callable[[], datetime] = utc_now
    new_id: Callable[[], str] = new_id

    @asynccontextmanager
    async def writing(self, terms: WriteTerms) -> AsyncIterator[WriteUnit]:
        """Give the transaction of one use case, on the caller's terms.

        Raises:
            InvalidInput: for an idempotency key against the rules.

        """
        terms.ensure_valid()
        async with self.database.write(dry_run=terms.dry_run) as unit:
            yield unit
