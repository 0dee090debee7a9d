"""Seal and open values with the data keys of projects, which the key ring wraps."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from gateway.crypto.envelope import TamperedCiphertext, derive_key, keyed_hash, seal, unseal
from gateway.crypto.keyring import KeyRing, Wrapped
from gateway.domain.content import NeverStored, SealedValue, ValueIdentity
from gateway.domain.cryptographic_keys import MAX_SEALS
from gateway.domain.holders import Holder
from gateway.services.data_key_cache import DataKey, DataKeyCache
from gateway.services.instance_key import INSTANCE, new_wrapped, unlock_instance_key
from gateway.storage import data_keys, values
from gateway.storage.audit.row_macs import integrity_fault
from gateway.storage.data_keys import WrappedKey
from gateway.storage.database import Database
from gateway.storage.references import NAME_HASH_BYTES
from gateway.storage.unit_of_work import ReadUnit, WriteUnit

SEALS_AT_ONCE: Final = 1_024
_FINGERPRINT_BYTES: Final = 16

# Turns a text into its keyed hash.
Fingerprint = Callable[[str], str]


class MissingDataKey(Exception):
    """A project has no data key: the database is damaged."""


class LockedVault(Exception):
    """The vault was used before it was unlocked."""


@dataclass(frozen=True, slots=True)
class InstanceKeys(NeverStored):
    """The key ring, which wraps data keys, and the keys derived from the instance's key."""

    key_ring: KeyRing
    token_pepper: bytes = field(repr=False)
    idempotency_key: bytes = field(repr=False)
    fingerprint_key: bytes = field(repr=False)
    audit_key: bytes = field(repr=False)
    cursor_key: bytes = field(repr=False)
    entity_tag_key: bytes = field(repr=False)
    reference_key: bytes = field(repr=False)
    identity_key: bytes = field(repr=False)


class Vault:
    """Seals and opens values. Plaintext keys live only here, and only in memory."""

    def __init__(self, cache: DataKeyCache | None = None, *, now: Callable[[], datetime]) -> None:
        """Create a locked vault: it cannot seal or open before `unlock`.

        `now` returns the creation time of a data key that replaces a worn one.
        """
        self._now = now
        self._opened: InstanceKeys | None = None
        self._cache = DataKeyCache() if cache is None else cache
        self._unwrapping = asyncio.Lock()

    async def unlock(self, key_ring: KeyRing, database: Database, *, at: datetime) -> None:
        """Set the key ring, which wraps data keys. At the first start, create the instance's key.

        Raises:
            TamperedCiphertext: if the key ring does not belong to the database.
            KeysUnavailable: if it does not answer.

        """
        key = await unlock_instance_key(key_ring, database, at=at)
        self._opened = InstanceKeys(
            key_ring,
            token_pepper=derive_key(key, "token-pepper"),
            idempotency_key=derive_key(key, "idempotency"),
            fingerprint_key=derive_key(key, "fingerprint"),
            audit_key=derive_key(key, "audit"),
            cursor_key=derive_key(key, "cursor"),
            entity_tag_key=derive_key(key, "entity-tag"),
            reference_key=derive_key(key, "reference"),
            identity_key=derive_key(key, "identity"),
        )

    def lock(self) -> None:
        self._cache.forget_all()
        self._opened = None

    @property
    def keys(self) -> "InstanceKeys":
        """The key ring, and the keys of what is not a value.

        Raises:
            LockedVault: before it is unlocked.

        """
        if self._opened is None:
            raise LockedVault
        return self._opened

    def fingerprints_of_values(self, project_id: str) -> Fingerprint:
        """Return the keyed hash of values, in hex. It shows only equality within a project.

        Equality can confirm a guessed value, so show it only to principals who can read values.
        """
        key = derive_key(self.keys.fingerprint_key, project_id)
        return lambda value: keyed_hash(key, value.encode())[:_FINGERPRINT_BYTES].hex()

    def fingerprints_of_sets(self, project_id: str) -> Fingerprint:
        """Return the keyed hash of what a service gets, as one text; its key is of its own."""
        return self.fingerprints_of_values(f"set {project_id}")

    def name_hashes(self, names: Iterable[str], *, project_id: str) -> Mapping[str, bytes]:
        """Return the hashes that identify names in references within a project.

        The key is derived from the instance's key, so rotation does not change it.
        """
        key = derive_key(self.keys.reference_key, project_id)
        return {name: keyed_hash(key, name.encode())[:NAME_HASH_BYTES] for name in names}

    def hash_names(self, names: Iterable[str], *, project_id: str) -> frozenset[bytes]:
        return frozenset(self.name_hashes(names, project_id=project_id).values())

    async def new_data_key(self, project_id: str) -> WrappedKey:
        """Return a new wrapped data key of a project, not stored yet.

        Raises:
            KeysUnavailable: if the key ring does not answer.

        """
        return await new_wrapped(self.keys.key_ring, project_id, owner=project_id)

    async def rewrap(self, stored: WrappedKey) -> WrappedKey:
        """Return a data key wrapped by the current key-encryption key, not stored yet.

        Raises:
            TamperedCiphertext: if it does not unwrap.
            KeysUnavailable: if the key ring does not answer.

        """
        owner = stored.project_id or INSTANCE
        key_ring = self.keys.key_ring
        key = await key_ring.unwrap(Wrapped(stored.kek_id, stored.wrapped), owner, stored.id)
        wrapped = await key_ring.wrap(key, owner, stored.id)
        return WrappedKey(
            id=stored.id,
            project_id=stored.project_id,
            kek_id=wrapped.kek_id,
            wrapped=wrapped.ciphertext,
            seal_count=stored.seal_count,
        )

    async def add_project_key(self, unit: WriteUnit, project: Holder, *, at: datetime) -> None:
        """Create and store the data key of a new project."""
        await data_keys.add(unit, await self.new_data_key(project.id), at=at)

    async def forget_project(self, unit: WriteUnit, project_id: str) -> None:
        """Delete a project's data keys. Values that they sealed can no longer be opened."""
        await data_keys.remove_of_project(unit, project_id)
        self._cache.forget_project(project_id)

    async def seal(self, unit: WriteUnit, value: str, identity: ValueIdentity) -> SealedValue:
        """Encrypt a value for one version of one secret; errors as in `seal_all`."""
        return (await self.seal_all(unit, identity.project_id, [(value, identity)]))[0]

    async def seal_all(
        self, unit: WriteUnit, project_id: str, plaintexts: Sequence[tuple[str, ValueIdentity]]
    ) -> Sequence[SealedValue]:
        """Encrypt values of one project with its active data key, each for one version of a secret.

        Raises:
            MissingDataKey: if the project has none.
            TamperedCiphertext: if its data key does not unwrap.
            KeysUnavailable: if the key ring does not answer.

        """
        # Read in each transaction: another process can have rotated it.
        active = await data_keys.find_active(unit, project_id)
        if active is None:
            raise MissingDataKey(project_id)
        data_key = await self._count_seals(unit, active, seals=len(plaintexts))
        return [
            SealedValue(
                data_key.id,
                seal(data_key.value_key, value.encode(), *_identity_of(identity, data_key.id)),
            )
            for value, identity in plaintexts
        ]

    async def open(
        self,
        unit: ReadUnit,
        sealed: SealedValue,
        identity: ValueIdentity,
        *,
        table: str = values.SEALED_VALUE.name,
    ) -> str:
        """Decrypt a value; `table` is where it is stored, for the log of a fault.

        Raises:
            IntegrityFault: if the ciphertext was not sealed for this identity.
            KeysUnavailable: if the key ring does not answer.

        """
        try:
            data_key = await self._key_by_id(unit, sealed.data_key_id, identity.project_id)
            bound_to = _identity_of(identity, sealed.data_key_id)
            return unseal(data_key.value_key, sealed.ciphertext, *bound_to).decode()
        except (TamperedCiphertext, MissingDataKey):
            raise integrity_fault(table, identity.secret_id) from None

    async def _count_seals(self, unit: WriteUnit, active: WrappedKey, *, seals: int) -> DataKey:
        data_key = await self._unwrap(active)
        # The row lacks a reservation whose transaction did not commit, so reserve again.
        if data_key.seals_left < seals or active.seal_count < data_key.reserved_until:
            more = max(seals, SEALS_AT_ONCE)
            if active.seal_count + more > MAX_SEALS:
                active = await self._follow(unit, active)
                data_key = await self._unwrap(active)
            await data_keys.count_seals(unit, active.id, more=more)
            data_key.seals_left = more
            data_key.reserved_until = active.seal_count + more
        data_key.seals_left -= seals
        return data_key

    async def _follow(self, unit: WriteUnit, worn: WrappedKey) -> WrappedKey:
        following = await self.new_data_key(str(worn.project_id))
        await data_keys.retire(unit, worn.id)
        await data_keys.add(unit, following, at=self._now())
        return following

    async def _key_by_id(self, unit: ReadUnit, key_id: str, project_id: str) -> DataKey:
        found = self._cache.find(key_id)
        if found is None:
            stored = await data_keys.find(unit, key_id)
            if stored is None or stored.project_id is None:
                raise MissingDataKey(project_id)
            found = await self._unwrap(stored)
        if found.project_id != project_id:
            raise TamperedCiphertext
        return found

    async def _unwrap(self, stored: WrappedKey) -> DataKey:
        # One at a time, so that concurrent requests for the same key unwrap it once.
        async with self._unwrapping:
            if found := self._cache.find(stored.id):
                return found
            owner = str(stored.project_id)
            wrapped = Wrapped(stored.kek_id, stored.wrapped)
            key = await self.keys.key_ring.unwrap(wrapped, owner, stored.id)
            data_key = DataKey(stored.id, owner, bytearray(derive_key(key, "value")))
            self._cache.keep(data_key)
            return data_key


def _identity_of(identity: ValueIdentity, data_key_id: str) -> tuple[str, ...]:
    # Ids only, so that a renamed secret can still be opened.
    return (
        "value",
        identity.organization_id,
        identity.project_id,
        identity.secret_id,
        str(identity.value_version),
        data_key_id,
    )
