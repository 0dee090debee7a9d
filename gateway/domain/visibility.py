"""Where somebody may look, as one object: lists turn it into a condition, single things ask it."""

from dataclasses import dataclass
from functools import cached_property
from typing import Self

from gateway.domain.holders import Holder


@dataclass(frozen=True, kw_only=True)
class Visibility:
    """The places that grants name: all of an organization, or some holders and all below them."""

    organization_id: str
    is_everywhere: bool = False
    holders: tuple[Holder, ...] = ()

    @classmethod
    def everywhere(cls, organization_id: str) -> Self:
        """Return the sight of one who sees all of an organization."""
        return cls(organization_id=organization_id, is_everywhere=True)

    @property
    def is_anywhere(self) -> bool:
        """Whether there is a grant at all."""
        return self.is_everywhere or bool(self.holders)

    @cached_property
    def holder_ids(self) -> frozenset[str]:
        """The ids of the holders that grants lie on."""
        return frozenset(holder.id for holder in self.holders)

    @cached_property
    def ancestor_ids(self) -> frozenset[str]:
        """The ids of the holders that lead to one with a grant: there by name, for navigation."""
        return frozenset(above for holder in self.holders for above in holder.chain_ids[1:])

    def covers(self, holder: Holder) -> bool:
        """Tell whether a grant lies on the holder or above it."""
        return holder.organization_id == self.organization_id and (
            self.is_everywhere or not self.holder_ids.isdisjoint(holder.chain_ids)
        )

    def includes_ancestor_of(self, holder: Holder) -> bool:
        """Tell whether a grant lies on the holder, above it or below it."""
        is_on_the_way = (
            holder.organization_id == self.organization_id and holder.id in self.ancestor_ids
        )
        return is_on_the_way or self.covers(holder)

    def covers_above(self, holder: Holder, above_id: str | None) -> bool:
        """Tell whether a grant lies on a holder of this one's chain, named by its id, or above."""
        if above_id not in holder.chain_ids:
            return self.is_everywhere
        from_there_on = holder.chain_ids[holder.chain_ids.index(above_id) :]
        return self.is_everywhere or not self.holder_ids.isdisjoint(from_there_on)
