"""The dependencies that all use cases share."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from gateway.domain.denied_keys import DeniedKeys
from gateway.domain.drafts import WriteOptions
from gateway.domain.errors import ConcurrentChange, Unauthenticated
from gateway.domain.ids import new_id
from gateway.domain.principals import Principal
from gateway.domain.quotas import Quotas
from gateway.services.known_loads import KnownLoads
from gateway.services.vault import Vault
from gateway.storage import grants
from gateway.storage.unit_of_work import Database, WriteUnit


def utc_now() -> datetime:
    """Return the time, in UTC."""
    return datetime.now(UTC)


ALL_ALLOWED: Final = DeniedKeys()


@dataclass(frozen=True, slots=True)
class ServiceContext:
    database: Database
    vault: Vault
    now: Callable[[], datetime] = utc_now
    new_id: Callable[[], str] = new_id
    denied_keys: DeniedKeys = ALL_ALLOWED
    quotas: Quotas = field(default_factory=Quotas)
    known_loads: KnownLoads = field(default_factory=KnownLoads)

    @asynccontextmanager
    async def writing(
        self, options: WriteOptions, *, principal: Principal | None, is_bounded: bool = True
    ) -> AsyncIterator[WriteUnit]:
        """Open the transaction of one use case, with the client's options.

        The principal is read again inside it, so that a revocation since the request began counts.
        The instance's operator has no credential. An unbounded write waits for the writer however
        many others wait; it is for work that was admitted before it began.

        Raises:
            InvalidInput: for an invalid idempotency key.
            Unauthenticated: if the principal's credential is no longer valid.
            ConcurrentChange: if the principal's grants have changed since the request began.
            Overloaded: if too many wait to write.

        """
        options.ensure_valid()
        async with self.database.write(dry_run=options.dry_run, is_bounded=is_bounded) as unit:
            await self._ensure_access_is_unchanged(unit, principal)
            yield unit
            await unit.finish()

    async def _ensure_access_is_unchanged(
        self, unit: WriteUnit, principal: Principal | None
    ) -> None:
        if principal is None or principal.kind is None:
            return
        found = await grants.find_principal(unit, principal, at=self.now())
        if found is None:
            raise Unauthenticated
        if not found.has_access_of(principal):
            raise ConcurrentChange
