"""One WebSocket connection: uvicorn's protocol with bounded ends and quiet logs.

uvicorn's own protocol logs the path and the query of each socket, which are client text, and a
traceback for each frame that is not UTF-8. It also waits for ever for a peer that does not read.
"""

import logging
from asyncio import Task, TimerHandle
from http import HTTPStatus
from typing import Any, Final

import structlog
from uvicorn.config import Config
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from websockets.frames import CloseCode

from gateway.http.connections import STATE_KEY, Connections, drop, refusal

_QUIET: Final = logging.getLogger(__name__)
_QUIET.setLevel(logging.ERROR)

_log = structlog.get_logger("gateway.graphql.frames")


class SocketProtocol(WebSocketsSansIOProtocol):
    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: Any = None,  # noqa: ANN401 - uvicorn's own signature
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.logger = _QUIET
        self.conn.logger = _QUIET
        self._deadlines = (app_state.get(STATE_KEY) or Connections()).deadlines
        self._end: TimerHandle | None = None

    def connection_lost(self, exc: Exception | None) -> None:
        """Release everything that waits for the peer."""
        self._cancel_end()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Process received bytes; the first are the whole head, which HTTP has read."""
        super().data_received(data)
        if not self.handshake_initiated:
            # A head that is valid for HTTP can exceed a limit of the WebSocket library.
            self.transport.write(refusal(HTTPStatus.BAD_REQUEST))
            self.transport.close()
            self._drop_within(self._deadlines.body)
        elif not self.writable.is_set() and not self.transport.is_closing():
            # Each ping is answered, so a peer that does not read the answers must not send more.
            self.transport.pause_reading()

    def send_receive_event_to_app(self) -> None:
        """Pass a message on; end the socket if its text is not UTF-8."""
        if self.curr_msg_data_type == "text" and not self.close_sent and not self._is_utf_8():
            self.frames = []
            self.conn.fail(CloseCode.INVALID_DATA, "Text must be UTF-8")
            self.handle_parser_exception()
            return
        super().send_receive_event_to_app()

    def handle_parser_exception(self) -> None:
        """End a socket whose peer breaks the protocol, with one line in the log."""
        if not self.close_sent and self.conn.close_sent is not None:
            _log.info("malformed_frame", code=int(self.conn.close_sent.code))
        super().handle_parser_exception()

    def on_task_complete(self, task: Task[None]) -> None:
        """End the connection with the application, even if the peer does not read."""
        super().on_task_complete(task)
        self._drop_within(self._deadlines.body)

    def keepalive_timeout(self) -> None:
        """End a socket whose peer does not answer, even if it does not read either."""
        super().keepalive_timeout()
        self._drop_within(self._deadlines.closing)

    def pause_writing(self) -> None:
        """Start the timeout for a peer that does not read."""
        super().pause_writing()
        if not self.transport.is_closing():
            self._drop_within(self._deadlines.body)

    def resume_writing(self) -> None:
        """Continue to send; a closing connection keeps its timeout."""
        super().resume_writing()
        if not self.transport.is_closing():
            self._cancel_end()
            if not self.read_paused:
                self.transport.resume_reading()

    def shutdown(self) -> None:
        """End the socket when the server stops, even if its peer does not read."""
        super().shutdown()
        self._drop_within(self._deadlines.closing)

    def _is_utf_8(self) -> bool:
        try:
            b"".join(self.frames).decode()
        except UnicodeDecodeError:
            return False
        return True

    def _drop_within(self, seconds: float) -> None:
        self._cancel_end()
        # A lost connection has no socket to drop.
        if not self.disconnected:
            self._end = self.loop.call_later(seconds, drop, self.transport)

    def _cancel_end(self) -> None:
        if self._end is not None:
            self._end.cancel()
            self._end = None
