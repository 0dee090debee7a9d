"""The audit log as a principal reads it."""

from dataclasses import replace
from functools import partial
from typing import Final

from gateway.domain.audit import ANY_EVENT, AuditEvent, AuditFilter
from gateway.domain.pages import Entry, Page, Window
from gateway.domain.permissions import Permission
from gateway.domain.visibility import Visibility
from gateway.services import access
from gateway.services.context import RequestScope, ScopedService
from gateway.services.cursors import Cursors
from gateway.storage import audit_pages
from gateway.storage.unit_of_work import ReadUnit

# No secret has this id.
_NO_SECRET: Final = ""


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
        only.ensure_valid()
        visibility = access.require_somewhere(principal, Permission.AUDIT_READ)
        if only.secret_id is not None and not visibility.is_everywhere:
            visible = await audit_pages.visible_secret_ids(view, visibility, {only.secret_id})
            only = only if visible else replace(only, secret_id=_NO_SECRET)
        page = await audit_pages.page(view, visibility, self._open_page(window), only)
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
            return audit_pages.cursor_at(seq)

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
    hidden = delivered - await audit_pages.visible_secret_ids(unit, visibility, delivered)
    entries = tuple(
        replace(entry, item=entry.item.without_secrets(hidden)) for entry in page.entries
    )
    return replace(page, entries=entries)
