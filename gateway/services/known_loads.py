"""The largest deliveries, kept in memory with the number of the newest event at that time.

The stored load bounds the present one: each later change adds at most one secret, and one more for
each alias of the changed secret.
"""

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

_MAX_KNOWN: Final = 4_096


@dataclass(frozen=True, slots=True)
class Known:
    """The maximum keys and bytes that a service at or below a holder gets, as of an event."""

    seq: int
    keys: int
    size: int


@dataclass(slots=True)
class KnownLoads:
    """The largest deliveries by holder; keeps those measured last."""

    _kept: OrderedDict[str, Known] = field(default_factory=OrderedDict)

    def find(self, holder_id: str) -> Known | None:
        return self._kept.get(holder_id)

    def keep(self, holder_id: str, known: Known) -> None:
        """Keep a load. A full cache evicts the oldest entry."""
        self._kept.pop(holder_id, None)
        self._kept[holder_id] = known
        if len(self._kept) > _MAX_KNOWN:
            self._kept.popitem(last=False)
