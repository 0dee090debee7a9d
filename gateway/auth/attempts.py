"""Failed sign-ins: a limited number per minute and source, never at a valid credential's cost.

An attempt is counted before the lookup, and given back if the credential is valid. A source that
has no attempts left can still try one credential at a time: a valid one succeeds, an invalid one
gets a rate limit error. So guessing costs the database at most one connection, and nobody can lock
out somebody else by failing in their name.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Final
from weakref import WeakValueDictionary

from gateway.domain.errors import RateLimited, Unauthenticated
from gateway.domain.principals import Principal
from gateway.domain.tokens import PREFIX
from gateway.services.limits import Limiter
from gateway.storage.unit_of_work import ReadUnit

# The prefix and enough of the random part to distinguish tokens.
_PREFIX_LENGTH: Final = len(PREFIX) + 8

# Takes a view, a credential, and the organization that the request names.
LookUp = Callable[[ReadUnit, str, str | None], Awaitable[Principal]]


class GuardedSignIn:
    """Signs in like the lookup that it wraps, and slows down failing sources."""

    def __init__(self, sign_in: LookUp, attempts: Limiter) -> None:
        self._sign_in = sign_in
        self._attempts = attempts
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def __call__(
        self, unit: ReadUnit, credential: str, source: str, organization_id: str | None = None
    ) -> Principal:
        """Return the credential's principal, as the unit shows it.

        Raises:
            Unauthenticated: if the credential is not valid.
            RateLimited: if it is not valid, and its source or its prefix has no attempts left.
            Unavailable: if credentials cannot be looked up.

        """
        names = [f"source {source}"]
        if credential.startswith(PREFIX):
            names.append(f"prefix {credential[:_PREFIX_LENGTH]}")
        try:
            with self._count_attempt(names):
                return await self._sign_in(unit, credential, organization_id)
        except RateLimited as limited:
            look_up = partial(self._sign_in, unit, credential, organization_id)
            return await self._in_turn(look_up, source, limited)

    @contextmanager
    def _count_attempt(self, names: list[str]) -> Iterator[None]:
        """Count an attempt under each name, and give it back unless the attempt fails."""
        charged: list[str] = []
        try:
            for name in names:
                self._attempts.charge(name)
                charged.append(name)
            yield
        except Unauthenticated:
            raise
        except BaseException:
            self._give_back(charged)
            raise
        self._give_back(charged)

    def _give_back(self, names: list[str]) -> None:
        for name in names:
            self._attempts.give_back(name)

    async def _in_turn(
        self, look_up: Callable[[], Awaitable[Principal]], source: str, limited: RateLimited
    ) -> Principal:
        # Nothing else refers to the lock: it is collected after the last waiting attempt.
        turn = self._turns.setdefault(source, asyncio.Lock())
        async with turn:
            try:
                return await look_up()
            except Unauthenticated:
                raise limited from None
