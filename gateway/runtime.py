"""The gateway without its interfaces: the base of both the server and the command line."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final, Self

import structlog

from gateway.config.key_providers import key_ring
from gateway.config.production_checks import ensure_safe
from gateway.config.settings import Settings
from gateway.config.types import KeyProviderName
from gateway.crypto.envelope import TamperedCiphertext
from gateway.crypto.keyring import ensure_known_answers
from gateway.domain.audit import CatalogNotTrusted
from gateway.domain.errors import IntegrityFault, KeysUnavailable, RefusedStart, Unavailable
from gateway.domain.quotas import DeniedKeys
from gateway.services.authentication import TokenUses
from gateway.services.container import Services
from gateway.services.context import ServiceContext, utc_now
from gateway.services.data_key_cache import DataKeyCache
from gateway.services.operator.container import OperatorServices
from gateway.services.operator.references import Report, log_escaped
from gateway.services.vault import Vault
from gateway.storage import data_keys
from gateway.storage.audit.event_lines import STANDARD_OUTPUT, EventLines
from gateway.storage.database import Database
from gateway.storage.migrate import ensure_durable, ensure_migrated, migrate

_log = structlog.get_logger(__name__)

# Seconds. A crash loses at most this much of the tokens' last use.
USES_ARE_STORED_EVERY: Final = 60

# Seconds. Retention counts whole days, so all but the first time of a day find nothing.
RETENTION_IS_APPLIED_EVERY: Final = 600

# Seconds. All that a large deletion hides is deleted soon after; without one, one statement runs.
DELETIONS_ARE_FINISHED_EVERY: Final = 5

# Seconds between two times of work that takes longer than its period.
_SHORTEST_PAUSE: Final = 1


class WrongKeyFile(RefusedStart):
    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} does not open this database: restore its own key file.")


class WrongKeys(RefusedStart):
    def __init__(self, provider: str) -> None:
        super().__init__(f"The keys of the provider {provider} do not open this database.")


class SilentKeyProvider(RefusedStart):
    def __init__(self, provider: str) -> None:
        super().__init__(f"The key provider {provider} does not answer or refuses its key.")


@dataclass(frozen=True, slots=True)
class Runtime:
    """The running parts: the settings, the database, the vault, and the use cases over them."""

    settings: Settings
    database: Database
    vault: Vault
    services: Services
    # It checks no permission, so no interface gets it.
    operator: OperatorServices
    event_lines: EventLines | None = None
    # Receives each value from before an upgrade whose delivery the upgrade changes.
    report: Report = log_escaped

    @classmethod
    def over(cls, settings: Settings, *, output: BinaryIO | None = None) -> Self:
        """Build the runtime; nothing is opened yet. `output` is a server's standard output."""
        database = Database(settings.resolved_database_url)
        vault = Vault(DataKeyCache(seconds=settings.data_key_seconds), now=utc_now)
        context = ServiceContext(
            database,
            vault,
            quotas=settings.quotas,
            denied_keys=DeniedKeys.read(settings.denied_keys),
            event_lines=_event_lines(settings.audit_events_file, output),
        )
        return cls.built_on(context, settings)

    @classmethod
    def built_on(cls, context: ServiceContext, settings: Settings) -> Self:
        uses = TokenUses(context)
        return cls(
            settings,
            context.database,
            context.vault,
            Services(context, uses),
            OperatorServices.over(context, uses),
            context.event_lines,
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Self]:
        """Open all that is needed to serve, and close it at the end.

        Raises:
            RefusedStart: if something is unusable; the message says what to do.

        """
        ensure_known_answers()
        ensure_safe(self.settings)
        if self.event_lines is not None:
            self.event_lines.ensure_writable()
        async with self.database:
            await ensure_migrated(self.database)
            await ensure_durable(self.database)
            await self._unlock()
            await self.operator.audit.begin(self.settings.resolved_audit_checkpoint_file)
            await self.operator.references.read_older_values(report=self.report)
            try:
                async with self._storing_uses(), self.services.notifier.running():
                    yield self
            finally:
                await self.services.shielded_tasks.drain()
                await self.operator.audit.checkpoint()
                self.vault.lock()

    @asynccontextmanager
    async def _storing_uses(self) -> AsyncIterator[None]:
        stopped = asyncio.Event()

        async def store() -> None:
            while not stopped.is_set():
                with suppress(TimeoutError):
                    await asyncio.wait_for(stopped.wait(), USES_ARE_STORED_EVERY)
                await _attempt(self.operator.token_uses.store)

        task = asyncio.create_task(store())
        try:
            yield
        finally:
            # Never cancelled: a write that has begun finishes.
            stopped.set()
            await task

    async def _unlock(self) -> None:
        ring = key_ring(self.settings, is_fresh=await self.is_fresh())
        try:
            await self.vault.unlock(ring, self.database, at=utc_now())
        except TamperedCiphertext:
            if self.settings.key_provider is KeyProviderName.KEYFILE:
                raise WrongKeyFile(self.settings.resolved_key_file) from None
            raise WrongKeys(ring.primary.name) from None
        except KeysUnavailable:
            raise SilentKeyProvider(ring.primary.name) from None
        except CatalogNotTrusted as trust_fault:
            # Only if the start itself would write: it has no key yet, or has MACs to add.
            raise RefusedStart(trust_fault.message) from None

    async def is_fresh(self) -> bool:
        """Whether the database has no keys, and therefore no values."""
        async with self.database.read() as unit:
            return await data_keys.find_active(unit, None) is None


def _event_lines(path: Path | None, output: BinaryIO | None) -> EventLines | None:
    """Return what writes events as lines. A command keeps its standard output for what it says."""
    target = output if path == STANDARD_OUTPUT else path
    return None if target is None else EventLines(target)


@asynccontextmanager
async def periodic_tasks(operator: OperatorServices, settings: Settings) -> AsyncIterator[None]:
    """Run a server's periodic work for the length of the block: checkpoints, checks, deletions."""
    audit = operator.audit
    tasks = [
        asyncio.create_task(_repeat(audit.checkpoint, settings.audit_checkpoint_seconds)),
        asyncio.create_task(_repeat(audit.scan_integrity, settings.integrity_scan_seconds)),
        asyncio.create_task(_repeat(audit.watch_log, settings.integrity_scan_seconds)),
        asyncio.create_task(_repeat(operator.deletions.finish, DELETIONS_ARE_FINISHED_EVERY)),
    ]

    async def remove_old_events() -> None:
        if (days := settings.audit_retention_days) is not None:
            await audit.apply_retention(days)

    async def remove_old_versions() -> None:
        # During an alarm all stays: it shows what happened.
        if not audit.needs_attention:
            await operator.versions.apply_retention(
                days=settings.versions_retention_days, kept=settings.versions_kept
            )

    tasks += [
        asyncio.create_task(_repeat(work, RETENTION_IS_APPLIED_EVERY))
        for work in (remove_old_events, remove_old_versions)
    ]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _repeat(work: Callable[[], Coroutine[Any, Any, object]], seconds: float) -> None:
    """Do work once in each period, or again and again if it takes longer than that."""
    pause = seconds
    while True:
        await asyncio.sleep(pause)
        begun = time.monotonic()
        await _attempt(work)
        pause = max(seconds - (time.monotonic() - begun), _SHORTEST_PAUSE)


async def _attempt(work: Callable[[], Coroutine[Any, Any, object]]) -> None:
    """Do work that is tried again later, whatever it raises."""
    try:
        await work()
    except (Unavailable, IntegrityFault):
        # The database does not answer at the moment, or a row cannot be read; the next time that
        # can be over.
        _log.warning("watch_failed", work=work.__name__)
    except Exception as error:  # noqa: BLE001 - without this, the task would end unnoticed
        _log.error("unexpected_error", work=work.__name__, exc_info=error)


async def migrate_database(settings: Settings) -> None:
    """Migrate the database to this version's schema; create it if it is missing."""
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    async with Database(settings.resolved_database_url, creates=True) as database:
        _make_private(Path(database.path))
        await migrate(database)


def _make_private(path: Path) -> None:
    # SQLite would let all users read it and the files beside it.
    if path.parent.is_dir():
        path.touch(mode=0o600)
