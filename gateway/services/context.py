"""What all use cases share: the dependencies, the limits, and a cache of the loads of deliveries.

The cached load bounds the present one: each later change adds at most one secret, and one more for
each alias of the changed secret.
"""

from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final

from gateway.domain.drafts import WriteOptions
from gateway.domain.errors import ConcurrentChange, Unauthenticated
from gateway.domain.holders import new_id
from gateway.domain.permissions import Permission, Visibility
from gateway.domain.principals import Principal
from gateway.domain.quotas import DeniedKeys, Quotas
from gateway.domain.tokens import earliest
from gateway.services.vault import Vault
from gateway.storage import grants
from gateway.storage.audit.event_lines import EventLines
from gateway.storage.audit.log_times import LogTimes
from gateway.storage.database import Database
from gateway.storage.unit_of_work import ReadUnit, WriteUnit

_MAX_LOADS: Final = 4_096


@dataclass(frozen=True, slots=True)
class CachedLoad:
    """The maximum keys and bytes that a service at or below a holder gets, as of an event."""

    seq: int
    keys: int
    size: int


@dataclass(slots=True)
class LoadCache:
    """The largest deliveries by holder; keeps those measured last."""

    _kept: OrderedDict[str, CachedLoad] = field(default_factory=OrderedDict)

    def find(self, holder_id: str) -> CachedLoad | None:
        return self._kept.get(holder_id)

    def keep(self, holder_id: str, load: CachedLoad) -> None:
        """Keep a load. A full cache evicts the oldest entry."""
        self._kept.pop(holder_id, None)
        self._kept[holder_id] = load
        if len(self._kept) > _MAX_LOADS:
            self._kept.popitem(last=False)


@dataclass(slots=True)
class DeliveryCounts:
    """How many deliveries this process has recorded, and to how many it answered "unchanged"."""

    recorded: int = 0
    unchanged: int = 0


# Reads a principal on a view, with its grants in that view.
LookUp = Callable[[ReadUnit], Awaitable[Principal]]


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
    load_cache: LoadCache = field(default_factory=LoadCache)
    log_times: LogTimes = field(default_factory=LogTimes)
    deliveries: DeliveryCounts = field(default_factory=DeliveryCounts)
    # Writes events elsewhere too, once they are committed.
    event_lines: EventLines | None = None

    @asynccontextmanager
    async def writing(self, options: WriteOptions) -> AsyncIterator[WriteUnit]:
        """Open the transaction of one use case of the instance's operator.

        Raises:
            InvalidInput: for an invalid idempotency key.
            Overloaded: if too many wait to write.

        """
        options.ensure_valid()
        async with self.database.write(dry_run=options.dry_run, is_bounded=True) as unit:
            yield unit
            await unit.finish()


class NoView(RuntimeError):
    """A use case reads, but its caller has opened no view for it."""


class RequestScope:
    """The principal that a request acts for, and the view of the database that its reads share.

    A use case that writes does so in a transaction of its own, and reads the principal again there.
    """

    __slots__ = ("_view", "_visibilities", "context", "look_up", "principal")

    def __init__(
        self,
        context: ServiceContext,
        principal: Principal,
        view: ReadUnit | None = None,
        look_up: LookUp | None = None,
    ) -> None:
        """Take a view, unless nothing is read, and `look_up` if the work outlasts a request."""
        self.context = context
        self.principal = principal
        self._view = view
        self.look_up = look_up
        self._visibilities: tuple[Principal, dict[Permission, Visibility]] = (principal, {})

    @property
    def view(self) -> ReadUnit:
        """The view. Once it is closed, the next read opens it again, on newer data."""
        if self._view is None:
            raise NoView
        return self._view

    @asynccontextmanager
    async def writing(
        self,
        options: WriteOptions,
        *,
        is_bounded: bool = True,
        is_bulk: bool = False,
        keeps_view: bool = False,
    ) -> AsyncIterator[WriteUnit]:
        """Open the transaction of one use case, with the client's options.

        The principal is read again inside it, so that a revocation since the request began counts,
        and an end that was brought forward.
        The view is closed before, unless others still read on it; later reads see what is written.
        An unbounded write waits for the writer however many others wait; it is for work that was
        admitted before it began. Bulk work shares no commit, so that nobody waits for its end.

        Raises:
            InvalidInput: for an invalid idempotency key.
            Unauthenticated: if the principal's credential is no longer valid.
            ConcurrentChange: if the principal's grants have changed since the request began.
            Overloaded: if too many wait to write.

        """
        if self._view is not None:
            self._view.forget()
            if not keeps_view:
                await self._view.close()
        options.ensure_valid()
        database = self.context.database
        async with database.write(
            dry_run=options.dry_run, is_bounded=is_bounded, is_shared=not is_bulk
        ) as unit:
            await self._read_principal_again(unit)
            yield unit
            await unit.finish()

    async def _read_principal_again(self, unit: WriteUnit) -> None:
        principal = self.principal
        # The instance's operator has no credential.
        if principal.kind is None:
            return
        found = await grants.find_principal(unit, principal, at=self.context.now())
        if found is None:
            raise Unauthenticated
        if not found.has_access_of(principal):
            raise ConcurrentChange
        # Its roles may come from claim rules now, and its end may be nearer: what it creates ends
        # with it. Only the credential of a user knows that user's end.
        self.principal = replace(found, expires_at=earliest(principal.expires_at, found.expires_at))

    def visibility(self, permission: Permission) -> Visibility:
        """Return where the current principal has a permission: a list asks for every row."""
        principal, known = self._visibilities
        if principal is not self.principal:
            principal, known = self._visibilities = (self.principal, {})
        if permission not in known:
            known[permission] = principal.visibility(permission)
        return known[permission]


class ScopedService:
    """A use case class, bound to one request."""

    __slots__ = ("_context", "_scope")

    def __init__(self, scope: RequestScope) -> None:
        self._scope = scope
        self._context = scope.context
