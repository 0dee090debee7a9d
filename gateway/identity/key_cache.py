"""One issuer's keys: fetched with as little trust as possible, and renewed before they expire."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from enum import StrEnum
from http import HTTPStatus
from typing import Any, Final, Self

import httpx
import structlog
from joserfc.jwk import Key

from gateway.domain.errors import GatewayError, Unavailable
from gateway.domain.strict_json import read_object
from gateway.identity.claims import Reason, RefusedToken
from gateway.identity.issuers import Issuer, is_encrypted, is_safe_url
from gateway.identity.keys import RefusedKeySet, WeakKeySet, read_key_set

MAX_BYTES: Final = 64 * 1024
_SECONDS: Final = 5.0


class FetchFault(StrEnum):
    CLOSED = "closed"
    TIMEOUT = "timeout"
    UNREACHABLE = "unreachable"
    STATUS = "status"
    TOO_LARGE = "too_large"
    NOT_JSON = "not_json"
    NO_KEY_SET = "no_key_set"
    WEAK_KEY = "weak_key"
    ANOTHER_ISSUER = "another_issuer"
    UNSAFE_URL = "unsafe_url"


class FetchFailed(Exception):
    def __init__(self, fault: FetchFault) -> None:
        super().__init__(fault)
        self.fault = fault


class IssuerUnavailable(Unavailable):
    def __init__(self) -> None:
        GatewayError.__init__(
            self, "The identity provider's keys cannot be fetched at the moment; try again."
        )


class Fetcher:
    """Fetches small JSON documents, in bounded time, only from the given URL."""

    def __init__(self, *, seconds: float = _SECONDS) -> None:
        self._seconds = seconds
        self._client: httpx.AsyncClient | None = None

    async def __aenter__(self) -> Self:
        """Read the trusted certificates once; that takes milliseconds."""
        # An issuer is asked every few minutes: an open connection would be closed by then.
        limits = httpx.Limits(max_keepalive_connections=0)
        headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
        self._client = httpx.AsyncClient(follow_redirects=False, limits=limits, headers=headers)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._client:
            await self._client.aclose()

    async def fetch(self, url: str) -> Mapping[str, Any]:
        """Return the JSON object at a URL.

        Raises:
            FetchFailed: for any other response.

        """
        try:
            async with asyncio.timeout(self._seconds):
                return read_object(await self._body(url))
        except TimeoutError:
            raise FetchFailed(FetchFault.TIMEOUT) from None
        except (httpx.HTTPError, httpx.InvalidURL):
            raise FetchFailed(FetchFault.UNREACHABLE) from None
        except ValueError:
            raise FetchFailed(FetchFault.NOT_JSON) from None

    async def _body(self, url: str) -> bytes:
        if self._client is None:
            raise FetchFailed(FetchFault.CLOSED)
        async with self._client.stream("GET", url) as response:
            if response.status_code != HTTPStatus.OK:
                raise FetchFailed(FetchFault.STATUS)
            body = bytearray()
            # Raw: a response that is compressed anyway is not JSON, and cannot grow.
            async for chunk in response.aiter_raw():
                body += chunk
                if len(body) > MAX_BYTES:
                    raise FetchFailed(FetchFault.TOO_LARGE)
        return bytes(body)


class KeySource:
    def __init__(self, issuer: Issuer, fetcher: Fetcher) -> None:
        self._issuer = issuer
        self._fetcher = fetcher
        self._found: str | None = None

    async def keys(self) -> Mapping[str, Key]:
        """Return the issuer's keys by their ids.

        Raises:
            FetchFailed: if the issuer does not return any.

        """
        try:
            return await self._read()
        except FetchFailed:
            # The keys may have moved: the next fetch reads the issuer's configuration again.
            self._found = None
            raise

    async def _read(self) -> Mapping[str, Key]:
        document = await self._fetcher.fetch(await self._url())
        try:
            return read_key_set(document)
        except WeakKeySet:
            raise FetchFailed(FetchFault.WEAK_KEY) from None
        except RefusedKeySet:
            raise FetchFailed(FetchFault.NO_KEY_SET) from None

    async def _url(self) -> str:
        known = self._issuer.jwks_url or self._found
        if known is None:
            configuration = await self._fetcher.fetch(self._issuer.configuration_url)
            known = self._found = self._check(configuration)
        return known

    def _check(self, configuration: Mapping[str, Any]) -> str:
        if configuration.get("issuer") != self._issuer.issuer:
            raise FetchFailed(FetchFault.ANOTHER_ISSUER)
        url = configuration.get("jwks_uri")
        if not isinstance(url, str) or not is_safe_url(url):
            raise FetchFailed(FetchFault.UNSAFE_URL)
        if is_encrypted(self._issuer.issuer) and not is_encrypted(url):
            raise FetchFailed(FetchFault.UNSAFE_URL)
        return url


COOL_DOWN_SECONDS: Final = 30.0
# Keys are renewed early, in the background, so that requests do not wait while there are any.
_EARLY: Final = 0.8

_log = structlog.get_logger(__name__)


class KeyCache:
    """Finds keys; asks the issuer as rarely as possible, with one request at a time."""

    def __init__(
        self,
        issuer: Issuer,
        *,
        fetch: Callable[[], Awaitable[Mapping[str, Key]]],
        clock: Callable[[], float],
    ) -> None:
        self._issuer = issuer
        self._fetch = fetch
        self._clock = clock
        self._keys: Mapping[str, Key] = {}
        self._fetching: asyncio.Task[None] | None = None
        self._has_failed = False
        # Times of the last request, the last answer (good or bad), and the last good answer.
        self._asked_at = self._answered_at = self._known_at = -float("inf")

    async def find(self, key_id: str) -> Key:
        """Return a key; at once if it is known and recent enough.

        Raises:
            RefusedToken: if the issuer does not have this key.
            IssuerUnavailable: if the issuer cannot be asked.

        """
        is_overdue = self._since(self._answered_at) >= self._issuer.refresh_seconds
        if is_overdue or self._is_stale() or key_id not in self._keys:
            await self._wait_for_answer()
        elif self._is_due():
            self._ask()
        if self._is_stale():
            raise IssuerUnavailable
        if key_id in self._keys:
            return self._keys[key_id]
        # An issuer that does not answer may have published the key meanwhile.
        raise IssuerUnavailable if self._has_failed else RefusedToken(Reason.KEY)

    async def close(self) -> None:
        if self._fetching and self._fetching.cancel():
            await asyncio.wait([self._fetching])

    def _since(self, moment: float) -> float:
        return self._clock() - moment

    def _is_due(self) -> bool:
        is_old = self._since(self._answered_at) >= self._issuer.refresh_seconds * _EARLY
        return is_old or self._has_failed

    def _is_stale(self) -> bool:
        return self._since(self._known_at) > self._issuer.stale_seconds

    async def _wait_for_answer(self) -> None:
        if asking := self._ask():
            # Many callers wait for one answer: it goes on when one of them leaves.
            await asyncio.shield(asking)

    def _ask(self) -> "asyncio.Task[None] | None":
        if self._fetching and not self._fetching.done():
            return self._fetching
        if self._since(self._asked_at) < COOL_DOWN_SECONDS:
            return None
        self._asked_at = self._clock()
        self._fetching = asyncio.create_task(self._renew(self._asked_at))
        return self._fetching

    async def _renew(self, asked_at: float) -> None:
        try:
            self._keys = await self._fetch()
        except FetchFailed as failure:
            self._has_failed = True
            _report(self._issuer, failure.fault)
        else:
            self._has_failed, self._known_at = False, asked_at
            _log.info("keys_fetched", issuer=self._issuer.issuer, keys=len(self._keys))
        finally:
            # The answer is as old as the request, not as its arrival.
            self._answered_at = asked_at


def _report(issuer: Issuer, fault: FetchFault) -> None:
    if fault is FetchFault.WEAK_KEY:
        _log.error("weak_issuer_key", issuer=issuer.issuer)
    _log.warning("keys_not_fetched", issuer=issuer.issuer, reason=fault.value)
