"""The audit log: its entries and the filter for them."""

from collections.abc import Callable
from datetime import datetime
from typing import Self, TypeAlias

import strawberry
from strawberry import ID, field

from gateway.domain.audit import ANY_EVENT
from gateway.domain.audit import AuditAction as _AuditAction
from gateway.domain.audit import AuditEvent as DomainEvent
from gateway.domain.audit import AuditFilter as DomainFilter
from gateway.domain.audit import AuditSubject as _AuditSubject
from gateway.domain.origins import AuditFace as _AuditFace
from schema.access import Actor, actor_of
from schema.context import Info
from schema.enums import ActorKind, expose
from schema.fields import optional
from schema.inputs import unset_to_none
from schema.pages import Connection

expose(
    _AuditFace,
    "AuditFace",
    "The interface that the actor used, if any.",
    {
        "GRAPHQL": "The GraphQL API.",
        "REST": "The REST API.",
        "CLI": "The command line.",
        "NONE": "No interface: the gateway acted by itself.",
    },
)
AuditFace: TypeAlias = _AuditFace

expose(
    _AuditSubject,
    "AuditSubject",
    "The kind of object that an entry is about.",
    {
        "SECRET": "A secret.",
        "HOLDER": "A project, an environment or a service.",
        "ORGANIZATION": "An organization.",
        "TOKEN": "An API token.",
        "USER": "A user.",
        "GRANT": "A role that a token or a user has on a holder or in the organization.",
        "CLAIM_RULE": "A claim rule, which gives a role by the claims of tokens.",
        "DATA_KEY": "A data key, which encrypts values.",
        "INSTANCE": "The gateway as a whole.",
    },
)
AuditSubject: TypeAlias = _AuditSubject

expose(
    _AuditAction,
    "AuditAction",
    (
        "What happened. VALUES_DELIVERED: a service's values were delivered. INTEGRITY_ALARM: a "
        "row was not as the gateway had written it."
    ),
    {
        "VALUES_DELIVERED": "A service's values were delivered.",
        "SECRET_CREATED": "A secret, an alias or an override was created.",
        "SECRET_CHANGED": "A secret, an alias or an override was edited.",
        "SECRET_DELETED": "A secret, an alias or an override was deleted.",
        "VERSIONS_PURGED": "Values of former versions of secrets were destroyed.",
        "HOLDER_CREATED": "A project, an environment or a service was created.",
        "HOLDER_CHANGED": "A project, an environment or a service was renamed.",
        "HOLDER_DELETED": "A project, an environment or a service was deleted.",
        "ORGANIZATION_CREATED": "An organization was created.",
        "ORGANIZATION_CHANGED": "An organization was renamed.",
        "ORGANIZATION_DELETED": "An organization was deleted with all its content.",
        "TOKEN_CREATED": "An API token was created.",
        "TOKEN_CHANGED": "An API token was revoked, or otherwise changed.",
        "TOKEN_DELETED": "An API token was deleted.",
        "USER_CREATED": "A user was registered.",
        "USER_CHANGED": "A user's data was changed.",
        "USER_DELETED": "A user was removed.",
        "GRANT_CREATED": "A role was granted.",
        "GRANT_CHANGED": "A grant was changed.",
        "GRANT_DELETED": "A role was revoked.",
        "CLAIM_RULE_CREATED": "A claim rule was created.",
        "CLAIM_RULE_CHANGED": "A claim rule was changed.",
        "CLAIM_RULE_DELETED": "A claim rule was deleted.",
        "DATA_KEY_CREATED": "A data key was created.",
        "DATA_KEY_CHANGED": "A data key was retired or wrapped again.",
        "DATA_KEY_DELETED": "A data key was destroyed; the values that it encrypted are lost.",
        "INTEGRITY_ALARM": "A row was not as the gateway had written it.",
        "REFERENCES_READ": "Values written before an upgrade were read to find their references.",
        "AUDIT_BEGUN": "The audit log begins here.",
        "AUDIT_PRUNED": "Entries older than the retention period were removed.",
        "AUDIT_ACKNOWLEDGED": "An operator accepted the database's current state as correct.",
    },
)
AuditAction: TypeAlias = _AuditAction


@strawberry.type(
    description=(
        "One entry of the audit log: who did what to which object. It contains ids, never values, "
        "and stays after the object is deleted."
    )
)
class AuditEvent:
    id: ID = field(description="An opaque id that never changes. It is also the entry's cursor.")
    at: datetime = field(description="When it happened.")
    action: AuditAction = field(description="What happened.")
    actor_kind: ActorKind = field(description="The kind of principal that acted.")
    actor_id: str = field(
        description=(
            "The id of the token or the user; for an operator, the person's name; for an identity, "
            "its issuer, a space and its subject."
        )
    )

    @field(
        description=(
            "Who acted. Null for the gateway itself, for a user who was removed, and for a token "
            "or a user that you cannot list in `apiTokens` or `users`."
        )
    )
    async def actor(self, info: Info) -> Actor | None:
        return await actor_of(info, self.actor_kind, self.actor_id)

    face: AuditFace = field(description="The interface that the actor used.")
    request_id: str | None = field(
        description="The request's `X-Request-Id`; null for the command line."
    )
    subject: AuditSubject = field(description="The kind of object that was acted on.")
    subject_id: ID = field(
        description="The object's id. The entry keeps it after the object is deleted."
    )
    project_id: ID | None = field(description="The project of the object, if it has one.")
    holder_id: ID | None = field(
        description="The holder that the secret belongs to, or that received values."
    )
    key: str | None = field(description="The secret's key at that time.")
    details: str = field(
        description=(
            "Further facts as a JSON object, such as a secret's version. For a delivery, the ids "
            "and versions of the delivered secrets that you can see; `is_partial` says that others "
            "are left out."
        )
    )

    @classmethod
    def of(cls, id_of: Callable[[DomainEvent], str], event: DomainEvent) -> Self:
        return cls(
            id=ID(id_of(event)),
            at=event.at,
            action=AuditAction(event.action),
            actor_kind=ActorKind(event.actor_kind),
            actor_id=event.actor_id,
            face=AuditFace(event.face),
            request_id=event.request_id,
            subject=AuditSubject(event.subject),
            subject_id=ID(event.subject_id),
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
    actor_id: str | None = optional("The `actorId` of the principal that acted.")
    actions: list[AuditAction] | None = optional("Any of these actions.")
    secret_id: ID | None = optional("Entries about the secret and deliveries of its value.")
    holder_id: ID | None = optional(
        "Entries about the holder and its secrets; for a project, also those of all below it."
    )
    since: datetime | None = optional("At this time or later.")
    until: datetime | None = optional("Before this time.")

    def to_domain(self) -> DomainFilter:
        """Return the domain's filter."""
        actions = unset_to_none(self.actions)
        return DomainFilter(
            actor_id=unset_to_none(self.actor_id),
            actions=None if actions is None else tuple(actions),
            secret_id=unset_to_none(self.secret_id),
            holder_id=unset_to_none(self.holder_id),
            since=unset_to_none(self.since),
            until=unset_to_none(self.until),
        )


def to_event_filter(only: AuditFilter | None) -> DomainFilter:
    """Return the requested filter, or the one that matches every event."""
    chosen = unset_to_none(only)
    return chosen.to_domain() if chosen else ANY_EVENT


def _id(known: str | None) -> ID | None:
    return ID(known) if known else None
