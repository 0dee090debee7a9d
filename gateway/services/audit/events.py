"""The audit log as its readers see it, and the sealed cursors of logs.

The numbers count the events of the whole instance. In plaintext, an organization could count the
events of others. Sealing is deterministic: the same event always has the same id.
"""

from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Final
from uuid import UUID

from gateway.crypto.envelope import TamperedCiphertext, open_text, seal_text
from gateway.domain.audit import ANY_EVENT, AuditEvent, AuditFilter
from gateway.domain.change_feed import CursorExpired, FeedCursor, is_clear_cursor
from gateway.domain.errors import Argument, InvalidInput
from gateway.domain.pages import Entry, Page, Window
from gateway.domain.permissions import Permission, Visibility
from gateway.services import access
from gateway.services.context import RequestScope, ScopedService
from gateway.services.vault import Vault
from gateway.storage.audit import pages
from gateway.storage.unit_of_work import ReadUnit

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
        return seal_text(self._vault.keys.cursor_key, plain, _CHANGES, organization_id)

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
        return seal_text(self._vault.keys.cursor_key, plain, _EVENTS, organization_id)

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
                return open_text(self._vault.keys.cursor_key, cursor, purpose, organization_id)
        raise InvalidInput(Argument.PAGE, "The cursor does not belong to this list.")


# No secret has this id.
_NO_SECRET: Final = str(UUID(int=0))


class AuditEvents(ScopedService):
    """The use case of reading the audit log."""

    def __init__(self, scope: RequestScope) -> None:
        super().__init__(scope)
        self._cursors = Cursors(scope.context.vault)

    async def page(
        self,
        *,
        window: Window,
        only: AuditFilter = ANY_EVENT,
    ) -> Page[AuditEvent]:
        """Return a page of the events that the principal can read, the newest first.

        Raises:
            Forbidden: if the principal cannot read the log.
            InvalidInput: for a cursor of another list, or an invalid filter.

        """
        principal, view = self._scope.principal, self._scope.view
        # Later checks of the log can refuse the same page.
        view.forget()
        only.ensure_valid()
        visibility = access.require_somewhere(principal, Permission.AUDIT_READ)
        if only.secret_id is not None and not visibility.is_everywhere:
            visible = await pages.visible_secret_ids(view, visibility, {only.secret_id})
            only = only if visible else replace(only, secret_id=_NO_SECRET)
        page = await pages.page(
            view, visibility, self._open_page(window), only, self._context.log_times
        )
        shown = page if visibility.is_everywhere else await _visible_part(view, visibility, page)
        entries = tuple(
            Entry(entry.item, partial(self.id_of, entry.item)) for entry in shown.entries
        )
        return replace(shown, entries=entries)

    def id_of(self, event: AuditEvent) -> str:
        """Return the id of an event of an organization."""
        return self._cursors.of_event(event.seq, organization_id=str(event.organization_id))

    def _open_page(self, window: Window) -> Window:
        def open_page(cursor: str | None) -> str | None:
            if cursor is None:
                return None
            seq = self._cursors.event(cursor, organization_id=self._scope.principal.organization_id)
            return pages.cursor_at(seq)

        return replace(window, after=open_page(window.after), before=open_page(window.before))


async def _visible_part(
    unit: ReadUnit, visibility: Visibility, page: Page[AuditEvent]
) -> Page[AuditEvent]:
    """Return the page; deliveries in it omit the secrets that the principal cannot see."""
    delivered = {
        delivered_secret_id
        for entry in page.entries
        for delivered_secret_id in entry.item.delivered_secret_ids
    }
    hidden = delivered - await pages.visible_secret_ids(unit, visibility, delivered)
    entries = tuple(
        replace(entry, item=entry.item.without_secrets(hidden)) for entry in page.entries
    )
    return replace(page, entries=entries)
