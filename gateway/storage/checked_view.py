"""What checks a view of the database: MACs of rows, the head of the log, access rows.

The proof needs keys, so a service provides it. Every query about access rows asks the view for it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, Self

from gateway.storage.audit.row_macs import DELETIONS, Covered, RowMacs, integrity_fault

if TYPE_CHECKING:
    from gateway.domain.audit import SealedEvent
    from gateway.storage.unit_of_work import ReadUnit


@dataclass(frozen=True, slots=True)
class SeenHead:
    seq: int
    hash: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Head:
    """The log's newest event, and the sealed sums over the rows as they were then.

    `sealed_sum` is over all audited rows, `sealed_access_sum` over tokens, grants and users alone.
    `floor_hash` is this view's hash of the event that was the head when the view opened.
    """

    seq: int
    hash: bytes = field(repr=False)
    sealed_sum: bytes = field(default=b"", repr=False)
    sealed_access_sum: bytes | None = field(default=None, repr=False)
    floor_hash: bytes | None = field(default=None, repr=False)


class Proof(Protocol):
    """Interface of a proof of which access rows are current in one view."""

    @property
    def deleted_ids(self) -> frozenset[str]:
        """The holders and organizations that deletions hide."""

    def ensure_current(self, covered: "Covered", row: Sequence[Any]) -> None:
        """Refuse a row that was deleted, changed or restored since the gateway wrote it.

        Raises:
            IntegrityFault: after logging it.

        """


class Guard(Protocol):
    """Compares a view with what this process has seen of the database."""

    @property
    def seen(self) -> SeenHead:
        """The newest head that this process has seen."""

    def is_intact(self, sealed: "SealedEvent") -> bool:
        """Return whether an event is what was recorded."""

    async def prove(self, unit: "ReadUnit", head: Head | None) -> Proof:
        """Return the proof for a view with this head.

        Raises:
            DatabaseNotTrusted: if the database is an older one or a different one.

        """


class UnsealedDatabase(Exception):
    """Rows with MACs were requested before the MAC key was available."""


class UnprovenView(Exception):
    """Access rows were requested before the view was proven."""


class CheckedView:
    """The part of a unit of work that refuses rows that the gateway did not write."""

    def __init__(self) -> None:
        self._macs: RowMacs | None = None
        self._guard: Guard | None = None
        self._floor: SeenHead | None = None
        self._proof: Proof | None = None

    def checking(self, macs: RowMacs | None, guard: Guard | None = None) -> Self:
        """Set what checks row MACs and what proves views; return the view."""
        self._macs, self._guard = macs, guard
        return self

    @property
    def floor(self) -> SeenHead | None:
        """The head that this process had seen before the view opened: the view cannot be older."""
        if self._floor is None and self._guard is not None:
            self._floor = self._guard.seen
        return self._floor

    @property
    def is_proven(self) -> bool:
        """Whether the view's head has been compared with what this process has seen."""
        return self._proof is not None

    def forget_proof(self) -> None:
        """Forget the proof: the next statement opens another view."""
        self._floor = self._proof = None

    def ensure_current(self, covered: Covered, row: Sequence[Any]) -> None:
        """Refuse an access row that is not what the gateway wrote last.

        Raises:
            IntegrityFault: after logging it.
            UnprovenView: before the view is proven.

        """
        self.macs.ensure_sound(covered, row)
        if self._proof is None:
            raise UnprovenView
        self._proof.ensure_current(covered, row)

    @property
    def hides(self) -> bool:
        """Whether proven deletions hide anything from the view."""
        return self._proof is not None and bool(self._proof.deleted_ids)

    def ensure_live(self, ids: Sequence[str | None]) -> None:
        """Refuse what a proven deletion hides: its row was removed outside the gateway.

        Raises:
            IntegrityFault: after logging it.

        """
        deleted = self._proof.deleted_ids if self._proof is not None else ()
        if deleted and (found := set(ids).intersection(deleted)):
            raise integrity_fault(DELETIONS.table.name, str(found.pop()))

    @property
    def macs(self) -> RowMacs:
        """What checks and creates row MACs.

        Raises:
            UnsealedDatabase: before the vault is open.

        """
        if self._macs is None:
            raise UnsealedDatabase
        return self._macs

    def is_intact(self, sealed: "SealedEvent") -> bool:
        """Return whether an event of the audit log is what was recorded.

        Raises:
            UnprovenView: before the view has a guard.

        """
        if self._guard is None:
            raise UnprovenView
        return self._guard.is_intact(sealed)
