"""API tokens: their form, and when they are valid."""

import secrets
from dataclasses import dataclass
from datetime import datetime
from string import ascii_letters, digits
from typing import Final, Self
from zlib import crc32

from gateway.domain.errors import Argument, Conflict, InvalidInput
from gateway.domain.origins import ActorKind

PREFIX: Final = "sgw_"
_ALPHABET: Final = digits + ascii_letters
# 32 of 62 characters: 190 random bits.
_RANDOM_LENGTH: Final = 32
_CHECKSUM_LENGTH: Final = 6


@dataclass(frozen=True, slots=True)
class Creator:
    """Who created a token: another token, a user, or the instance's operator."""

    kind: ActorKind
    id: str

    @property
    def text(self) -> str:
        return f"{self.kind}:{self.id}"

    @classmethod
    def parse(cls, text: str) -> Self:
        kind, _, creator_id = text.partition(":")
        return cls(ActorKind(kind), creator_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiToken:
    id: str
    organization_id: str
    name: str
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None
    # None for a token from before this was recorded.
    created_by: Creator | None = None

    def is_valid(self, at: datetime) -> bool:
        return self.revoked_at is None and (self.expires_at is None or at < self.expires_at)


class InvalidEnd(InvalidInput):
    def __init__(self, message: str) -> None:
        super().__init__(Argument.END, message)


class TokenHasEnded(Conflict):
    def __init__(self) -> None:
        super().__init__("The token is revoked, or has expired.", Argument.TOKEN)


def ensure_can_end(token: ApiToken, at: datetime, *, now: datetime) -> None:
    """Refuse an end of a token that is not between now and its present end.

    Raises:
        InvalidEnd: naming the rule.
        TokenHasEnded: if the token is no longer valid.

    """
    if not token.is_valid(now):
        raise TokenHasEnded
    if at <= now:
        message = "The end must be later than now. To end a token at once, revoke it."
        raise InvalidEnd(message)
    if token.expires_at is not None and at > token.expires_at:
        message = "The end must not be later than the present one: a token is never extended."
        raise InvalidEnd(message)


def earliest(*moments: datetime | None) -> datetime | None:
    """Return the earliest expiry; None means that a token does not expire."""
    return min(filter(None, moments), default=None)


def new_token_text() -> str:
    """Return a new token: prefix, random part, checksum.

    The prefix lets a scanner find leaked tokens. The checksum lets the scanner be sure, and lets
    the gateway refuse a typing error without a query.
    """
    body = "".join(secrets.choice(_ALPHABET) for _ in range(_RANDOM_LENGTH))
    return f"{PREFIX}{body}{_checksum(body)}"


def is_token_text(text: str) -> bool:
    """Return whether a text has the form of a token, including its checksum."""
    body, checksum = text[len(PREFIX) : -_CHECKSUM_LENGTH], text[-_CHECKSUM_LENGTH:]
    return (
        text.startswith(PREFIX)
        and len(body) == _RANDOM_LENGTH
        and text.isascii()
        and checksum == _checksum(body)
    )


def _checksum(body: str) -> str:
    number, text = crc32(body.encode()), ""
    for _ in range(_CHECKSUM_LENGTH):
        number, digit = divmod(number, len(_ALPHABET))
        text = _ALPHABET[digit] + text
    return text
