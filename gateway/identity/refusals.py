"""Why a token is refused. Callers are always told the same; the operator's log tells the reason."""

from enum import StrEnum

from gateway.domain.errors import GatewayError, Unauthenticated, Unavailable


class Reason(StrEnum):
    """What is wrong with a token; a word of ours, never one of the token's."""

    MALFORMED = "malformed"
    HEADER = "header"
    ALGORITHM = "algorithm"
    TYPE = "type"
    ISSUER = "issuer"
    AUDIENCE = "audience"
    CLAIM = "claim"
    EXPIRED = "expired"
    NOT_YET_VALID = "not_yet_valid"
    NO_ACCESS_TOKEN = "no_access_token"  # noqa: S105 - a reason, no password
    KEY = "key"
    SIGNATURE = "signature"


class RefusedToken(Unauthenticated):
    """The token is none that lets anybody in."""

    def __init__(self, reason: Reason) -> None:
        super().__init__()
        self.reason = reason


class IssuerUnavailable(Unavailable):
    """Whether the token is good cannot be told, for its issuer does not answer."""

    def __init__(self) -> None:
        GatewayError.__init__(
            self, "The identity provider's keys cannot be fetched just now; try again."
        )
