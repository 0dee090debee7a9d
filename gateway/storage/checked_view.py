"""What a view of the database is checked with: MACs of rows, the log's head, access rows."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

from gateway.storage.proofs import Guard, Proof, SeenHead
from gateway.storage.row_macs import Covered, RowMacs

if TYPE_CHECKING:
    from gateway.domain.audit import SealedEvent


class UnsealedDatabase(Exception):
    """Rows with MACs were asked for before the key of the MACs was there."""


class UnprovenView(Exception):
    """Access rows were asked for before the view was proven."""


class CheckedView:
    """The part of a unit of work that refuses what the gateway has not written."""

    def __init__(self) -> None:
        self._macs: RowMacs | None = None
        self._guard: Guard | None = None
        self._floor: SeenHead | None = None
        self._proof: Proof | None = None

    def checking(self, macs: RowMacs | None, guard: Guard | None = None) -> Self:
        """Take what checks the MACs of rows and what proves views; return itself."""
        self._macs, self._guard = macs, guard
        return self

    @property
    def floor(self) -> SeenHead | None:
        """The head that this process had seen before the view opened: no view can have less."""
        if self._floor is None and self._guard is not None:
            self._floor = self._guard.seen
        return self._floor

    @property
    def is_proven(self) -> bool:
        """Whether the view's head was compared with what this process has seen."""
        return self._proof is not None

    def forget_proof(self) -> None:
        """Begin once more: the next statement opens another view."""
        self._floor = self._proof = None

    def ensure_current(self, covered: Covered, row: Sequence[Any]) -> None:
        """Refuse an access row that is not what the gateway wrote last.

        Raises:
            IntegrityFault: after it has been logged as an alarm.
            UnprovenView: before the view was proven.

        """
        self.macs.ensure_sound(covered, row)
        if self._proof is None:
            raise UnprovenView
        self._proof.ensure_current(covered, row)

    @property
    def macs(self) -> RowMacs:
        """What checks and makes the MACs of rows.

        Raises:
            UnsealedDatabase: before the vault is open.

        """
        if self._macs is None:
            raise UnsealedDatabase
        return self._macs

    def is_intact(self, sealed: "SealedEvent") -> bool:
        """Tell whether an event of the audit log is what was recorded.

        Raises:
            UnprovenView: before there is a guard.

        """
        if self._guard is None:
            raise UnprovenView
        return self._guard.is_intact(sealed)
