"""Our side of a WebSocket: uvicorn's protocol, without what it tells the log.

As it comes, it logs the path and the query of each socket, which are the caller's text.
"""

import logging
from typing import Any

from uvicorn.config import Config
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState

_QUIET = logging.getLogger(__name__)
_QUIET.setLevel(logging.ERROR)


class SocketProtocol(WebSocketsSansIOProtocol):
    """One socket's connection."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: Any = None,  # noqa: ANN401 - uvicorn's own signature
    ) -> None:
        """Take uvicorn's parts, and keep quiet."""
        super().__init__(config, server_state, app_state, _loop)
        self.logger = _QUIET
        self.conn.logger = _QUIET
