"""The instance's key for MACs, and the MACs of rows that were written before it."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Final

from gateway.crypto.envelope import TamperedCiphertext, derive_key, new_key
from gateway.crypto.keyring import KeyRing, Wrapped
from gateway.domain.holders import new_id
from gateway.services.audit.upgrade import FormerKeys
from gateway.storage import data_keys
from gateway.storage.audit import event_log, former_states
from gateway.storage.audit.row_macs import (
    GRANTS,
    HOLDERS,
    SECRETS,
    TOKENS,
    USERS,
    Covered,
    RowMacs,
)
from gateway.storage.data_keys import WrappedKey
from gateway.storage.database import Database
from gateway.storage.dialects import catalog
from gateway.storage.unit_of_work import WriteUnit

_BATCH: Final = 500


async def backfill_macs(unit: WriteUnit, tables: Iterable[Covered], former: FormerKeys) -> None:
    """Add the MACs to the rows of these tables.

    If there is an audit log, a row that differs from it gets no MAC and is refused when used. So
    an earlier edit or an older database does not become trusted.
    """
    has_log = await event_log.head(unit) is not None
    for covered in tables:
        table, after = covered.table.name, ""
        while page := await former_states.compared(unit, table, after=after, size=_BATCH):
            known = [
                row_id
                for row_id, text, recorded in page
                if not has_log or former.matches((table, row_id), text, recorded)
            ]
            await former_states.add_macs(unit, covered, known)
            after = page[-1][0]


# A ciphertext for an older identity is from before some rows had MACs. The first start after the
# upgrade opens it once and seals it again for this identity.
INSTANCE: Final = "instance/2"
_WITHOUT_MACS: Final[Mapping[str, Sequence[Covered]]] = {
    INSTANCE: (),
    "instance/1": (USERS, HOLDERS),
    "instance": (SECRETS, TOKENS, GRANTS, USERS, HOLDERS),
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
    database.macs = _row_macs(key)
    if bare:
        await _backfill_macs(key_ring, database, stored, key, bare)
    return key


async def new_wrapped(
    key_ring: KeyRing, project_id: str | None, *, owner: str, key: bytes | None = None
) -> WrappedKey:
    """Return a data key, wrapped and not stored yet; a new one unless it is given.

    Raises:
        KeysUnavailable: if the ring does not answer.

    """
    key_id = new_id()
    wrapped = await key_ring.wrap(key or new_key(), owner, key_id)
    return WrappedKey(
        id=key_id, project_id=project_id, kek_id=wrapped.kek_id, wrapped=wrapped.ciphertext
    )


def _row_macs(key: bytes) -> RowMacs:
    return RowMacs(derive_key(key, "row-mac"))


async def _first(key_ring: KeyRing, database: Database, *, at: datetime) -> WrappedKey:
    key = new_key()
    made = await new_wrapped(key_ring, None, owner=INSTANCE, key=key)
    async with database.write() as unit:
        unit.checking(_row_macs(key))
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
            await backfill_macs(unit, bare, FormerKeys.derive(derive_key(key, "audit")))
