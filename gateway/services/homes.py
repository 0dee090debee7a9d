"""The default organizations of identities: noted at sign-in, stored in the background."""

from typing import Final

import structlog

from gateway.domain.errors import GatewayError
from gateway.domain.origins import ActorKind, originating
from gateway.services.context import ServiceContext
from gateway.storage import users

_log = structlog.get_logger(__name__)
_MAX_NOTED: Final = 10_000


class Homes:
    """Users who accepted their invitation by signing in, until that is stored."""

    def __init__(self, context: ServiceContext) -> None:
        self._context = context
        self._noted: set[str] = set()

    def note(self, user_id: str) -> None:
        """Note that an identity has used a registration while it had no home."""
        if len(self._noted) < _MAX_NOTED:
            self._noted.add(user_id)

    async def store(self) -> None:
        """Store the noted homes. One that cannot be stored is noted again at the next sign-in."""
        noted, self._noted = self._noted, set()
        for user_id in noted:
            try:
                with originating(actor_kind=ActorKind.USER, actor_id=user_id):
                    async with self._context.database.write() as unit:
                        await users.make_home(unit, user_id)
            except GatewayError as error:
                _log.warning("home_not_stored", code=error.code)
