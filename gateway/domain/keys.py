"""Data keys: their states, and when one is due for rotation."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

# Up to this count, random 96-bit nonces repeat with a probability below 2^-34.
MAX_SEALS: Final = 2**31
MAX_AGE: Final = timedelta(days=90)


class DataKeyState(StrEnum):
    """Whether a data key seals new values (ACTIVE) or only opens old ones (RETIRING)."""

    ACTIVE = "ACTIVE"
    RETIRING = "RETIRING"


class RotationReason(StrEnum):
    AGE = "AGE"
    SEALS = "SEALS"


@dataclass(frozen=True, slots=True, kw_only=True)
class DataKeyFacts:
    """A data key without its key material. The instance's key has no project."""

    id: str
    project_id: str | None
    kek_id: str
    state: DataKeyState
    seal_count: int
    created_at: datetime
    values: int

    def rotation_reason(self, at: datetime) -> RotationReason | None:
        """Return why it is due for rotation; None if not. The instance's key seals no values."""
        if self.project_id is None or self.state is not DataKeyState.ACTIVE:
            return None
        if self.seal_count >= MAX_SEALS // 2:
            return RotationReason.SEALS
        return RotationReason.AGE if at - self.created_at >= MAX_AGE else None
