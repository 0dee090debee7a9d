"""Every way a request can fail: one exception class for each code.

Messages are built from facts (ids, scopes, kinds), never from values or other free text.
"""

from enum import StrEnum
from typing import ClassVar

from gateway.domain.holders import is_canonical_id


class ErrorCode(StrEnum):
    """Stable names of errors; never reused, never renamed."""

    BAD_USER_INPUT = "BAD_USER_INPUT"
    SCOPE_VIOLATION = "SCOPE_VIOLATION"
    ALIAS_OF_ALIAS = "ALIAS_OF_ALIAS"
    NOT_OVERRIDABLE = "NOT_OVERRIDABLE"
    READ_ONLY = "READ_ONLY"
    NOT_FOUND = "NOT_FOUND"
    CONFLICT = "CONFLICT"
    IDEMPOTENCY_CONFLICT = "IDEMPOTENCY_CONFLICT"
    TOKEN_ALREADY_SHOWN = "TOKEN_ALREADY_SHOWN"  # noqa: S105 - the name of an error
    VERSION_CONFLICT = "VERSION_CONFLICT"
    NOT_EMPTY = "NOT_EMPTY"
    SECRET_IN_USE = "SECRET_IN_USE"  # noqa: S105 - the name of an error
    QUOTA_EXCEEDED = "QUOTA_EXCEEDED"
    REFERENCE_UNRESOLVED = "REFERENCE_UNRESOLVED"
    REFERENCES_NOT_UPDATED = "REFERENCES_NOT_UPDATED"
    DELIVERY_LIMIT_EXCEEDED = "DELIVERY_LIMIT_EXCEEDED"
    UNAUTHENTICATED = "UNAUTHENTICATED"
    FORBIDDEN = "FORBIDDEN"
    ORGANIZATION_REQUIRED = "ORGANIZATION_REQUIRED"
    # Clients of persisted queries know these two by their names.
    PERSISTED_QUERY_NOT_FOUND = "PERSISTED_QUERY_NOT_FOUND"
    PERSISTED_QUERY_NOT_SUPPORTED = "PERSISTED_QUERY_NOT_SUPPORTED"
    DOCUMENT_NOT_TRUSTED = "DOCUMENT_NOT_TRUSTED"
    LIMIT_EXCEEDED = "LIMIT_EXCEEDED"
    DEADLINE_EXCEEDED = "DEADLINE_EXCEEDED"
    METHOD_NOT_ALLOWED = "METHOD_NOT_ALLOWED"
    PAYLOAD_TOO_LARGE = "PAYLOAD_TOO_LARGE"
    UNSUPPORTED_MEDIA_TYPE = "UNSUPPORTED_MEDIA_TYPE"
    RATE_LIMITED = "RATE_LIMITED"
    CURSOR_EXPIRED = "CURSOR_EXPIRED"
    VERSION_NOT_KEPT = "VERSION_NOT_KEPT"
    UNAVAILABLE = "UNAVAILABLE"
    INTERNAL = "INTERNAL"


class Argument(StrEnum):
    """The part of a request that an error is about, in the domain's words."""

    HOLDER = "HOLDER"
    KIND = "KIND"
    SECRET = "SECRET"  # noqa: S105 - the name of an argument
    KEY = "KEY"
    VALUE = "VALUE"
    MOUNT_PATH = "MOUNT_PATH"
    DESCRIPTION = "DESCRIPTION"
    NAME = "NAME"
    PAGE = "PAGE"
    FILTER = "FILTER"
    IDEMPOTENCY_KEY = "IDEMPOTENCY_KEY"
    VERSION = "VERSION"
    FORMER_VERSION = "FORMER_VERSION"
    ENTITY_TAGS = "ENTITY_TAGS"
    ROWS = "ROWS"
    SOURCE = "SOURCE"
    SCOPE = "SCOPE"
    ROLE = "ROLE"
    TOKEN = "TOKEN"  # noqa: S105 - the name of an argument
    USER = "USER"
    GRANT = "GRANT"
    CLAIM_RULE = "CLAIM_RULE"
    CONDITIONS = "CONDITIONS"
    ISSUER = "ISSUER"
    SUBJECT = "SUBJECT"
    LIFETIME = "LIFETIME"
    END = "END"


class GatewayError(Exception):
    """The root of all errors that are reported to the caller.

    `retry_after` is the number of seconds after which the same request can succeed, if known.
    """

    code: ClassVar[ErrorCode]
    retry_after: int | None = None

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class BusinessError(GatewayError):
    """A refusal that mutations report as a typed entry of their payload."""

    def __init__(self, message: str, argument: Argument | None = None) -> None:
        super().__init__(message)
        self.argument = argument


class InvalidInput(BusinessError):
    """An argument breaks a rule that can be checked without the database."""

    code = ErrorCode.BAD_USER_INPUT

    def __init__(self, argument: Argument, message: str) -> None:
        super().__init__(message, argument)


class NotFound(BusinessError):
    """The caller can see nothing with that id. The answer hides whether it exists."""

    code = ErrorCode.NOT_FOUND

    def __init__(self, kind: str, missing_id: str, argument: Argument) -> None:
        named = f"the id {missing_id}" if is_canonical_id(missing_id) else "that id"
        super().__init__(f"No {kind} has {named}.", argument)
        self.missing_id = missing_id


class Conflict(BusinessError):
    """The request contradicts what is stored."""

    code = ErrorCode.CONFLICT


class ConcurrentChange(Conflict):
    def __init__(self) -> None:
        super().__init__("Another request made a change at the same time. Try again.")


class Unauthenticated(GatewayError):
    """The request has no valid credential. The answer hides why."""

    code = ErrorCode.UNAUTHENTICATED

    def __init__(self) -> None:
        super().__init__(
            "The request needs a valid credential: an API token or an issuer's access token as "
            "`Authorization: Bearer …`, or an API token as `Authorization: Token …`."
        )


class Forbidden(GatewayError):
    """The caller can see the object but cannot do this to it."""

    code = ErrorCode.FORBIDDEN

    def __init__(self, permission: str) -> None:
        super().__init__(f"The credential lacks the permission {permission}.")


class RegistrationRequired(GatewayError):
    """Only claim rules let the caller in, and what it wants to make would outlast its token."""

    code = ErrorCode.FORBIDDEN

    def __init__(self) -> None:
        super().__init__(
            "An identity that is not registered must not create claim rules, grants, users, or "
            "API tokens with access:manage. Register it as a user, or use an API token."
        )


class RateLimited(GatewayError):
    code = ErrorCode.RATE_LIMITED

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"Too many requests. Try again in {retry_after} s.")
        self.retry_after = retry_after


class Unavailable(GatewayError):
    code = ErrorCode.UNAVAILABLE

    def __init__(self) -> None:
        super().__init__("The gateway cannot reach its storage at the moment. Try again.")


class StorageNotWritable(Unavailable):
    def __init__(self, obstacle: str) -> None:
        GatewayError.__init__(self, "The gateway cannot write to its storage. Try again later.")
        self.obstacle = obstacle


class Overloaded(Unavailable):
    """More requests wait than the gateway can answer in time. It refuses this one at once."""

    retry_after = 5

    def __init__(self) -> None:
        GatewayError.__init__(self, "Too many requests are waiting. Try again later.")


class KeysUnavailable(Unavailable):
    def __init__(self) -> None:
        GatewayError.__init__(self, "The gateway cannot reach its keys at the moment. Try again.")


class IntegrityFault(Unavailable):
    """Stored data differs from what the gateway wrote. The log has an alarm for the operator."""

    def __init__(self) -> None:
        GatewayError.__init__(
            self,
            "The stored data failed its integrity check. The gateway has logged an alarm for its "
            "operator.",
        )


class Internal(GatewayError):
    """Anything unexpected, after it has been logged."""

    code = ErrorCode.INTERNAL

    def __init__(self) -> None:
        super().__init__("Internal error.")


class RefusedStart(Exception):
    """The gateway refuses to start. The message says what the operator must do."""
