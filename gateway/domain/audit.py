"""The audit log: who did what to which object, when and through which face. Never a value."""

import json
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final, Self

from gateway.domain.errors import Argument, GatewayError, InvalidInput, Unavailable
from gateway.domain.holders import is_canonical_id
from gateway.domain.pages import ensure_page_size

FIRST_HASH: Final = bytes(32)
_ENCODING: Final = "sgw-audit-1"


class AuditAction(StrEnum):
    """What was done. Names are never renamed or reused, since old events keep them."""

    VALUES_DELIVERED = "VALUES_DELIVERED"
    SECRET_CREATED = "SECRET_CREATED"  # noqa: S105 - the name of an action
    SECRET_CHANGED = "SECRET_CHANGED"  # noqa: S105 - as above
    SECRET_DELETED = "SECRET_DELETED"  # noqa: S105 - as above
    VERSIONS_PURGED = "VERSIONS_PURGED"
    HOLDER_CREATED = "HOLDER_CREATED"
    HOLDER_CHANGED = "HOLDER_CHANGED"
    HOLDER_DELETED = "HOLDER_DELETED"
    ORGANIZATION_CREATED = "ORGANIZATION_CREATED"
    ORGANIZATION_CHANGED = "ORGANIZATION_CHANGED"
    ORGANIZATION_DELETED = "ORGANIZATION_DELETED"
    TOKEN_CREATED = "TOKEN_CREATED"  # noqa: S105 - as above
    TOKEN_CHANGED = "TOKEN_CHANGED"  # noqa: S105 - as above
    TOKEN_DELETED = "TOKEN_DELETED"  # noqa: S105 - as above
    USER_CREATED = "USER_CREATED"
    USER_CHANGED = "USER_CHANGED"
    USER_DELETED = "USER_DELETED"
    GRANT_CREATED = "GRANT_CREATED"
    GRANT_CHANGED = "GRANT_CHANGED"
    GRANT_DELETED = "GRANT_DELETED"
    CLAIM_RULE_CREATED = "CLAIM_RULE_CREATED"
    CLAIM_RULE_CHANGED = "CLAIM_RULE_CHANGED"
    CLAIM_RULE_DELETED = "CLAIM_RULE_DELETED"
    DATA_KEY_CREATED = "DATA_KEY_CREATED"
    DATA_KEY_CHANGED = "DATA_KEY_CHANGED"
    DATA_KEY_DELETED = "DATA_KEY_DELETED"
    INTEGRITY_ALARM = "INTEGRITY_ALARM"
    REFERENCES_READ = "REFERENCES_READ"
    AUDIT_BEGUN = "AUDIT_BEGUN"
    AUDIT_PRUNED = "AUDIT_PRUNED"
    AUDIT_ACKNOWLEDGED = "AUDIT_ACKNOWLEDGED"


class AuditSubject(StrEnum):
    SECRET = "SECRET"  # noqa: S105 - the name of a kind
    HOLDER = "HOLDER"
    ORGANIZATION = "ORGANIZATION"
    TOKEN = "TOKEN"  # noqa: S105 - as above
    USER = "USER"
    GRANT = "GRANT"
    CLAIM_RULE = "CLAIM_RULE"
    DATA_KEY = "DATA_KEY"
    INSTANCE = "INSTANCE"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditDraft:
    """The facts that a use case knows. Sealing adds the actor, the time and the face."""

    action: AuditAction
    subject: AuditSubject
    subject_id: str
    organization_id: str | None = None
    project_id: str | None = None
    holder_id: str | None = None
    key: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEvent:
    """One event of the chain. `details` is a JSON object of facts, as text."""

    seq: int
    at: datetime
    actor_kind: str
    actor_id: str
    action: str
    subject: str
    subject_id: str
    organization_id: str | None
    project_id: str | None
    holder_id: str | None
    key: str | None
    face: str
    request_id: str | None
    details: str
    set_mac: bytes = field(repr=False)
    prev_hash: bytes = field(repr=False)

    @property
    def facts(self) -> Mapping[str, Any]:
        facts: Mapping[str, Any] = json.loads(self.details)
        return facts

    @property
    def delivered_secret_ids(self) -> frozenset[str]:
        """The secrets whose values were delivered; empty for other actions."""
        is_delivery = self.action == AuditAction.VALUES_DELIVERED
        return frozenset(self.facts["secrets"]) if is_delivery else frozenset()

    def without_secrets(self, hidden: AbstractSet[str]) -> Self:
        """Return the event without the names and the number of these secrets.

        Its hash no longer matches, so the result is for reading only.
        """
        if self.delivered_secret_ids.isdisjoint(hidden):
            return self
        seen = {
            name: version for name, version in self.facts["secrets"].items() if name not in hidden
        }
        return replace(self, details=details_text({"secrets": seen, "is_partial": True}))


@dataclass(frozen=True, slots=True)
class SecretEdits:
    """The events of a secret's creation, if the log still has it, and of its last change."""

    created: AuditEvent | None
    changed: AuditEvent


@dataclass(frozen=True, slots=True)
class SealedEvent:
    event: AuditEvent
    hash: bytes = field(repr=False)

    @property
    def plain(self) -> Mapping[str, Any]:
        """All fields as JSON values."""
        plain = {each.name: getattr(self.event, each.name) for each in fields(self.event)}
        return plain | {
            "at": moment_text(self.event.at),
            "details": _facts_or_text(self.event),
            "set_mac": self.event.set_mac.hex(),
            "prev_hash": self.event.prev_hash.hex(),
            "hash": self.hash.hex(),
        }


def _facts_or_text(event: AuditEvent) -> Any:  # noqa: ANN401 - what JSON holds
    """Return the facts of an event; its text if somebody made them unreadable."""
    try:
        return event.facts
    except (ValueError, RecursionError):
        return event.details


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter:
    """Conditions on events; None does not filter."""

    actor_id: str | None = None
    actions: tuple[AuditAction, ...] | None = None
    secret_id: str | None = None
    holder_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def ensure_valid(self) -> None:
        """Refuse more actions than fit on a page, and texts that cannot be ids.

        Raises:
            InvalidInput: naming the rule.

        """
        ensure_page_size(len(self.actions or ()))
        for wanted in filter(None, (self.secret_id, self.holder_id)):
            if not is_canonical_id(wanted):
                raise InvalidInput(Argument.FILTER, "An id in the filter must be a UUID.")
        if self.actor_id is not None and not self.actor_id.isprintable():
            raise InvalidInput(
                Argument.FILTER, "The actor's id must have only printable characters."
            )


ANY_EVENT: Final = AuditFilter()


class LogBeginsLater(InvalidInput):
    def __init__(self, at: datetime) -> None:
        super().__init__(
            Argument.FILTER,
            f"The audit log begins at {moment_text(at)}: what was delivered before is not known.",
        )


class DatabaseAcceptedLater(InvalidInput):
    def __init__(self, at: datetime) -> None:
        super().__init__(
            Argument.FILTER,
            f"The operator accepted the database as it was at {moment_text(at)}: what was "
            "delivered before is not known for sure.",
        )


class TooManyDeliveries(InvalidInput):
    def __init__(self) -> None:
        super().__init__(
            Argument.FILTER,
            "Too much was delivered since `unusedSince` to compare. Choose a later time, or "
            "projects with `holderIds`.",
        )


class AuditUnavailable(Unavailable):
    def __init__(self) -> None:
        GatewayError.__init__(
            self,
            "The audit log cannot record at the moment, so the gateway changes and delivers "
            "nothing.",
        )


class DatabaseNotTrusted(Unavailable):
    def __init__(self) -> None:
        GatewayError.__init__(
            self,
            "The database is not trusted: it differs from what the gateway has written. The "
            "operator must run `secrets-gateway audit verify`, then `audit acknowledge`.",
        )


class CatalogNotTrusted(Unavailable):
    def __init__(self) -> None:
        GatewayError.__init__(
            self,
            "The database's tables, indexes, triggers or views differ from those of this version. "
            "The gateway is read-only until its operator corrects that; `secrets-gateway doctor` "
            "names the object.",
        )


def details_text(details: Mapping[str, Any]) -> str:
    """Return the canonical text of facts: sorted JSON, ASCII only, in one line."""
    return json.dumps(details, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def canonical(event: AuditEvent) -> bytes:
    """Return the bytes that an event's hash covers; test vectors fix them.

    Each part follows its length, so two different events never have the same bytes. Null has a
    length that no text has.
    """
    parts: tuple[str | bytes | None, ...] = (
        _ENCODING,
        str(event.seq),
        moment_text(event.at),
        event.actor_kind,
        event.actor_id,
        event.action,
        event.subject,
        event.subject_id,
        event.organization_id,
        event.project_id,
        event.holder_id,
        event.key,
        event.face,
        event.request_id,
        event.details,
        event.set_mac,
        event.prev_hash,
    )
    return b"".join(map(_part, parts))


def _part(part: str | bytes | None) -> bytes:
    if part is None:
        return b"\xff\xff\xff\xff"
    # A forged row can have invalid Unicode. Hashing it must not fail.
    raw = part if isinstance(part, bytes) else part.encode("utf-8", "surrogatepass")
    return len(raw).to_bytes(4, "big") + raw


def moment_text(moment: datetime) -> str:
    """Return a time as text in UTC, to the microsecond."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
