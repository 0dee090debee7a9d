"""One issuer's keys, kept in memory and renewed before they expire."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import structlog
from joserfc.jwk import Key

from gateway.identity.fetching import FetchFailed, FetchFault
from gateway.identity.issuers import Issuer
from gateway.identity.refusals import IssuerUnavailable, Reason, RefusedToken

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
