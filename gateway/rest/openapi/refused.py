"""How each row can be refused: every error code, the rows that can give it, and what it means."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from itertools import groupby
from types import MappingProxyType
from typing import Final

from gateway.domain.errors import ErrorCode
from gateway.http.statuses import STATUSES
from gateway.rest.rows import Action, Row

Applies = Callable[[Row], bool]


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a code means, and which rows can answer with it."""

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
            _always, "Something that was sent is missing, malformed, or against a rule."
        ),
        ErrorCode.SCOPE_VIOLATION: Refusal(
            _refers,
            "The target's scope does not allow it: an alias takes the same or a wider one, an "
            "override only a wider one.",
        ),
        ErrorCode.ALIAS_OF_ALIAS: Refusal(_makes_alias, "The target is an alias itself."),
        ErrorCode.NOT_OVERRIDABLE: Refusal(
            _makes_override, "The target is built in, an alias, or another override."
        ),
        ErrorCode.UNAUTHENTICATED: Refusal(_always, "There is no valid credential."),
        ErrorCode.FORBIDDEN: Refusal(_always, "The credential may see this but not do it."),
        ErrorCode.ORGANIZATION_REQUIRED: Refusal(
            _always, "A user of several organizations names one in `X-Organization-Id`."
        ),
        ErrorCode.READ_ONLY: Refusal(_changes, "The secret is built in, so it stays as it is."),
        ErrorCode.NOT_FOUND: Refusal(
            _always, "Nothing with that id can be seen from here, whether or not it exists."
        ),
        ErrorCode.PERSISTED_QUERY_NOT_FOUND: Refusal(
            _never, "No trusted GraphQL document has the id."
        ),
        ErrorCode.PERSISTED_QUERY_NOT_SUPPORTED: Refusal(
            _never, "There are no trusted GraphQL documents."
        ),
        ErrorCode.DOCUMENT_NOT_TRUSTED: Refusal(_never, "A GraphQL document is not trusted."),
        ErrorCode.LIMIT_EXCEEDED: Refusal(_never, "A GraphQL document asks for too much."),
        ErrorCode.DEADLINE_EXCEEDED: Refusal(
            _always, "The answer took too long; a change that had begun is finished all the same."
        ),
        ErrorCode.METHOD_NOT_ALLOWED: Refusal(_never, "The path does not take that method."),
        ErrorCode.CONFLICT: Refusal(
            _writes,
            "What is stored stands in the way: mostly a key that is taken along the chain, by the "
            "`existing_variable`; else another file at the mount path, or a change at the same "
            "moment.",
        ),
        ErrorCode.IDEMPOTENCY_CONFLICT: Refusal(
            _writes, "The idempotency key was used for a different request."
        ),
        ErrorCode.TOKEN_ALREADY_SHOWN: Refusal(_never, "A repeated request had created the token."),
        ErrorCode.QUOTA_EXCEEDED: Refusal(
            _has_body, "There are as many secrets as the operator allows."
        ),
        ErrorCode.REFERENCE_UNRESOLVED: Refusal(_never, "A delivery has an unresolved reference."),
        ErrorCode.REFERENCES_NOT_UPDATED: Refusal(
            _never, "References to a renamed secret cannot be rewritten."
        ),
        ErrorCode.VERSION_CONFLICT: Refusal(
            _takes_if_match, "The current entity tag is none that `If-Match` names."
        ),
        ErrorCode.DELIVERY_LIMIT_EXCEEDED: Refusal(
            _has_body,
            "Some service would see more keys, or more bytes, than one delivery can have.",
        ),
        ErrorCode.NOT_EMPTY: Refusal(_never, "More would go than was asked for."),
        ErrorCode.SECRET_IN_USE: Refusal(_never, "Other secrets refer to the secret."),
        ErrorCode.CURSOR_EXPIRED: Refusal(
            _never, "Changes since the cursor are not known any more."
        ),
        ErrorCode.PAYLOAD_TOO_LARGE: Refusal(_always, "The body is larger than 1 MiB."),
        ErrorCode.UNSUPPORTED_MEDIA_TYPE: Refusal(
            _has_body, "The body is not declared as `application/json`, in UTF-8 and plain."
        ),
        ErrorCode.RATE_LIMITED: Refusal(
            _always,
            "Too much was asked for, or too many credentials were wrong, in too short a time.",
        ),
        ErrorCode.INTERNAL: Refusal(_always, "Something unexpected went wrong, and was logged."),
        ErrorCode.UNAVAILABLE: Refusal(
            _always, "Storage does not answer just now; the same request may work later."
        ),
    },
)


def codes_by_status(row: Row) -> Iterator[tuple[HTTPStatus, tuple[ErrorCode, ...]]]:
    """Give each status a row can be refused with, in order, and the codes behind it."""
    codes = [code for code, refusal in REFUSALS.items() if refusal.applies(row)]
    by_status = groupby(sorted(codes, key=STATUSES.__getitem__), STATUSES.__getitem__)
    return ((status, tuple(grouped)) for status, grouped in by_status)
