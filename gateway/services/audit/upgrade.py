"""Replace the records of an older version by the MACs of the rows, at the first start after it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hmac import compare_digest
from typing import Final, Self

from gateway.crypto.envelope import TamperedCiphertext, derive_key, keyed_hash, unseal
from gateway.services.audit.keys import MODULUS, AuditKeys, Sums, joined
from gateway.storage.audit import former_states, records
from gateway.storage.audit.changes import Key
from gateway.storage.audit.records import ACCESS
from gateway.storage.audit.row_macs import AUDITED, Covered
from gateway.storage.checked_view import Head
from gateway.storage.unit_of_work import ReadUnit, WriteUnit

PAGE: Final = 1_000

_Compared = Sequence[tuple[str, str | None, bytes | None]]


@dataclass(frozen=True, slots=True)
class FormerKeys:
    """The keys of records that are hashes of rows' states."""

    rows: bytes = field(repr=False)
    parts: bytes = field(repr=False)
    sum_key: bytes = field(repr=False)
    access_parts: bytes = field(repr=False)
    access_sum_key: bytes = field(repr=False)

    @classmethod
    def derive(cls, audit_key: bytes) -> Self:
        purposes = ("rows", "parts", "box", "access-parts", "access-box")
        return cls(*(derive_key(audit_key, f"audit-{purpose}") for purpose in purposes))

    def matches(self, key: Key, text: str | None, recorded: bytes | None) -> bool:
        """Return whether a row with this state is the one that was recorded."""
        if text is None or recorded is None:
            return False
        return compare_digest(keyed_hash(self.rows, joined(*key, text)), recorded)

    def is_of(self, head: Head) -> bool:
        """Return whether a head is of such an older version."""
        try:
            self.open_sums(head)
        except TamperedCiphertext:
            return False
        return True

    def open_sums(self, head: Head) -> tuple[int, int | None]:
        """Return the sums of a head: over all rows, and over access rows if it has that one.

        Raises:
            TamperedCiphertext: if the head is not of such an older version.

        """
        rows = unseal(self.sum_key, head.sealed_sum, "audit-sum", str(head.seq))
        if head.sealed_access_sum is None:
            return int.from_bytes(rows), None
        identity = ("audit-access-sum", str(head.seq), head.hash.hex())
        access = unseal(self.access_sum_key, head.sealed_access_sum, *identity)
        return int.from_bytes(rows), int.from_bytes(access)

    def add(self, sums: Sums, key: Key, recorded: bytes | None) -> Sums:
        if recorded is None:
            return sums
        message = joined(*key) + recorded
        rows = int.from_bytes(keyed_hash(self.parts, message))
        access = int.from_bytes(keyed_hash(self.access_parts, message)) if key[0] in ACCESS else 0
        return Sums((sums.rows + rows) % MODULUS, (sums.access + access) % MODULUS)


async def upgrade_records(
    unit: WriteUnit, head: Head, keys: AuditKeys, former: FormerKeys
) -> tuple[int, Sums]:
    """Replace the records of all rows; return their number and the new sums.

    A row that differs from its record keeps the record, which no MAC equals, so it stays a finding;
    and sums that do not match stay wrong.

    Raises:
        TamperedCiphertext: if the head is not of such an older version.

    """
    rows, access = former.open_sums(head)
    count, then, now = 0, Sums(), Sums()
    for table in former_states.TABLES:
        covered = AUDITED[table]
        after: str | None = ""
        while after is not None:
            page = await former_states.compared(unit, table, after=after, size=PAGE)
            macs = await _macs(unit, covered, former, page)
            records.keep(unit, macs)
            for row_id, _, recorded in page:
                key = (table, row_id)
                then = former.add(then, key, recorded)
                now = keys.add_change(now, key, before=None, after=macs.get(key, recorded))
            count += len(page)
            after = page[-1][0] if page else None
    # An older version had no sum over access rows; then the other one counts for them.
    is_sound = then.rows == rows
    is_access_sound = is_sound if access is None else then.access == access
    return count, Sums(
        (now.rows + (not is_sound)) % MODULUS, (now.access + (not is_access_sound)) % MODULUS
    )


async def _macs(
    unit: ReadUnit, covered: Covered, former: FormerKeys, page: _Compared
) -> Mapping[Key, bytes]:
    """Return the MACs of those rows that are as they were recorded."""
    table = covered.table.name
    same = [row_id for row_id, text, then in page if former.matches((table, row_id), text, then)]
    found = await unit.rows(covered.selection().where(covered.row_id.in_(same)))
    macs = {row[0]: unit.macs.of(covered, row[: len(covered.names)]) for row in found}
    return {
        (table, row[0]): macs[row[0]]
        for row in found
        # A column that the states left out can have been changed.
        if not covered.has_mac or compare_digest(macs[row[0]], row[-1] or b"")
    }
