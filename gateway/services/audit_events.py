"""The audit log as a principal reads it."""

from gateway.domain.audit import ANY_EVENT, AuditEvent, AuditFilter
from gateway.domain.pages import Page, Window
from gateway.domain.permissions import Permission
from gateway.domain.principals import Principal
from gateway.services import access
from gateway.storage import audit_pages
from gateway.storage.unit_of_work import ReadUnit


class AuditEvents:
    """The use case of those who read what was done."""

    async def page(
        self,
        unit: ReadUnit,
        *,
        viewer: Principal,
        window: Window,
        only: AuditFilter = ANY_EVENT,
    ) -> Page[AuditEvent]:
        """Return a page of what was done where the viewer may read the log, the newest first.

        Raises:
            Forbidden: if the viewer may not read the log.
            InvalidInput: for a cursor of another list, or a filter against the rules.

        """
        only.ensure_valid()
        sight = access.require_somewhere(viewer, Permission.AUDIT_READ)
        return await audit_pages.page(unit, sight, window, only)
