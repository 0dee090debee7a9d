"""The errors of each row: every error code, its meaning, and the rows that can return it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from itertools import groupby
from types import MappingProxyType
from typing import Final

from gateway.domain.errors import ErrorCode
from gateway.http.problems import STATUSES
from gateway.rest.rows import Action, Row

Applies = Callable[[Row], bool]


@dataclass(frozen=True, slots=True)
class Refusal:
    """The meaning of a code, and the rows that can return it."""

    applies: Applies
    meaning: str


def _always(_: Row) -> bool:
    return True


def _never(_: Row) -> bool:
    return False


def _has_body(row: Row) -> bool:
    return row.request is not None


def _writes(row: Row) -> bool:
    return not row.is_safe


def _takes_if_match(row: Row) -> bool:
    return row.takes_if_match


def _makes_alias(row: Row) -> bool:
    return row.path.endswith("/alias")


def _makes_override(row: Row) -> bool:
    return row.path.endswith("/override")


def _refers(row: Row) -> bool:
    return _makes_alias(row) or _makes_override(row)


def _changes(row: Row) -> bool:
    return row.action is Action.DELETE or (row.status is HTTPStatus.OK and _has_body(row))


REFUSALS: Final[Mapping[ErrorCode, Refusal]] = MappingProxyType(
    {
        ErrorCode.BAD_USER_INPUT: Refusal(
            _always, "A part of the request is missing, malformed, or breaks a rule."
        ),
        ErrorCode.SCOPE_VIOLATION: Refusal(
            _refers,
            (
                "The scope of the target does not fit: an alias needs a target of the same or a "
                "wider scope, an override one of a wider scope."
            ),
        ),
        ErrorCode.ALIAS_OF_ALIAS: Refusal(_makes_alias, "The target is an alias."),
        ErrorCode.NOT_OVERRIDABLE: Refusal(
            _makes_override, "The target is built in, an alias, or another override."
        ),
        ErrorCode.UNAUTHENTICATED: Refusal(_always, "There is no valid credential."),
        ErrorCode.FORBIDDEN: Refusal(
            _always, ("The credential allows reading this, but not the operation.")
        ),
        ErrorCode.ORGANIZATION_REQUIRED: Refusal(
            _always, "A user of several organizations must name one in `X-Organization-Id`."
        ),
        ErrorCode.READ_ONLY: Refusal(_changes, "The secret is built in and cannot be changed."),
        ErrorCode.NOT_FOUND: Refusal(
            _always, "No object with that id is visible here, whether or not it exists."
        ),
        ErrorCode.PERSISTED_QUERY_NOT_FOUND: Refusal(
            _never, "No trusted GraphQL document has the id."
        ),
        ErrorCode.PERSISTED_QUERY_NOT_SUPPORTED: Refusal(
            _never, "There are no trusted GraphQL documents."
        ),
        ErrorCode.DOCUMENT_NOT_TRUSTED: Refusal(_never, "A GraphQL document is not trusted."),
        ErrorCode.LIMIT_EXCEEDED: Refusal(_never, "A GraphQL document exceeds a limit."),
        ErrorCode.DEADLINE_EXCEEDED: Refusal(
            _always, "The answer took too long. A change that has begun is still completed."
        ),
        ErrorCode.METHOD_NOT_ALLOWED: Refusal(_never, "The path does not support that method."),
        ErrorCode.CONFLICT: Refusal(
            _writes,
            (
                "The request conflicts with stored data: usually the key is taken along the chain, "
                "by the `existing_variable`; otherwise another file has the mount path, or there "
                "was a concurrent change."
            ),
        ),
        ErrorCode.IDEMPOTENCY_CONFLICT: Refusal(
            _writes, "The idempotency key was used for a different request."
        ),
        ErrorCode.TOKEN_ALREADY_SHOWN: Refusal(
            _never, "The first request with this idempotency key created the token."
        ),
        ErrorCode.QUOTA_EXCEEDED: Refusal(_has_body, "The operator's quota of secrets is used up."),
        ErrorCode.REFERENCE_UNRESOLVED: Refusal(_never, "A delivery has an unresolved reference."),
        ErrorCode.REFERENCES_NOT_UPDATED: Refusal(
            _never, "References to a renamed secret cannot be rewritten."
        ),
        ErrorCode.VERSION_CONFLICT: Refusal(
            _takes_if_match, "The current entity tag is not listed in `If-Match`."
        ),
        ErrorCode.DELIVERY_LIMIT_EXCEEDED: Refusal(
            _has_body,
            "A service would see more keys or bytes than one delivery can contain.",
        ),
        ErrorCode.NOT_EMPTY: Refusal(
            _never, ("The holder has content that the request does not confirm to delete.")
        ),
        ErrorCode.SECRET_IN_USE: Refusal(_never, "Other secrets refer to the secret."),
        ErrorCode.CURSOR_EXPIRED: Refusal(
            _never, "The changes since the cursor are no longer stored."
        ),
        ErrorCode.PAYLOAD_TOO_LARGE: Refusal(_always, "The body is larger than 1 MiB."),
        ErrorCode.UNSUPPORTED_MEDIA_TYPE: Refusal(
            _has_body,
            ("The body must be declared as `application/json`, in UTF-8 and without compression."),
        ),
        ErrorCode.RATE_LIMITED: Refusal(
            _always,
            "There were too many requests or wrong credentials in too short a time.",
        ),
        ErrorCode.INTERNAL: Refusal(_always, "An unexpected error occurred and was logged."),
        ErrorCode.UNAVAILABLE: Refusal(
            _always, "Storage is temporarily unavailable. Try the same request again later."
        ),
    },
)


def codes_by_status(row: Row) -> Iterator[tuple[HTTPStatus, tuple[ErrorCode, ...]]]:
    """Yield each error status of a row, in order, with its codes."""
    codes = [code for code, refusal in REFUSALS.items() if refusal.applies(row)]
    by_status = groupby(sorted(codes, key=STATUSES.__getitem__), STATUSES.__getitem__)
    return ((status, tuple(grouped)) for status, grouped in by_status)
