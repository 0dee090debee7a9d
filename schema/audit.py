"""The audit log: its entries and the filter for them."""

from collections.abc import Callable
from datetime import datetime
from typing import Self

import strawberry

from gateway.domain.audit import ANY_EVENT
from gateway.domain.audit import AuditEvent as DomainEvent
from gateway.domain.audit import AuditFilter as DomainFilter
from schema.enums import ActorKind, AuditAction, AuditFace, AuditSubject
from schema.inputs import given
from schema.pages import Connection


@strawberry.type(
    description=(
        "One entry of the audit log: who did what to which object. It contains ids, never values, "
        "and stays after the object is deleted."
    )
)
class AuditEvent:
    id: strawberry.ID = strawberry.field(
        description="An opaque id that never changes. It is also the entry's cursor."
    )
    at: datetime
    action: AuditAction
    actor_kind: ActorKind
    actor_id: str = strawberry.field(
        description="The id of the token or the user; for an operator, the person's name."
    )
    face: AuditFace
    request_id: str | None = strawberry.field(
        description="The request's `X-Request-Id`; null for the command line."
    )
    subject: AuditSubject
    subject_id: strawberry.ID
    project_id: strawberry.ID | None
    holder_id: strawberry.ID | None = strawberry.field(
        description="The holder that the secret belongs to, or that received values."
    )
    key: str | None = strawberry.field(description="The secret's key at that time.")
    details: str = strawberry.field(
        description=(
            "Further facts as a JSON object, such as a secret's version. For a delivery, the ids "
            "and versions of the delivered secrets that you can see; `is_partial` says that others "
            "are left out."
        )
    )

    @classmethod
    def of(cls, id_of: Callable[[DomainEvent], str], event: DomainEvent) -> Self:
        """Convert the domain object."""
        return cls(
            id=strawberry.ID(id_of(event)),
            at=event.at,
            action=AuditAction(event.action),
            actor_kind=ActorKind(event.actor_kind),
            actor_id=event.actor_id,
            face=AuditFace(event.face),
            request_id=event.request_id,
            subject=AuditSubject(event.subject),
            subject_id=strawberry.ID(event.subject_id),
            project_id=_id(event.project_id),
            holder_id=_id(event.holder_id),
            key=event.key,
            details=event.details,
        )


@strawberry.type(description="A page of the audit log, the newest entries first.")
class AuditEventConnection(Connection[AuditEvent]):
    """A page of the audit log."""


@strawberry.input(description="Returns the entries that match every given field.")
class AuditFilter:
    actor_id: str | None = strawberry.UNSET
    actions: list[AuditAction] | None = strawberry.UNSET
    secret_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET,
        description="Entries about the secret and deliveries of its value.",
    )
    holder_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET,
        description=(
            "Entries about the holder and its secrets; for a project, also those of all below it."
        ),
    )
    since: datetime | None = strawberry.field(
        default=strawberry.UNSET, description="At this time or later."
    )
    until: datetime | None = strawberry.field(
        default=strawberry.UNSET, description="Before this time."
    )

    def wanted(self) -> DomainFilter:
        """Return the domain's filter."""
        actions = given(self.actions)
        return DomainFilter(
            actor_id=given(self.actor_id),
            actions=None if actions is None else tuple(actions),
            secret_id=given(self.secret_id),
            holder_id=given(self.holder_id),
            since=given(self.since),
            until=given(self.until),
        )


def wanted_events(only: AuditFilter | None) -> DomainFilter:
    """Return the requested filter, or the one that matches every event."""
    wanted = given(only)
    return wanted.wanted() if wanted else ANY_EVENT


def _id(known: str | None) -> strawberry.ID | None:
    return strawberry.ID(known) if known else None
