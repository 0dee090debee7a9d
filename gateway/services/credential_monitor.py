"""Monitor a credential, so that work that outlasts a request ends with it."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Final

from gateway.domain.errors import Unauthenticated, Unavailable
from gateway.services.change_notifier import ChangeNotifier
from gateway.services.execution import RequestPrincipal
from gateway.storage.unit_of_work import Database

# Seconds. The delay for changes without a notification, such as a key that an issuer withdrew.
RECHECK_SECONDS: Final = 15.0
# A credential can be valid for a moment after its expiry, since clocks differ.
_AT_LEAST: Final = 0.5


class CredentialMonitor:
    """Waits for a principal's credential to become invalid."""

    def __init__(
        self, notifier: ChangeNotifier, database: Database, now: Callable[[], datetime]
    ) -> None:
        self._notifier = notifier
        self._database = database
        self._now = now

    async def wait_until_invalid(self, caller: RequestPrincipal) -> None:
        """Return when the credential is revoked, expired or invalid for another reason.

        It counts as valid while the database is unavailable, since nothing is delivered then.
        """
        with self._notifier.subscribe() as subscription:
            principal = caller.principal
            while True:
                # Not `wait_for`: in Python 3.11 it swallows a cancellation that meets a
                # notification.
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._patience(principal.expires_at)):
                        await subscription.wait()
                subscription.reset()
                try:
                    async with self._database.read() as unit:
                        principal = await caller.look_up(unit)
                except Unauthenticated:
                    return
                except Unavailable:
                    continue

    def _patience(self, expires_at: datetime | None) -> float:
        if expires_at is None:
            return RECHECK_SECONDS
        left = (expires_at - self._now()).total_seconds()
        return min(max(left, _AT_LEAST), RECHECK_SECONDS)
