"""Who created and changed secrets, and their last deliveries, for readers of the audit log."""

from collections.abc import Collection, Mapping
from itertools import groupby
from operator import attrgetter
from typing import Final

from gateway.domain.audit import AuditEvent, SecretEdits
from gateway.domain.history import Author, SecretVersion
from gateway.domain.origins import ActorKind, AuditFace
from gateway.domain.permissions import Permission
from gateway.domain.secrets import Secret
from gateway.services import access
from gateway.services.context import ScopedService
from gateway.storage.audit import secret_events

_PROJECT: Final = "holder.project_id"


class SecretEvents(ScopedService):
    """The use cases around the events of secrets. Later checks of the log can refuse the same."""

    async def edits_of(self, *, secrets: Collection[Secret]) -> Mapping[str, SecretEdits]:
        """Return the edits of the secrets by id, where the principal can read the log."""
        ids = [secret.id for secret in self._readable(secrets)]
        self._scope.view.forget()
        return await secret_events.edits(self._scope.view, ids) if ids else {}

    async def creations_of(self, *, versions: Collection[SecretVersion]) -> Mapping[str, Author]:
        """Return who created secrets, by their ids, where the principal can read the log."""
        may = self._scope.principal.may
        ids = {each.secret_id for each in versions if may(Permission.AUDIT_READ, on=each.holder)}
        self._scope.view.forget()
        found = await secret_events.edits(self._scope.view, ids) if ids else {}
        return {
            secret_id: _author_of(edits.created)
            for secret_id, edits in found.items()
            if edits.created is not None
        }

    async def last_deliveries_of(self, *, secrets: Collection[Secret]) -> Mapping[str, AuditEvent]:
        """Return the last delivery of the secrets by id, where the principal can read the log."""
        found: dict[str, AuditEvent] = {}
        self._scope.view.forget()
        for project_id, of_project in groupby(self._readable(secrets), attrgetter(_PROJECT)):
            ids = [secret.id for secret in of_project]
            found |= await secret_events.last_deliveries(self._scope.view, project_id, ids)
        return found

    def _readable(self, secrets: Collection[Secret]) -> Collection[Secret]:
        principal = self._scope.principal
        readable = [each for each in secrets if access.can_read_events_of(principal, each)]
        return sorted(readable, key=attrgetter(_PROJECT))


def _author_of(event: AuditEvent) -> Author:
    return Author(kind=ActorKind(event.actor_kind), id=event.actor_id, face=AuditFace(event.face))
