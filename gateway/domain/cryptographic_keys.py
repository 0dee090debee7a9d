"""Cryptographic keys: when a data key is due for rotation, and public keys that are too weak.

An Ed25519 public key of small order verifies signatures that anyone can make without a private key.
RFC 8032 leaves the check to the application, and the verifying library does not make it.
"""

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


_ED25519_BYTES: Final = 32
_PRIME: Final = 2**255 - 19
_SIGN: Final = 1 << 255
# The y coordinates of the eight points of small order: one each for 1, 2 and 4, two for order 8.
_OF_ORDER_EIGHT: Final = int.from_bytes(
    bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little"
)
_SMALL: Final = frozenset({1, _PRIME - 1, 0, _OF_ORDER_EIGHT, _PRIME - _OF_ORDER_EIGHT})


def is_small_order(public_key: bytes) -> bool:
    """Return whether a public key is a point of small order, in any encoding.

    A point has several encodings: the y coordinate can have the prime added, and the sign bit can
    be set where the x coordinate is zero.
    """
    if len(public_key) != _ED25519_BYTES:
        return False
    encoded = int.from_bytes(public_key, "little")
    return (encoded & ~_SIGN) % _PRIME in _SMALL
