"""The last uses of tokens: noted in memory at each sign-in, stored in the background."""

from datetime import datetime, timedelta
from typing import Final

import structlog

from gateway.domain.errors import GatewayError
from gateway.domain.tokens import ApiToken
from gateway.services.context import ServiceContext
from gateway.services.homes import Homes
from gateway.storage import tokens

_log = structlog.get_logger(__name__)

# The precision of a token's last use: one write per hour instead of one per request.
USE_IS_NOTED_EVERY: Final = timedelta(hours=1)


class TokenUses:
    """The uses that are not stored yet, so that no request waits for the database's writer."""

    def __init__(self, context: ServiceContext) -> None:
        self._context = context
        self._noted: dict[str, datetime] = {}
        self.homes = Homes(context)

    def note(self, token: ApiToken, now: datetime) -> None:
        """Note that a token is used, unless a recent use is stored."""
        is_fresh = token.last_used_at and now - token.last_used_at < USE_IS_NOTED_EVERY
        if not is_fresh:
            self._noted.setdefault(token.id, now)

    async def store(self) -> None:
        """Store the noted uses of tokens in one write, and the homes of users."""
        await self.homes.store()
        noted = dict(self._noted)
        if not noted:
            return
        try:
            async with self._context.database.write() as unit:
                for token_id, at in noted.items():
                    await tokens.note_use(unit, token_id, at=at, since=at - USE_IS_NOTED_EVERY)
        except GatewayError as error:
            # They stay noted until the next attempt.
            _log.warning("token_uses_not_stored", tokens=len(noted), code=error.code)
            return
        for token_id in noted:
            self._noted.pop(token_id, None)
