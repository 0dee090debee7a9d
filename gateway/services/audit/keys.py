"""The keyed hashes of the audit log: of its events, and of the sums over the MACs of rows."""

from dataclasses import dataclass, field
from typing import Final, Self

from gateway.crypto.envelope import Signer, derive_key, keyed_hash, seal, unseal
from gateway.domain.audit import AuditEvent, SealedEvent, canonical
from gateway.storage.audit.changes import Key
from gateway.storage.audit.records import ACCESS
from gateway.storage.checked_view import Head

MODULUS: Final = 2**256
_SUM_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Sums:
    rows: int = field(default=0, repr=False)
    access: int = field(default=0, repr=False)


@dataclass(frozen=True, slots=True)
class AuditKeys:
    """One key for each purpose, all derived from the instance's audit key."""

    chain: bytes = field(repr=False)
    sums: bytes = field(repr=False)
    seed: bytes = field(repr=False)
    parts: bytes = field(repr=False)
    sum_key: bytes = field(repr=False)
    access_parts: bytes = field(repr=False)
    access_sum_key: bytes = field(repr=False)

    @classmethod
    def derive(cls, audit_key: bytes) -> Self:
        # The sums of before rows were recorded by MAC have keys of their own: see `upgrade`.
        purposes = ("chain", "sums", "signature")
        of_macs = ("mac-parts", "mac-sum", "access-mac-parts", "access-mac-sum")
        return cls(*(derive_key(audit_key, f"audit-{purpose}") for purpose in purposes + of_macs))

    @property
    def signer(self) -> Signer:
        return Signer(self.seed)

    def event_hash(self, event: AuditEvent) -> bytes:
        """Return the hash that seals an event and all before it."""
        return keyed_hash(self.chain, canonical(event))

    def part(self, key: Key, mac: bytes | None) -> int:
        """Return what a row adds to the sum; a missing row adds nothing.

        It is a keyed hash of the row's MAC. The database holds the MACs, so with known parts an
        attacker could compose another set of rows with the same sum.
        """
        return _part(self.parts, key, mac)

    def access_part(self, key: Key, mac: bytes | None) -> int:
        """Return what a row adds to the sum over access rows, if it is one."""
        return _part(self.access_parts, key, mac) if key[0] in ACCESS else 0

    def add_change(
        self, sums: Sums, key: Key, *, before: bytes | None, after: bytes | None
    ) -> Sums:
        """Return both sums after a row went from one MAC to another."""
        rows = self.part(key, after) - self.part(key, before)
        access = self.access_part(key, after) - self.access_part(key, before)
        return Sums((sums.rows + rows) % MODULUS, (sums.access + access) % MODULUS)

    def seal_head(self, sealed: SealedEvent, sums: Sums) -> Head:
        seq = sealed.event.seq
        return Head(
            seq,
            sealed.hash,
            sealed_sum=self.seal_sum(sums.rows, seq),
            sealed_access_sum=self.seal_access_sum(sums.access, seq, sealed.hash),
        )

    def open_sums(self, head: Head) -> Sums:
        """Return both sums of a head.

        Raises:
            TamperedCiphertext: if one belongs to another head or was changed.

        """
        access = self.open_access_sum(head.sealed_access_sum or b"", head.seq, head.hash)
        return Sums(self.open_sum(head.sealed_sum, head.seq), access)

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


def _part(key: bytes, row: Key, mac: bytes | None) -> int:
    return 0 if mac is None else int.from_bytes(keyed_hash(key, joined(*row) + mac))


def joined(*parts: str) -> bytes:
    """Return texts as bytes, each after its length, so that two lists never have the same."""
    raw = [part.encode("utf-8", "surrogatepass") for part in parts]
    return b"".join(len(part).to_bytes(4, "big") + part for part in raw)
