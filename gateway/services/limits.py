"""Rate limits: token buckets for each principal or claim rule, and for each organization."""

import math
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from gateway.domain.errors import RateLimited
from gateway.domain.origins import ActorKind
from gateway.domain.principals import Principal


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    burst: float
    per_second: float

    @classmethod
    def of(cls, *, per_minute: int, burst: int) -> "Allowance":
        return cls(burst=burst, per_second=per_minute / 60)


@dataclass(slots=True)
class Bucket:
    """What is left of an allowance at a time, in seconds of a monotonic clock."""

    level: float
    at: float

    def refill(self, allowance: Allowance, now: float) -> None:
        """Add what the time since the last refill gives."""
        gained = max(now - self.at, 0) * allowance.per_second
        self.level = min(self.level + gained, allowance.burst)
        self.at = now

    def take(self, cost: float) -> bool:
        """Take the cost if the level suffices; return whether it did."""
        if cost > self.level:
            return False
        self.level -= cost
        return True

    def wait(self, allowance: Allowance, cost: float) -> int:
        """Return the whole seconds until the level suffices for the cost, at least one."""
        return max(1, math.ceil((cost - self.level) / allowance.per_second))


# At most about a megabyte. A principal whose bucket was evicted starts with a full one.
MAX_BUCKETS: Final = 10_000

Clock = Callable[[], float]
# Takes a cost from a principal's remaining allowance, or refuses it; returns what is left, or None
# without a limit.
Charge = Callable[[Principal, float], int | None]


class Limiter:
    """A token bucket per name; without an allowance there is no limit."""

    def __init__(self, allowance: Allowance | None, clock: Clock) -> None:
        self._allowance = allowance
        self._clock = clock
        # Ordered by last use.
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()

    def charge(self, name: str, cost: float = 1) -> int | None:
        """Take the cost from a name's bucket; return what is left, or None without a limit.

        A cost above the bucket's size takes the whole bucket, so that the request stays possible.

        Raises:
            RateLimited: if not enough is left. Nothing is taken then.

        """
        if self._allowance is None:
            return None
        bucket = self._bucket(name, self._allowance)
        affordable = min(cost, self._allowance.burst)
        if not bucket.take(affordable):
            raise RateLimited(bucket.wait(self._allowance, affordable))
        return int(bucket.level)

    def give_back(self, name: str, cost: float = 1) -> None:
        if self._allowance is not None:
            bucket = self._bucket(name, self._allowance)
            bucket.level = min(bucket.level + cost, self._allowance.burst)

    def __len__(self) -> int:
        return len(self._buckets)

    def _bucket(self, name: str, allowance: Allowance) -> Bucket:
        now = self._clock()
        bucket = self._buckets.setdefault(name, Bucket(allowance.burst, now))
        self._buckets.move_to_end(name)
        bucket.refill(allowance, now)
        if len(self._buckets) > MAX_BUCKETS:
            self._buckets.popitem(last=False)
        return bucket


class PrincipalLimits:
    """The limits of each principal, and of all principals of an organization together."""

    def __init__(self, *, own: Limiter, organization: Limiter) -> None:
        self._own = own
        self._organization = organization

    def charge(self, principal: Principal, cost: float) -> int | None:
        """Take the cost from the principal, or the rule that lets it in, and its organization.

        Returns what the principal has left; None if it has no limit of its own.

        Raises:
            RateLimited: if either has too little left. Nothing is taken from either then.

        """
        payer = _payer_of(principal)
        remaining = self._own.charge(payer, cost)
        try:
            self._organization.charge(principal.organization_id, cost)
        except RateLimited:
            self._own.give_back(payer, cost)
            raise
        return remaining


def _payer_of(principal: Principal) -> str:
    """Return the name of its bucket. All whom a claim rule lets in unregistered share one.

    Who can push to a repository makes as many subjects as branches, and could otherwise take the
    whole allowance of the organization.
    """
    if principal.kind is not ActorKind.IDENTITY:
        return principal.id
    return min(principal.claim_rules, key=lambda rule: (rule.created_at, rule.id)).id
