"""Token buckets: a limit on cost, with a burst and a refill rate."""

import math
from dataclasses import dataclass


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
