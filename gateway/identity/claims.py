"""The checks of a token's header and claims before its signature, and why a token is refused."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

from gateway.domain.errors import Unauthenticated
from gateway.identity.issuers import Issuer


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


# They would supply a key, or change what the signature covers or how the rest is read.
_FORBIDDEN_HEADERS: Final = frozenset(
    {"b64", "crit", "cty", "enc", "jku", "jwk", "x5c", "x5u", "zip"}
)
# An ID token tells a client who signed in; it is not a credential. A token with a `cnf` claim is
# bound to a key that its bearer must prove to hold, and the gateway asks for no such proof.
_FOREIGN_CLAIMS: Final = frozenset({"at_hash", "c_hash", "cnf", "events", "nonce", "s_hash"})
# Claims in which some issuers state the kind of a token, and their value for access tokens.
_KINDS: Final[Mapping[str, str]] = {"token_use": "access", "typ": "bearer"}
_MAX_KEY_ID_LENGTH: Final = 256
_MAX_SUBJECT_LENGTH: Final = 255
# The last second of the year 9999.
_LATEST: Final = 253_402_300_799


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedIdentity:
    """A token's identity: the subject that its issuer confirms, with what claims, until when."""

    issuer: str
    subject: str
    expires_at: datetime
    claims: Mapping[str, Any] = field(repr=False)


def ensure_header(header: Mapping[str, Any], issuer: Issuer) -> str:
    """Return the id of the signing key.

    Raises:
        RefusedToken: if the header does not fit the issuer's settings.

    """
    if header.keys() & _FORBIDDEN_HEADERS:
        raise RefusedToken(Reason.HEADER)
    if not isinstance(header.get("alg"), str) or header["alg"] not in issuer.algorithms:
        raise RefusedToken(Reason.ALGORITHM)
    if _media_type(header.get("typ", "")) not in {_media_type(item) for item in issuer.types}:
        raise RefusedToken(Reason.TYPE)
    key_id = header.get("kid")
    if not isinstance(key_id, str) or not 0 < len(key_id) <= _MAX_KEY_ID_LENGTH:
        raise RefusedToken(Reason.KEY)
    return key_id


def _media_type(name: object) -> str | None:
    return name.lower().removeprefix("application/") if isinstance(name, str) else None


def ensure_claims(claims: Mapping[str, Any], issuer: Issuer, *, at: datetime) -> VerifiedIdentity:
    """Return the identity of the claims; it is valid only after the signature is verified.

    Raises:
        RefusedToken: if a claim is missing, has the wrong type, or does not fit issuer or time.

    """
    _ensure_audience(claims.get("aud"), issuer)
    _ensure_access_token(claims)
    expires = _ensure_times(claims, now=at.timestamp(), leeway=issuer.leeway_seconds)
    return VerifiedIdentity(
        issuer=issuer.issuer,
        subject=_subject(claims),
        expires_at=datetime.fromtimestamp(expires, UTC),
        claims=claims,
    )


def _ensure_audience(audience: object, issuer: Issuer) -> None:
    named = [audience] if isinstance(audience, str) else audience
    if not isinstance(named, list) or not all(isinstance(item, str) for item in named):
        raise RefusedToken(Reason.CLAIM)
    if issuer.audiences.isdisjoint(named):
        raise RefusedToken(Reason.AUDIENCE)


def _ensure_access_token(claims: Mapping[str, Any]) -> None:
    is_foreign = claims.keys() & _FOREIGN_CLAIMS
    is_other = any(str(claims.get(name, kind)).lower() != kind for name, kind in _KINDS.items())
    if is_foreign or is_other:
        raise RefusedToken(Reason.NO_ACCESS_TOKEN)


def _ensure_times(claims: Mapping[str, Any], *, now: float, leeway: float) -> int:
    # A fraction of a second never lets a token live longer or begin earlier.
    expires = int(_time(claims, "exp"))
    if now >= expires + leeway:
        raise RefusedToken(Reason.EXPIRED)
    begins = [_time(claims, "iat")] + ([_time(claims, "nbf")] if "nbf" in claims else [])
    if max(begins) > now + leeway:
        raise RefusedToken(Reason.NOT_YET_VALID)
    return expires


def _time(claims: Mapping[str, Any], name: str) -> float:
    time = claims.get(name)
    # In Python a bool is a number; in JSON it is not.
    if not isinstance(time, int | float) or isinstance(time, bool) or not 0 <= time <= _LATEST:
        raise RefusedToken(Reason.CLAIM)
    return time


def _subject(claims: Mapping[str, Any]) -> str:
    subject = claims.get("sub")
    if not isinstance(subject, str) or not isinstance(claims.get("jti", ""), str):
        raise RefusedToken(Reason.CLAIM)
    is_fit = subject.isascii() and subject.isprintable()
    if not is_fit or not 0 < len(subject) <= _MAX_SUBJECT_LENGTH:
        raise RefusedToken(Reason.CLAIM)
    return subject
