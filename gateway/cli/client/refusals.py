"""Why a gateway behind a URL refuses, and with which exit code a command then ends."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from gateway.cli.printing import PROGRAM, Refused
from gateway.domain.errors import ErrorCode

SIGN_IN: Final = 3
NOT_THERE: Final = 4
CONTRADICTS: Final = 5
# EX_TEMPFAIL of sysexits.h: the same command can succeed later.
TRY_LATER: Final = 75

_BY_STATUS: Final[Mapping[int, int]] = {
    HTTPStatus.UNAUTHORIZED: SIGN_IN,
    HTTPStatus.FORBIDDEN: SIGN_IN,
    HTTPStatus.NOT_FOUND: NOT_THERE,
    HTTPStatus.CONFLICT: CONTRADICTS,
    HTTPStatus.PRECONDITION_FAILED: CONTRADICTS,
    HTTPStatus.TOO_MANY_REQUESTS: TRY_LATER,
    HTTPStatus.BAD_GATEWAY: TRY_LATER,
    HTTPStatus.SERVICE_UNAVAILABLE: TRY_LATER,
    HTTPStatus.GATEWAY_TIMEOUT: TRY_LATER,
}
_BY_CODE: Final[Mapping[str, int]] = {
    ErrorCode.UNAUTHENTICATED: SIGN_IN,
    ErrorCode.FORBIDDEN: SIGN_IN,
    ErrorCode.ORGANIZATION_REQUIRED: SIGN_IN,
    ErrorCode.DOCUMENT_NOT_TRUSTED: SIGN_IN,
    ErrorCode.NOT_FOUND: NOT_THERE,
    ErrorCode.CONFLICT: CONTRADICTS,
    ErrorCode.IDEMPOTENCY_CONFLICT: CONTRADICTS,
    ErrorCode.VERSION_CONFLICT: CONTRADICTS,
    ErrorCode.NOT_EMPTY: CONTRADICTS,
    ErrorCode.SECRET_IN_USE: CONTRADICTS,
    ErrorCode.QUOTA_EXCEEDED: CONTRADICTS,
    ErrorCode.REFERENCE_UNRESOLVED: CONTRADICTS,
    ErrorCode.REFERENCES_NOT_UPDATED: CONTRADICTS,
    ErrorCode.DELIVERY_LIMIT_EXCEEDED: CONTRADICTS,
    ErrorCode.RATE_LIMITED: TRY_LATER,
    ErrorCode.UNAVAILABLE: TRY_LATER,
    ErrorCode.DEADLINE_EXCEEDED: TRY_LATER,
}
_HINTS: Final[Mapping[str, str]] = {
    ErrorCode.UNAUTHENTICATED: (
        f" The token is unknown, expired or revoked: get another, and run `{PROGRAM} login`."
    ),
    ErrorCode.NOT_EMPTY: (
        " (On the command line: --with-content. --dry-run shows what would be deleted.)"
    ),
    ErrorCode.SECRET_IN_USE: " (On the command line: --with-dependents.)",
}


class NotSignedIn(Refused):
    exit_code = SIGN_IN


class NotFound(Refused):
    exit_code = NOT_THERE


class Unreachable(Refused):
    exit_code = TRY_LATER


class UnfitAnswer(Refused):
    def __init__(self) -> None:
        super().__init__("this is not the answer of a gateway.")


class RefusedByGateway(Refused):
    """The gateway's own message; it has no values, so it can be shown."""

    def __init__(
        self, status: int, message: str, *, code: str = "", retry_after: str | None = None
    ) -> None:
        is_new = retry_after and retry_after.isdigit() and f"{retry_after} s" not in message
        later = f" Try again in {retry_after} s." if is_new else ""
        super().__init__(f"{message}{_HINTS.get(code, '')}{later}")
        self.code = code
        self.exit_code = _BY_CODE.get(code, _BY_STATUS.get(status, 1))

    def add_hint(self, hint: str) -> None:
        """Say after the message what else can be done."""
        self.args = (f"{self} {hint}",)
