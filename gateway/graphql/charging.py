"""Charges principals for documents, in points, and reports the cost of each."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

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


OWN: Final = Terms(is_limited=False)


@dataclass(slots=True)
class RunningCost:
    """The cost of a document, with what is added while it runs."""

    terms: Terms
    principal: Principal
    fields: int = 0

    def add(self, delivery: DeliverySize) -> None:
        """Charge what a delivery costs beyond its document; the charge can refuse."""
        fields = delivery_surcharge(delivery.keys, delivery.size)
        if more := fields // _FIELDS_A_POINT:
            self.terms.charge(self.principal, more)
        self.fields += fields


def price(fields: int) -> dict[str, dict[str, int]]:
    """Return a document's cost, as an answer shows it."""
    return {"cost": {"requested": min(fields, _MAX_SHOWN), "limit": LIMITS[Limit.COST]}}


def points(fields: int) -> int:
    """Return how many points a document counts in the rate limit."""
    return 1 + min(fields, LIMITS[Limit.COST]) // _FIELDS_A_POINT
