"""The operator's work on keys. It can run beside servers.

Each step is a transaction that leaves everything readable, so a killed run can be repeated.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Final

from gateway.crypto.envelope import TamperedCiphertext
from gateway.crypto.key_providers import KeysInFile
from gateway.domain.cryptographic_keys import DataKeyFacts
from gateway.domain.errors import ErrorCode, GatewayError, IntegrityFault
from gateway.domain.refusals import HolderNotFound
from gateway.domain.scopes import Scope
from gateway.services.context import ServiceContext
from gateway.services.vault import MissingDataKey
from gateway.storage import data_keys, values, version_removal
from gateway.storage.audit.row_macs import integrity_fault
from gateway.storage.unit_of_work import WriteUnit
from gateway.storage.values import StoredValue

# Small enough that writers of the servers do not wait long for their turn.
BATCH: Final = 50
# Sorts before any id.
_BEGINNING: Final = ""


class KeysKeptElsewhere(GatewayError):
    code = ErrorCode.BAD_USER_INPUT

    def __init__(self, provider: str) -> None:
        super().__init__(
            f"The provider {provider} makes its keys itself: set the new one, then run "
            "`secrets-gateway keys rewrap`."
        )


@dataclass(frozen=True, slots=True)
class KeyStatus:
    provider: str
    kek_id: str
    data_keys: Sequence[DataKeyFacts]


@dataclass(frozen=True, slots=True)
class Rewrapped:
    """The counts of rewrapped keys and resealed values, and of those that failed."""

    data_keys: int = 0
    values: int = 0
    removed: int = 0
    failed: int = 0


class Keys:
    def __init__(self, context: ServiceContext) -> None:
        self._context = context

    async def status(self) -> KeyStatus:
        """Return the facts of all keys, without key material.

        Raises:
            KeysUnavailable: if the key provider does not answer.

        """
        primary = self._context.vault.keys.key_ring.primary
        async with self._context.database.read() as unit:
            found = await data_keys.facts(unit)
        return KeyStatus(primary.name, await primary.current_id(), found)

    async def rotate(self) -> str:
        """Create a new key-encryption key, which wraps from now on; return its id.

        Raises:
            KeysKeptElsewhere: if the provider's keys are not made here.

        """
        return self._file().add_key()

    async def unneeded_keys(self) -> list[str]:
        """Return the ids of the key-encryption keys that `retire` would destroy.

        Raises:
            KeysKeptElsewhere: if the provider's keys are not made here.

        """
        file = self._file()
        async with self._context.database.read() as unit:
            return file.other_keys(await data_keys.wrapping_ids(unit))

    async def retire(self) -> list[str]:
        """Destroy the key-encryption keys that no longer wrap anything; return their ids.

        Raises:
            KeysKeptElsewhere: if the provider's keys are not made here.

        """
        file = self._file()
        # Hold the write lock, so that no other writer stores a data key that one of them wrapped.
        async with self._context.database.write() as unit:
            return file.remove_keys(await data_keys.wrapping_ids(unit))

    async def renew(self, *, project_id: str | None = None) -> int:
        """Create a new data key for a project, or for each project, to seal from now on.

        Returns the number of projects with a new key. `rewrap` reseals the existing values.

        Raises:
            HolderNotFound: if there is no such project.
            KeysUnavailable: if the key provider does not answer.

        """
        async with self._context.database.read() as unit:
            found = await data_keys.facts(unit)
        projects = sorted({item.project_id for item in found if item.project_id})
        if project_id is not None:
            if project_id not in projects:
                raise HolderNotFound(Scope.PROJECT, project_id)
            projects = [project_id]
        return sum([await self._renew(project) for project in projects])

    async def rewrap(self) -> Rewrapped:
        """Rewrap data keys, then reseal values, both with the newest keys.

        What cannot be opened stays unchanged, and is counted and logged.

        Raises:
            KeysUnavailable: if the key provider does not answer.

        """
        wrapped, unwrappable = await self._rewrap_data_keys()
        sealed, unopened = await self._reseal_values()
        async with self._context.database.write() as unit:
            removed = await data_keys.remove_unused(unit)
        return Rewrapped(wrapped, sealed, removed, unwrappable + unopened)

    def _file(self) -> KeysInFile:
        primary = self._context.vault.keys.key_ring.primary
        if not isinstance(primary, KeysInFile):
            raise KeysKeptElsewhere(primary.name)
        return primary

    async def _renew(self, project_id: str) -> bool:
        # Created before the transaction, since wrapping can wait for a network.
        new = await self._context.vault.new_data_key(project_id)
        async with self._context.database.write() as unit:
            active = await data_keys.find_active(unit, project_id)
            if active is None:  # Deleted meanwhile.
                return False
            await data_keys.retire(unit, active.id)
            await data_keys.add(unit, new, at=self._context.now())
        return True

    async def _rewrap_data_keys(self) -> tuple[int, int]:
        done, failed = 0, 0
        current = await self._context.vault.keys.key_ring.primary.current_id()
        async with self._context.database.read() as unit:
            found = await data_keys.not_wrapped_by(unit, current)
        for stored in found:
            try:
                new = await self._context.vault.rewrap(stored)
            except TamperedCiphertext:
                integrity_fault(data_keys.DATA_KEY.name, stored.id)
                failed += 1
                continue
            async with self._context.database.write() as unit:
                done += await data_keys.rewrap(unit, stored, new)
        return done, failed

    async def _reseal_values(self) -> tuple[int, int]:
        done, failed = 0, 0
        async with self._context.database.read() as unit:
            projects = await data_keys.retiring_of(unit)
        for project_id in projects:
            for reseal in (self._reseal_step, self._reseal_former_values):
                async for is_done in reseal(project_id):
                    done += is_done
                    failed += not is_done
        return done, failed

    async def _reseal_step(self, project_id: str) -> AsyncIterator[bool]:
        after, batch = _BEGINNING, [_BEGINNING]
        while batch:
            begun = time.monotonic()
            async with self._context.database.write() as unit:
                found = await values.batch_to_reseal(unit, project_id, after=after, most=BATCH)
                outcomes = [await self._reseal(unit, stored) for stored in found]
            batch = [stored.identity.secret_id for stored in found]
            after = batch[-1] if batch else after
            for is_done in outcomes:
                yield is_done
            # Leave other writers at least as much time.
            await asyncio.sleep(time.monotonic() - begun)

    async def _reseal_former_values(self, project_id: str) -> AsyncIterator[bool]:
        after = (_BEGINNING, 0)
        while True:
            begun = time.monotonic()
            async with self._context.database.write() as unit:
                found = await version_removal.batch_to_reseal(
                    unit, project_id, after=after, most=BATCH
                )
                outcomes = [await self._reseal_former(unit, stored) for stored in found]
            if not found:
                return
            after = (found[-1].identity.secret_id, found[-1].identity.value_version)
            for is_done in outcomes:
                yield is_done
            await asyncio.sleep(time.monotonic() - begun)

    async def _reseal_former(self, unit: WriteUnit, stored: StoredValue) -> bool:
        vault = self._context.vault
        try:
            value = await vault.open(unit, stored.sealed, stored.identity)
            sealed = await vault.seal(unit, value, stored.identity)
        except (IntegrityFault, MissingDataKey):
            return False
        version_removal.reseal(unit, stored, sealed)
        return True

    async def _reseal(self, unit: WriteUnit, stored: StoredValue) -> bool:
        vault = self._context.vault
        try:
            value = await vault.open(unit, stored.sealed, stored.identity)
            return await values.reseal(unit, stored, await vault.seal(unit, value, stored.identity))
        except (IntegrityFault, MissingDataKey):
            return False
