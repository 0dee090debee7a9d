"""Cursors and ids made from event numbers, sealed for one organization.

The numbers count the events of the whole instance. In plaintext, an organization could count the
events of others. Sealing is deterministic: the same event always has the same id.
"""

from contextlib import suppress
from typing import Final

from gateway.crypto.envelope import TamperedCiphertext, open_text, seal_text
from gateway.domain.change_feed import CursorExpired, FeedCursor, is_clear_cursor
from gateway.domain.errors import Argument, InvalidInput
from gateway.services.vault import Vault

_CHANGES: Final = "changes"
_EVENTS: Final = "audit-events"
_SEQ_BYTES: Final = 8
_MAX_LENGTH: Final = 64


class Cursors:
    """Seals positions in the log, and reads those that it sealed."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def of_position(self, position: FeedCursor, *, organization_id: str) -> str:
        plain = position.seq.to_bytes(_SEQ_BYTES) + bytes.fromhex(position.mark)
        return seal_text(self._vault.cursor_key, plain, _CHANGES, organization_id)

    def position(self, cursor: str, *, organization_id: str) -> FeedCursor:
        """Return the position in a cursor of the change feed.

        Raises:
            InvalidInput: if it is not a cursor of the organization's change feed.
            CursorExpired: if it is from before cursors were sealed.

        """
        if is_clear_cursor(cursor):
            raise CursorExpired
        plain = self._open(cursor, _CHANGES, organization_id)
        return FeedCursor(int.from_bytes(plain[:_SEQ_BYTES]), plain[_SEQ_BYTES:].hex())

    def of_event(self, seq: int, *, organization_id: str) -> str:
        """Return the id of an event, which is also its cursor in the list of events."""
        plain = seq.to_bytes(_SEQ_BYTES)
        return seal_text(self._vault.cursor_key, plain, _EVENTS, organization_id)

    def event(self, cursor: str, *, organization_id: str) -> int:
        """Return the number of the event in a cursor of the list of events.

        Raises:
            InvalidInput: if it is not a cursor of the organization's list.

        """
        return int.from_bytes(self._open(cursor, _EVENTS, organization_id))

    def _open(self, cursor: str, purpose: str, organization_id: str) -> bytes:
        # A longer cursor is not opened.
        with suppress(TamperedCiphertext):
            if len(cursor) <= _MAX_LENGTH:
                return open_text(self._vault.cursor_key, cursor, purpose, organization_id)
        raise InvalidInput(Argument.PAGE, "The cursor does not belong to this list.")
