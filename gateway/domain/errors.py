"""Every way a request can fail: one code, one exception class a code.

Messages are built from facts (ids, scopes, kinds), never from values or other free text.
"""

from enum import StrEnum
from typing import ClassVar

from gateway.domain.ids import is_canonical_id


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
    TOKEN_ALREADY_SHOWN = "TOKEN_ALREADY_SHOWN"  # noqa: S105 - the name of an error, no token
    VERSION_CONFLICT = "VERSION_CONFLICT"
    NOT_EMPTY = "NOT_EMPTY"
    SECRET_IN_USE = "SECRET_IN_USE"  # noqa: S105 - the name of an error, no password
    QUOTA_EXCEEDED = "QUOTA_EXCEEDED"
    REFERENCE_UNRESOLVED = "REFERENCE_UNRESOLVED"
    REFERENCES_NOT_UPDATED = "REFERENCES_NOT_UPDATED"
    DELIVERY_LIMIT_EXCEEDED = "DELIVERY_LIMIT_EXCEEDED"
    UNAUTHENTICATED = "UNAUTHENTICATED"
    FORBIDDEN = "FORBIDDEN"
    ORGANIZATION_REQUIRED = "ORGANIZATION_REQUIRED"
    # Two that clients of persisted queries know by these names.
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
    UNAVAILABLE = "UNAVAILABLE"
    INTERNAL = "INTERNAL"


class Argument(StrEnum):
    """Which part of a request an error is about, in the domain's words."""

    HOLDER = "HOLDER"
    KIND = "KIND"
    SECRET = "SECRET"  # noqa: S105 - the name of an argument, no password
    KEY = "KEY"
    VALUE = "VALUE"
    MOUNT_PATH = "MOUNT_PATH"
    DESCRIPTION = "DESCRIPTION"
    NAME = "NAME"
    PAGE = "PAGE"
    FILTER = "FILTER"
    IDEMPOTENCY_KEY = "IDEMPOTENCY_KEY"
    VERSION = "VERSION"
    ENTITY_TAGS = "ENTITY_TAGS"
    ROWS = "ROWS"
    SOURCE = "SOURCE"
    SCOPE = "SCOPE"
    ROLE = "ROLE"
    TOKEN = "TOKEN"  # noqa: S105 - the name of an argument, no token
    USER = "USER"
    GRANT = "GRANT"
    ISSUER = "ISSUER"
    SUBJECT = "SUBJECT"
    LIFETIME = "LIFETIME"


class GatewayError(Exception):
    """The root of all errors that a caller is told about.

    `retry_after` is in seconds, where it is known when the same request can go through.
    """

    code: ClassVar[ErrorCode]
    retry_after: int | None = None

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class BusinessError(GatewayError):
    """An outcome the domain knows: a typed entry of a mutation's payload, not a fault."""

    def __init__(self, message: str, argument: Argument | None = None) -> None:
        super().__init__(message)
        self.argument = argument


class InvalidInput(BusinessError):
    """An argument breaks a rule that needs no look at what is stored."""

    code = ErrorCode.BAD_USER_INPUT

    def __init__(self, argument: Argument, message: str) -> None:
        super().__init__(message, argument)


class NotFound(BusinessError):
    """Nothing with that id can be seen by the caller, whether or not it is there."""

    code = ErrorCode.NOT_FOUND

    def __init__(self, kind_label: str, missing_id: str, argument: Argument) -> None:
        named = f"the id {missing_id}" if is_canonical_id(missing_id) else "that id"
        super().__init__(f"No {kind_label} has {named}.", argument)
        self.missing_id = missing_id


class Conflict(BusinessError):
    """What is stored stands in the way."""

    code = ErrorCode.CONFLICT


class ConcurrentChange(Conflict):
    """Another change came between; trying again decides."""

    def __init__(self) -> None:
        super().__init__("Another change was made at the same time; try again.")


class Unauthenticated(GatewayError):
    """No credential, or none that is valid. Which of them is not told."""

    code = ErrorCode.UNAUTHENTICATED

    def __init__(self) -> None:
        super().__init__(
            "A valid credential is needed: an API token or an issuer's access token as "
            "`Authorization: Bearer …`, or an API token as `Authorization: Token …`."
        )


class Forbidden(GatewayError):
    """The caller may see the thing but not do this to it."""

    code = ErrorCode.FORBIDDEN

    def __init__(self, permission: str) -> None:
        super().__init__(f"This needs the permission {permission}, which the credential lacks.")


class RateLimited(GatewayError):
    """Too much was asked for in too short a time."""

    code = ErrorCode.RATE_LIMITED

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"Too many requests; try again in {retry_after} s.")
        self.retry_after = retry_after


class Unavailable(GatewayError):
    """Something the gateway needs does not answer just now."""

    code = ErrorCode.UNAVAILABLE

    def __init__(self) -> None:
        super().__init__("The gateway cannot reach its storage just now; try again.")


class StorageNotWritable(Unavailable):
    """What is stored can be read, and nothing can be written."""

    def __init__(self, obstacle: str) -> None:
        GatewayError.__init__(self, "The gateway cannot write to its storage; try again later.")
        self.obstacle = obstacle


class Overloaded(Unavailable):
    """More requests wait than can be answered in time, so this one is refused at once."""

    retry_after = 5

    def __init__(self) -> None:
        GatewayError.__init__(self, "Too many requests wait for an answer; try again later.")


class KeysUnavailable(Unavailable):
    """The keeper of the key-encryption keys does not answer, and no copy is left to serve from."""

    def __init__(self) -> None:
        GatewayError.__init__(self, "The gateway cannot reach its keys just now; try again.")


class IntegrityFault(Unavailable):
    """Something stored is not what the gateway wrote; its operator finds an alarm in the log."""

    def __init__(self) -> None:
        GatewayError.__init__(
            self, "What is stored for this does not verify; the gateway's operator has been told."
        )


class Internal(GatewayError):
    """Anything unexpected, once it has been logged."""

    code = ErrorCode.INTERNAL

    def __init__(self) -> None:
        super().__init__("Internal error.")


class RefusedStart(Exception):
    """The gateway does not start like this; the message tells its operator what to do."""
