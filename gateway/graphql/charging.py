"""Charges principals for documents, in points, and reports the cost of each."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from gateway.domain.pages import LIST_PAGE_SIZE, MAX_PAGE_SIZE
from gateway.domain.principals import Principal
from gateway.graphql.cost import delivery_surcharge
from gateway.graphql.limits import LIMITS, Limit
from gateway.services.delivery import DeliverySize
from gateway.services.limits import Charge

_MAX_SHOWN: Final = 2**53 - 1
_FIELDS_A_POINT: Final = 100


def _free(_principal: Principal, _points: float) -> None:
    """Charge nothing."""


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms for documents. The gateway's own have no limits and cost one point.

    `charge` takes the principal and the points of a document before it runs; it can refuse.
    """

    introspection: bool = True
    charge: Charge = _free
    is_limited: bool = True
    # Documents that the operator has installed: the names of their operations are bounded.
    trusted: Collection[str] = frozenset()
    max_depth: int = LIMITS[Limit.DEPTH]
    max_cost: int = LIMITS[Limit.COST]
    max_page_size: int = MAX_PAGE_SIZE


OWN: Final = Terms(is_limited=False, max_page_size=LIST_PAGE_SIZE)


@dataclass(slots=True)
class RunningCost:
    """The cost of a document, with what is added while it runs."""

    terms: Terms
    principal: Principal
    fields: int = 0
    # What is left of the principal's rate limit, in points; None without a limit.
    remaining: int | None = None

    def charge(self, points: int) -> None:
        """Take points; the charge can refuse."""
        self.remaining = self.terms.charge(self.principal, points)

    def charge_document(self) -> None:
        """Take the points of the document, each time it gives a result."""
        self.charge(1 + min(self.fields, self.terms.max_cost) // _FIELDS_A_POINT)

    def add(self, delivery: DeliverySize) -> None:
        """Charge what a delivery costs beyond its document; the charge can refuse."""
        fields = delivery_surcharge(delivery.keys, delivery.size)
        if more := fields // _FIELDS_A_POINT:
            self.charge(more)
        self.fields += fields

    @property
    def extensions(self) -> Mapping[str, Mapping[str, int]]:
        """The cost and what is left, as an answer shows them."""
        cost = {"requested": min(self.fields, _MAX_SHOWN), "limit": self.terms.max_cost}
        if self.remaining is None:
            return {"cost": cost}
        return {"cost": cost, "allowance": {"remaining": self.remaining}}
