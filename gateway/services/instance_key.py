"""The instance's own data key. It is created once, and the keys of rows' MACs derive from it."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Final

from gateway.crypto.envelope import TamperedCiphertext, derive_key, new_key
from gateway.crypto.keyring import KeyRing, Wrapped
from gateway.domain.ids import new_id
from gateway.services.audit_keys import AuditKeys
from gateway.services.mac_backfill import backfill_macs
from gateway.storage import catalog, data_keys
from gateway.storage.data_keys import WrappedKey
from gateway.storage.row_macs import COVERED, HOLDERS, USERS, Covered, RowMacs
from gateway.storage.unit_of_work import Database

# A ciphertext for an older identity is from before some rows had MACs. The first start after the
# upgrade opens it once and seals it again for this identity.
INSTANCE: Final = "instance/2"
_WITHOUT_MACS: Final[Mapping[str, Sequence[Covered]]] = {
    INSTANCE: (),
    "instance/1": (USERS, HOLDERS),
    "instance": COVERED,
}


async def unlock_instance_key(key_ring: KeyRing, database: Database, *, at: datetime) -> bytes:
    """Return the instance's plaintext key, created at the first start; the database can check MACs.

    Raises:
        TamperedCiphertext: if the key ring does not belong to the database.
        KeysUnavailable: if it does not answer.

    """
    async with database.read() as unit:
        stored = await data_keys.find_active(unit, None)
    if stored is None:
        stored = await _first(key_ring, database, at=at)
    key, bare = await _unwrap(key_ring, stored)
    database.macs = RowMacs(derive_key(key, "row-mac"))
    if bare:
        await _backfill_macs(key_ring, database, stored, key, bare)
    return key


async def new_wrapped(key_ring: KeyRing, project_id: str | None, *, owner: str) -> WrappedKey:
    """Return a new data key, wrapped and not stored yet.

    Raises:
        KeysUnavailable: if the ring does not answer.

    """
    key_id = new_id()
    wrapped = await key_ring.wrap(new_key(), owner, key_id)
    return WrappedKey(
        id=key_id, project_id=project_id, kek_id=wrapped.kek_id, wrapped=wrapped.ciphertext
    )


async def _first(key_ring: KeyRing, database: Database, *, at: datetime) -> WrappedKey:
    made = await new_wrapped(key_ring, None, owner=INSTANCE)
    async with database.write() as unit:
        # If processes start together, the first one's key counts.
        stored = await data_keys.find_active(unit, None)
        if stored is None:
            await catalog.ensure_expected(unit)
            await data_keys.add(unit, made, at=at)
    return stored or made


async def _unwrap(key_ring: KeyRing, stored: WrappedKey) -> tuple[bytes, Sequence[Covered]]:
    wrapped = Wrapped(stored.kek_id, stored.wrapped)
    for identity, bare in _WITHOUT_MACS.items():
        with suppress(TamperedCiphertext):
            return await key_ring.unwrap(wrapped, identity, stored.id), bare
    raise TamperedCiphertext


async def _backfill_macs(
    key_ring: KeyRing, database: Database, old: WrappedKey, key: bytes, bare: Sequence[Covered]
) -> None:
    wrapped = await key_ring.wrap(key, INSTANCE, old.id)
    new = WrappedKey(id=old.id, project_id=None, kek_id=wrapped.kek_id, wrapped=wrapped.ciphertext)
    async with database.write() as unit:
        await catalog.ensure_expected(unit)
        # If processes start together, one backfills the MACs.
        if await data_keys.rewrap(unit, old, new):
            await backfill_macs(unit, bare, AuditKeys.derive(derive_key(key, "audit")))
