"""Token buckets: how much somebody may take, by how fast it comes back."""

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """What a bucket holds when it is full, and what comes back in a second."""

    burst: float
    per_second: float

    @classmethod
    def of(cls, *, per_minute: int, burst: int) -> "Allowance":
        """Return the allowance that two settings name."""
        return cls(burst=burst, per_second=per_minute / 60)


@dataclass(slots=True)
class Bucket:
    """What is left of an allowance, and since when. Times are a steady clock's seconds."""

    level: float
    at: float

    def refill(self, allowance: Allowance, now: float) -> None:
        """Add what came back since the bucket was last looked at."""
        gained = max(now - self.at, 0) * allowance.per_second
        self.level = min(self.level + gained, allowance.burst)
        self.at = now

    def take(self, cost: float) -> bool:
        """Take the cost, if it is there; tell whether it was."""
        if cost > self.level:
            return False
        self.level -= cost
        return True

    def wait(self, allowance: Allowance, cost: float) -> int:
        """Return after how many whole seconds the cost will be there, at least one."""
        return max(1, math.ceil((cost - self.level) / allowance.per_second))
