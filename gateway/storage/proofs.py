"""What proves a database view: the log's head, and the access rows that are current.

The proof needs keys, so a service provides it. Every query about access rows asks the view for it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from gateway.domain.audit import SealedEvent
    from gateway.storage.row_macs import Covered
    from gateway.storage.unit_of_work import ReadUnit


@dataclass(frozen=True, slots=True)
class SeenHead:
    seq: int
    hash: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Head:
    """The log's newest event, and the sealed sums over the rows as they were then.

    `set_box` is over all watched rows, `access_box` over tokens, grants and users alone.
    `floor_hash` is this view's hash of the event that was the head when the view opened.
    """

    seq: int
    hash: bytes = field(repr=False)
    set_box: bytes = field(default=b"", repr=False)
    access_box: bytes | None = field(default=None, repr=False)
    floor_hash: bytes | None = field(default=None, repr=False)


class Proof(Protocol):
    """Interface of a proof of which access rows are current in one view."""

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
