"""What was delivered to a holder: ids and versions of secrets, in a form that many events share.

The audit log stores each set once for a block of events. An event's details have the list: it is
taken out when the event is stored and put back when it is read, and the event's hash covers it.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from typing import Any, Final, Self
from uuid import UUID

from gateway.domain.audit import details_text

# A set is stored again in each block, so that pruning a block's events frees its sets.
BLOCK_EVENTS: Final = 16_384
_ID_BYTES: Final = 16
_FINGERPRINT_BYTES: Final = 16
_SECRETS: Final = "secrets"
_VERSION_BITS: Final = 7
_HAS_MORE: Final = 1 << _VERSION_BITS
# What a forged row can raise.
_UNREADABLE: Final = (ValueError, LookupError, TypeError, AttributeError, RecursionError)


@dataclass(frozen=True, slots=True)
class DeliveredSet:
    """`secrets` has each id as 16 bytes, followed by the version in groups of 7 bits."""

    block: int
    holder_id: str
    project_id: str
    secrets: bytes = field(repr=False)

    @classmethod
    def of(
        cls, details: str, *, seq: int, holder_id: str | None, project_id: str | None
    ) -> tuple[Self, str] | None:
        """Return the list in a delivery's details, and the details without it.

        None if the details are not in the canonical form: they must then be stored as they are.
        """
        if holder_id is None or project_id is None:
            return None
        try:
            facts = json.loads(details)
            secrets = _pack(facts.pop(_SECRETS))
            rest = details_text(facts)
            is_same = _with_secrets(rest, secrets) == details
        except _UNREADABLE:
            return None
        return (cls(block_of(seq), holder_id, project_id, secrets), rest) if is_same else None

    @property
    def fingerprint(self) -> bytes:
        """The name of the set among those of its block."""
        text = f"{self.block} {self.holder_id} {self.project_id} "
        return sha256(text.encode() + self.secrets).digest()[:_FINGERPRINT_BYTES]


def block_of(seq: int) -> int:
    """Return the number of the block that an event belongs to."""
    return seq // BLOCK_EVENTS


def with_secrets(details: str, secrets: bytes) -> str:
    """Return an event's details with the list that was taken out of them.

    If the stored list was changed, the result is not what the event's hash covers.
    """
    try:
        return _with_secrets(details, secrets)
    except _UNREADABLE:
        return details


def packed_id(secret_id: str) -> bytes:
    """Return the bytes that a set with this secret contains."""
    return UUID(secret_id).bytes


# Consecutive deliveries often have the same list.
@lru_cache(maxsize=64)
def _with_secrets(details: str, secrets: bytes) -> str:
    facts: dict[str, Any] = json.loads(details)
    return details_text(facts | {_SECRETS: dict(_unpack(secrets))})


def _pack(versions: Mapping[str, int]) -> bytes:
    packed = bytearray()
    for secret_id, version in sorted(versions.items()):
        packed += packed_id(secret_id)
        rest = version
        while rest >= _HAS_MORE:
            packed.append(rest % _HAS_MORE | _HAS_MORE)
            rest >>= _VERSION_BITS
        packed.append(rest)
    return bytes(packed)


def _unpack(secrets: bytes) -> Iterator[tuple[str, int]]:
    start = 0
    while start < len(secrets):
        secret_id = UUID(bytes=secrets[start : start + _ID_BYTES])
        start += _ID_BYTES
        version, shift = 0, 0
        while (part := secrets[start]) & _HAS_MORE:
            version |= (part - _HAS_MORE) << shift
            shift += _VERSION_BITS
            start += 1
        yield str(secret_id), version | part << shift
        start += 1
