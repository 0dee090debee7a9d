"""The change feed: changes to secrets, in their order, for subscribers.

A cursor names an event of the audit chain by its number and a part of its hash. A restored database
has other events under the same numbers, so the hash shows that its history differs.
"""

import base64
import binascii
import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, Self

from gateway.domain.errors import ErrorCode, GatewayError

_MARK_BYTES: Final = 8
_MAX_LENGTH: Final = 64
_PLAIN: Final = re.compile(r"(?:0|[1-9][0-9]{0,17})\.[0-9a-f]{16}", re.ASCII)


class ChangeKind(StrEnum):
    CREATED = "CREATED"
    UPDATED = "UPDATED"
    DELETED = "DELETED"


class CursorExpired(GatewayError):
    code = ErrorCode.CURSOR_EXPIRED

    def __init__(self) -> None:
        super().__init__(
            "Some changes since this cursor are no longer known. Read the list again and "
            "subscribe without `after`."
        )


@dataclass(frozen=True, slots=True)
class FeedCursor:
    """A position in the chain: after the event with this number. `mark` begins its hash, in hex."""

    seq: int
    mark: str

    @classmethod
    def after(cls, seq: int, event_hash: bytes) -> Self:
        return cls(seq, event_hash[:_MARK_BYTES].hex())

    def points_at(self, event_hash: bytes) -> bool:
        return self.mark == event_hash[:_MARK_BYTES].hex()


def is_clear_cursor(cursor: str) -> bool:
    """Return whether a text is a cursor from before cursors were sealed."""
    return len(cursor) <= _MAX_LENGTH and _PLAIN.fullmatch(_decode(cursor)) is not None


def _decode(cursor: str) -> str:
    padded = cursor + "=" * (-len(cursor) % 4)
    try:
        return base64.b64decode(padded, altchars=b"-_", validate=True).decode()
    except (ValueError, binascii.Error):
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretChange:
    """A change to one secret. The secret and its holder may have been deleted since."""

    # The event's number in the log.
    seq: int
    cursor: str
    kind: ChangeKind
    secret_id: str
    key: str
    # The key before a rename; None for other changes.
    former_key: str | None
    holder_id: str
    at: datetime
    # Whether the value changed; an edit of a description does not change it.
    is_new_value: bool = True

    @property
    def affects_references(self) -> bool:
        """Whether the change can alter the delivered text of secrets that refer to this one."""
        is_edit = self.kind is ChangeKind.UPDATED
        return not is_edit or self.is_new_value or self.former_key is not None

    @property
    def keys(self) -> tuple[str, ...]:
        return (self.key,) if self.former_key is None else (self.former_key, self.key)
