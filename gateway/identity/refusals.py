"""Why a token is refused. Clients always get the same error; the operator's log has the reason."""

from enum import StrEnum

from gateway.domain.errors import GatewayError, Unauthenticated, Unavailable


class Reason(StrEnum):
    """What is wrong with a token. The words are fixed and never taken from the token."""

    MALFORMED = "malformed"
    HEADER = "header"
    ALGORITHM = "algorithm"
    TYPE = "type"
    ISSUER = "issuer"
    AUDIENCE = "audience"
    CLAIM = "claim"
    EXPIRED = "expired"
    NOT_YET_VALID = "not_yet_valid"
    NO_ACCESS_TOKEN = "no_access_token"  # noqa: S105 - a reason, not a password
    KEY = "key"
    SIGNATURE = "signature"


class RefusedToken(Unauthenticated):
    def __init__(self, reason: Reason) -> None:
        super().__init__()
        self.reason = reason


class IssuerUnavailable(Unavailable):
    def __init__(self) -> None:
        GatewayError.__init__(
            self, "The identity provider's keys cannot be fetched at the moment; try again."
        )
