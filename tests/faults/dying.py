"""A gateway that dies between a commit and its answer: its caller cannot know what became of it."""

import os
import signal
from http import HTTPStatus
from pathlib import Path
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tests.races.processes import strict_app

_MADE: Final = HTTPStatus.CREATED


class DiesBeforeItAnswers:
    """ASGI middleware that kills its process in the place of an answer to a creation."""

    def __init__(self, app: ASGIApp, *, after: int) -> None:
        self._app = app
        self._left = after

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass all on, until the last creation."""

        async def watched(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == _MADE:
                self._left -= 1
                if self._left < 0:
                    os.kill(os.getpid(), signal.SIGKILL)
            await send(message)

        await self._app(scope, receive, watched)


def dying_app(data_dir: Path, *, after: int) -> ASGIApp:
    """Return the gateway over a data folder, which dies after so many creations."""
    return DiesBeforeItAnswers(strict_app(data_dir), after=after)
