"""Who fetched which secrets of which service, in a form that many events share.

The audit log stores each set once for a block of events. An event's details have the list of
secrets, and its fields the actor and the place: they are taken out when the event is stored and put
back when it is read, and the event's hash covers them.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from typing import Any, Final, Self
from uuid import UUID

from gateway.domain.audit import AuditAction, AuditEvent, details_text

# A set is stored again in each block, so that pruning a block's events frees its sets.
BLOCK_EVENTS: Final = 16_384
# A set knows in which spans of its block there are events of it.
SPAN_EVENTS: Final = 512
_ID_BYTES: Final = 16
_FINGERPRINT_BYTES: Final = 16
_SECRETS: Final = "secrets"
_VERSION_BITS: Final = 7
_HAS_MORE: Final = 1 << _VERSION_BITS
# What a forged row can raise.
UNREADABLE: Final = (ValueError, LookupError, TypeError, AttributeError, RecursionError)


@dataclass(frozen=True, slots=True)
class DeliveredSet:
    """`secrets` has each id as 16 bytes, followed by the version in groups of 7 bits."""

    block: int
    organization_id: str
    project_id: str
    holder_id: str
    actor_id: str
    secrets: bytes = field(repr=False)

    @classmethod
    def of(cls, event: AuditEvent) -> tuple[Self, str] | None:
        """Return the set of a delivery, and the event's details without the list.

        None if the event would not come back as it was: it must then be stored as it is.
        """
        organization_id, project_id, holder_id = _place_of(event)
        if organization_id is None or project_id is None or holder_id is None:
            return None
        try:
            rest, secrets = split_details(event.details)
        except UNREADABLE:
            return None
        place = (organization_id, project_id, holder_id, event.actor_id)
        return cls(block_of(event.seq), *place, secrets), rest

    @property
    def fingerprint(self) -> bytes:
        """The name of the set among those of its block."""
        place = [self.organization_id, self.project_id, self.holder_id, self.actor_id]
        text = json.dumps([self.block, *place])
        return sha256(text.encode() + self.secrets).digest()[:_FINGERPRINT_BYTES]


def _place_of(event: AuditEvent) -> tuple[str | None, str | None, str | None]:
    is_delivery = event.action == AuditAction.VALUES_DELIVERED and event.actor_id != ""
    if not is_delivery or event.subject_id != event.holder_id:
        return None, None, None
    return event.organization_id, event.project_id, event.holder_id


def block_of(seq: int) -> int:
    """Return the number of the block that an event belongs to."""
    return seq // BLOCK_EVENTS


def span_bit(seq: int) -> int:
    """Return the bit of an event's span among those of its block."""
    return 1 << seq % BLOCK_EVENTS // SPAN_EVENTS


def split_details(details: str) -> tuple[str, bytes]:
    """Return a delivery's details without the list, and the list in the form of a set.

    Raises:
        ValueError: if the details would not come back as they were; or another of UNREADABLE.

    """
    facts = json.loads(details)
    secrets = _pack(facts.pop(_SECRETS))
    rest = details_text(facts)
    if _with_secrets(rest, secrets) != details:
        raise ValueError
    return rest, secrets


def with_secrets(details: str, secrets: bytes) -> str:
    """Return an event's details with the list that was taken out of them.

    If the stored list was changed, the result is not what the event's hash covers.
    """
    try:
        return _with_secrets(details, secrets)
    except UNREADABLE:
        return details


def packed_id(secret_id: str) -> bytes:
    """Return the bytes that a set with this secret contains."""
    return UUID(secret_id).bytes


def packed_ids(secrets: bytes) -> Sequence[bytes]:
    """Return the bytes of each id in a set.

    Raises:
        IndexError: if the set is not complete.

    """
    found, start, end = [], 0, len(secrets)
    while start < end:
        found.append(secrets[start : start + _ID_BYTES])
        start += _ID_BYTES
        while secrets[start] & _HAS_MORE:
            start += 1
        start += 1
    return found


def unpacked_id(packed: bytes) -> str:
    """Return the id with these bytes: the inverse of `packed_id`, without a UUID's checks."""
    text = packed.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


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
