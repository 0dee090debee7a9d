"""Data keys: their states, and when one has to be followed by another."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

# With random nonces of 96 bits the chance of a repeated one is below 2^-34 until here.
MAX_SEALS: Final = 2**31
MAX_AGE: Final = timedelta(days=90)


class DataKeyState(StrEnum):
    """What a data key still does."""

    ACTIVE = "ACTIVE"
    RETIRING = "RETIRING"


class RotationReason(StrEnum):
    """Why a data key should be followed by another."""

    AGE = "AGE"
    SEALS = "SEALS"


@dataclass(frozen=True, slots=True, kw_only=True)
class DataKeyFacts:
    """What may be told of a data key: all but the key. The instance's has no project."""

    id: str
    project_id: str | None
    kek_id: str
    state: DataKeyState
    seal_count: int
    created_at: datetime
    values: int

    def rotation_reason(self, at: datetime) -> RotationReason | None:
        """Tell why it is due for rotation, if it is. The instance's key seals no values."""
        if self.project_id is None or self.state is not DataKeyState.ACTIVE:
            return None
        if self.seal_count >= MAX_SEALS // 2:
            return RotationReason.SEALS
        return RotationReason.AGE if at - self.created_at >= MAX_AGE else None
