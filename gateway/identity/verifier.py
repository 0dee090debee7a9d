"""Token text in, identity out: the only entry for tokens of other issuers.

The libraries for HTTP and JWKs are imported only where there is an issuer.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Self

import structlog
from joserfc.util import urlsafe_b64decode

from gateway.domain.strict_json import read_object
from gateway.identity.claims import (
    Reason,
    RefusedToken,
    VerifiedIdentity,
    ensure_claims,
    ensure_header,
)
from gateway.identity.issuers import Algorithm, Issuer

if TYPE_CHECKING:
    from gateway.identity.key_cache import Fetcher, KeyCache

MAX_LENGTH: Final = 8_192

_log = structlog.get_logger(__name__)


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class _UnverifiedToken:
    header: Mapping[str, Any] = field(repr=False)
    claims: Mapping[str, Any] = field(repr=False)
    signed: bytes = field(repr=False)
    signature: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Trusted:
    issuer: Issuer
    keys: "KeyCache"


class Verifier:
    """Verifies tokens of the issuers that the operator trusts, and of no others."""

    def __init__(
        self,
        issuers: Iterable[Issuer] = (),
        *,
        fetcher: "Fetcher | None" = None,
        now: Callable[[], datetime] = _utc_now,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._now = now
        self._fetcher = fetcher
        self._trusted = {issuer.issuer: self._trust(issuer, clock) for issuer in issuers}

    async def __aenter__(self) -> Self:
        """Prepare to fetch keys, if there is an issuer; the first token fetches them."""
        if self._trusted and self._fetcher:
            await self._fetcher.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
        if self._fetcher:
            await self._fetcher.__aexit__()

    async def close(self) -> None:
        for trusted in self._trusted.values():
            await trusted.keys.close()

    async def verify(self, text: str) -> VerifiedIdentity:
        """Return a token's identity. With known keys this waits for nothing.

        Raises:
            RefusedToken: for any invalid token; clients get the same error for all.
            IssuerUnavailable: if the required keys are missing and cannot be fetched.

        """
        try:
            return await self._verify_signature(_take_apart(text))
        except RefusedToken as refused:
            _log.info("token_refused", reason=refused.reason.value)
            raise

    async def _verify_signature(self, token: _UnverifiedToken) -> VerifiedIdentity:
        named = token.claims.get("iss")
        trusted = self._trusted.get(named) if isinstance(named, str) else None
        if trusted is None:
            raise RefusedToken(Reason.ISSUER)
        key_id = ensure_header(token.header, trusted.issuer)
        # Before the signature: an invalid token is not a reason to ask its issuer.
        identity = ensure_claims(token.claims, trusted.issuer, at=self._now())
        from gateway.identity.keys import ensure_signed  # noqa: PLC0415 - see above

        key = await trusted.keys.find(key_id)
        ensure_signed(key, Algorithm(token.header["alg"]), token.signed, token.signature)
        return identity

    def _trust(self, issuer: Issuer, clock: Callable[[], float]) -> _Trusted:
        from gateway.identity.key_cache import Fetcher, KeyCache, KeySource  # noqa: PLC0415 - see above

        self._fetcher = self._fetcher or Fetcher()
        source = KeySource(issuer, self._fetcher)
        return _Trusted(issuer, KeyCache(issuer, fetch=source.keys, clock=clock))


def _take_apart(text: str) -> _UnverifiedToken:
    """Return the parts of three texts in canonical base64url, the first two JSON objects."""
    try:
        parts = text.encode("ascii").split(b".") if len(text) <= MAX_LENGTH else []
        header, claims, signature = map(urlsafe_b64decode, parts)
        read = read_object(header), read_object(claims)
    except ValueError:
        raise RefusedToken(Reason.MALFORMED) from None
    if not signature:
        raise RefusedToken(Reason.MALFORMED)
    return _UnverifiedToken(*read, text.rpartition(".")[0].encode(), signature)
