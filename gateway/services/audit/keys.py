"""The keyed hashes of the audit log: of its events, of watched rows, and of the sum over them."""

from dataclasses import dataclass, field
from typing import Final, Self

from gateway.crypto.envelope import Signer, derive_key, keyed_hash, seal, unseal
from gateway.domain.audit import AuditEvent, SealedEvent, canonical
from gateway.storage.audit.access_states import ACCESS
from gateway.storage.checked_view import Head

_MODULUS: Final = 2**256
_SUM_BYTES: Final = 32

State = bytes | None


@dataclass(frozen=True, slots=True)
class Sums:
    rows: int = field(default=0, repr=False)
    access: int = field(default=0, repr=False)


@dataclass(frozen=True, slots=True)
class AuditKeys:
    """One key for each purpose, all derived from the instance's audit key."""

    chain: bytes = field(repr=False)
    rows: bytes = field(repr=False)
    parts: bytes = field(repr=False)
    sums: bytes = field(repr=False)
    sum_key: bytes = field(repr=False)
    seed: bytes = field(repr=False)
    access_parts: bytes = field(repr=False)
    access_sum_key: bytes = field(repr=False)

    @classmethod
    def derive(cls, audit_key: bytes) -> Self:
        rows = ("chain", "rows", "parts", "sums", "box", "signature")
        purposes = (*rows, "access-parts", "access-box")
        return cls(*(derive_key(audit_key, f"audit-{purpose}") for purpose in purposes))

    @property
    def signer(self) -> Signer:
        return Signer(self.seed)

    def event_hash(self, event: AuditEvent) -> bytes:
        """Return the hash that seals an event and all before it."""
        return keyed_hash(self.chain, canonical(event))

    def state(self, table: str, row_id: str, text: str | None) -> State:
        """Return the hash of a row's content; None for a missing row."""
        return None if text is None else keyed_hash(self.rows, _join(table, row_id, text))

    def part(self, table: str, row_id: str, state: State) -> int:
        """Return what a row adds to the sum.

        It is a keyed hash of the state. The database holds the states, so with known parts an
        attacker could compose another set of rows with the same sum.
        """
        return _part(self.parts, table, row_id, state)

    def add_change(
        self, total: int, *, table: str, row_id: str, before: State, after: State
    ) -> int:
        """Return the sum after a row went from one state to another."""
        change = self.part(table, row_id, after) - self.part(table, row_id, before)
        return (total + change) % _MODULUS

    def access_moved(
        self, total: int, *, table: str, row_id: str, before: State, after: State
    ) -> int:
        """Return the sum over access rows after one went from one state to another."""
        change = _part(self.access_parts, table, row_id, after) - _part(
            self.access_parts, table, row_id, before
        )
        return (total + change) % _MODULUS

    def add_change_to_sums(
        self, sums: Sums, *, table: str, row_id: str, before: State, after: State
    ) -> Sums:
        """Return both sums after a row went from one state to another."""
        rows = self.add_change(sums.rows, table=table, row_id=row_id, before=before, after=after)
        if table not in ACCESS:
            return Sums(rows, sums.access)
        access = self.access_moved(
            sums.access, table=table, row_id=row_id, before=before, after=after
        )
        return Sums(rows, access)

    def seal_head(self, sealed: SealedEvent, sums: Sums) -> Head:
        seq = sealed.event.seq
        return Head(
            seq,
            sealed.hash,
            set_box=self.seal_sum(sums.rows, seq),
            access_box=self.seal_access_sum(sums.access, seq, sealed.hash),
        )

    def open_sums(self, head: Head) -> Sums:
        """Return both sums of a head.

        Raises:
            TamperedCiphertext: if one belongs to another head or was changed.

        """
        access = self.open_access_sum(head.access_box or b"", head.seq, head.hash)
        return Sums(self.open_sum(head.set_box, head.seq), access)

    def sum_mac(self, total: int) -> bytes:
        """Return the MAC that identifies a sum without revealing it."""
        return keyed_hash(self.sums, total.to_bytes(_SUM_BYTES))

    def seal_sum(self, total: int, seq: int) -> bytes:
        """Return the sum, encrypted for its event."""
        return seal(self.sum_key, total.to_bytes(_SUM_BYTES), "audit-sum", str(seq))

    def open_sum(self, ciphertext: bytes, seq: int) -> int:
        """Return an encrypted sum.

        Raises:
            TamperedCiphertext: if it belongs to another event, or was changed.

        """
        return int.from_bytes(unseal(self.sum_key, ciphertext, "audit-sum", str(seq)))

    def seal_access_sum(self, total: int, seq: int, event_hash: bytes) -> bytes:
        """Return the sum over access rows, encrypted for its head."""
        plain = total.to_bytes(_SUM_BYTES)
        return seal(self.access_sum_key, plain, "audit-access-sum", str(seq), event_hash.hex())

    def open_access_sum(self, ciphertext: bytes, seq: int, event_hash: bytes) -> int:
        """Return an encrypted sum over access rows.

        Raises:
            TamperedCiphertext: if it belongs to another head, or was changed.

        """
        identity = ("audit-access-sum", str(seq), event_hash.hex())
        return int.from_bytes(unseal(self.access_sum_key, ciphertext, *identity))


def _part(key: bytes, table: str, row_id: str, state: State) -> int:
    if state is None:
        return 0
    return int.from_bytes(keyed_hash(key, _join(table, row_id) + state))


def _join(*parts: str) -> bytes:
    raw = [part.encode("utf-8", "surrogatepass") for part in parts]
    return b"".join(len(part).to_bytes(4, "big") + part for part in raw)
