"""News: what became of secrets, told in the order in which it happened, to those who watch.

A cursor names a link of the audit trail's chain, by its number and a part of its hash: a database
that was put back has other links under the same numbers, and is not taken for the same history.
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
    """What became of a secret."""

    CREATED = "CREATED"
    UPDATED = "UPDATED"
    DELETED = "DELETED"


class CursorExpired(GatewayError):
    """What happened since the cursor is not known any more, in part or at all."""

    code = ErrorCode.CURSOR_EXPIRED

    def __init__(self) -> None:
        super().__init__(
            "Not all changes since this cursor are known any more: read again what you show, and "
            "begin without `after`."
        )


@dataclass(frozen=True, slots=True)
class FeedCursor:
    """A place in the chain: behind the link with this number, whose hash begins so."""

    seq: int
    mark: str

    @classmethod
    def after(cls, seq: int, event_hash: bytes) -> Self:
        """Return the place behind a link."""
        return cls(seq, event_hash[:_MARK_BYTES].hex())

    def points_at(self, event_hash: bytes) -> bool:
        """Tell whether this is the link that is meant."""
        return self.mark == event_hash[:_MARK_BYTES].hex()


def is_clear_cursor(cursor: str) -> bool:
    """Tell whether a text is a cursor from before cursors were sealed."""
    return len(cursor) <= _MAX_LENGTH and _PLAIN.fullmatch(_decode(cursor)) is not None


def _decode(cursor: str) -> str:
    padded = cursor + "=" * (-len(cursor) % 4)
    try:
        return base64.b64decode(padded, altchars=b"-_", validate=True).decode()
    except (ValueError, binascii.Error):
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretChange:
    """What became of one secret. The holder may be gone since, as the secret may."""

    # Its number in the log.
    seq: int
    cursor: str
    kind: ChangeKind
    secret_id: str
    key: str
    # The key that it had until now, if it was renamed.
    former_key: str | None
    holder_id: str
    at: datetime
    # Whether it has another value since; an edit of a description leaves the value.
    is_new_value: bool = True

    @property
    def affects_references(self) -> bool:
        """Whether what refers to the secret can be delivered otherwise since."""
        is_edit = self.kind is ChangeKind.UPDATED
        return not is_edit or self.is_new_value or self.former_key is not None

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys at which something is otherwise now."""
        return (self.key,) if self.former_key is None else (self.former_key, self.key)
