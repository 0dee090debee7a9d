"""The keyed hashes of the audit trail: of its links, of watched rows, and of the sum over them."""

from dataclasses import dataclass, field
from typing import Final, Self

from gateway.crypto.envelope import derive_key, keyed_hash, open_box, seal
from gateway.crypto.signing import Signer
from gateway.domain.audit import AuditEvent, canonical

_MODULUS: Final = 2**256
_SUM_BYTES: Final = 32

State = bytes | None


@dataclass(frozen=True, slots=True)
class TrailKeys:
    """One key a purpose, all derived from the instance's audit key."""

    chain: bytes = field(repr=False)
    rows: bytes = field(repr=False)
    parts: bytes = field(repr=False)
    sums: bytes = field(repr=False)
    box: bytes = field(repr=False)
    seed: bytes = field(repr=False)

    @classmethod
    def derived(cls, audit_key: bytes) -> Self:
        """Derive them."""
        purposes = ("chain", "rows", "parts", "sums", "box", "signature")
        return cls(*(derive_key(audit_key, f"audit-{purpose}") for purpose in purposes))

    @property
    def signer(self) -> Signer:
        """Who signs anchors."""
        return Signer(self.seed)

    def link_hash(self, event: AuditEvent) -> bytes:
        """Return the hash that seals an event and all before it."""
        return keyed_hash(self.chain, canonical(event))

    def state(self, noun: str, row_id: str, text: str | None) -> State:
        """Return the hash of what a row is; None if it is not there."""
        return None if text is None else keyed_hash(self.rows, _joined(noun, row_id, text))

    def part(self, noun: str, row_id: str, state: State) -> int:
        """Return what a row adds to the sum.

        Keyed anew: states stand in the database, and from known parts another set of rows with the
        same sum could be put together.
        """
        if state is None:
            return 0
        return int.from_bytes(keyed_hash(self.parts, _joined(noun, row_id) + state))

    def moved(self, total: int, *, noun: str, row_id: str, before: State, after: State) -> int:
        """Return the sum after a row went from one state to another."""
        change = self.part(noun, row_id, after) - self.part(noun, row_id, before)
        return (total + change) % _MODULUS

    def sum_mac(self, total: int) -> bytes:
        """Return by what a sum is known without being told."""
        return keyed_hash(self.sums, total.to_bytes(_SUM_BYTES))

    def sealed_sum(self, total: int, seq: int) -> bytes:
        """Return the sum, encrypted for the link that it belongs to."""
        return seal(self.box, total.to_bytes(_SUM_BYTES), "audit-sum", str(seq))

    def opened_sum(self, box: bytes, seq: int) -> int:
        """Return an encrypted sum.

        Raises:
            TamperedBox: if it belongs to another link, or was changed.

        """
        return int.from_bytes(open_box(self.box, box, "audit-sum", str(seq)))


def _joined(*parts: str) -> bytes:
    raw = [part.encode("utf-8", "surrogatepass") for part in parts]
    return b"".join(len(part).to_bytes(4, "big") + part for part in raw)
