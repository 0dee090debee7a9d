"""Our side of a connection: uvicorn's protocol for HTTP/1.1, with an end to its patience.

As it comes, a peer that says nothing, or says it slowly, holds its connection for ever. Here a
head must be complete in a time that runs from its first byte, a body in another from there, and an
answer must be taken; trickling bytes buys nothing. Limits come from the composition root, by way
of the lifespan's state.
"""

from asyncio import TimerHandle, Transport
from collections.abc import Callable
from http import HTTPStatus
from socket import SO_LINGER, SOL_SOCKET
from struct import pack
from typing import Any, Final

import orjson
import structlog
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from gateway.http.connections import STATE_KEY, Connections
from gateway.http.problems import MEDIA_TYPE, fields
from gateway.http.requests import DEFAULT_HEADERS

_log = structlog.get_logger(__name__)

MOST_HEAD_BYTES: Final = 64 * 1024


class PatientProtocol(HttpToolsProtocol):
    """One connection, whose peer has some time and no more."""

    transport: Transport
    # Before the first request there is none.
    cycle: RequestResponseCycle | None  # type: ignore[assignment] # uvicorn leaves that out
    timeout_keep_alive: float  # type: ignore[assignment] # the loop takes any number

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: Any = None,  # noqa: ANN401 - uvicorn's own signature
    ) -> None:
        """Take the limits out of the application's state."""
        super().__init__(config, server_state, app_state, _loop)
        self._limits: Connections = app_state.get(STATE_KEY) or Connections()
        self.timeout_keep_alive = self._limits.deadlines.idle
        self._deadline: TimerHandle | None = None
        self._send_deadline: TimerHandle | None = None
        self._end: TimerHandle | None = None
        self._head_bytes = 0
        self._is_in_head = False
        self._peer = ""

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override] # as uvicorn's
        """Take the connection, if the peer may have one more."""
        super().connection_made(transport)
        self._peer = self.client[0] if self.client else ""
        if not self._limits.admit(self._peer, transport):
            _log.info("too_many_connections")
            transport.abort()
            return
        self._expect(self._limits.deadlines.head, self._give_up_on_head)

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of everything that waits."""
        self._stop_expecting()
        self.resume_writing()
        if self._end is not None:
            # By then the number of our socket may be another connection's.
            self._end.cancel()
        self._limits.forget(self._peer, self.transport)
        super().connection_lost(exc)

    def handle_websocket_upgrade(self) -> None:
        """Hand the connection over; its deadlines are the next protocol's."""
        self._stop_expecting()
        super().handle_websocket_upgrade()

    def shutdown(self) -> None:
        """Let what is under way come to its end, and tell what has none."""
        self._limits.begin_closing()
        super().shutdown()

    def data_received(self, data: bytes) -> None:
        """Read on."""
        if self._deadline is None and not self._is_answering():
            self._expect(self._limits.deadlines.head, self._give_up_on_head)
        if self._is_in_head or self._awaits_head():
            self._head_bytes += len(data)
        super().data_received(data)
        if self._is_in_head and self._head_bytes > MOST_HEAD_BYTES:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def on_message_begin(self) -> None:
        """Begin a head."""
        super().on_message_begin()
        self._is_in_head = True
        self._expect(self._limits.deadlines.head, self._give_up_on_head)

    def on_headers_complete(self) -> None:
        """Begin a body; how long it is must be beyond doubt."""
        self._is_in_head, self._head_bytes = False, 0
        if self.transport.is_closing():
            return
        self._expect(self._limits.deadlines.body, self._give_up_on_body)
        names = [name for name, _ in self.headers]
        if b"transfer-encoding" in names and self.parser.get_http_version() != "1.1":
            # Before 1.1 nobody knew chunks; who stands between us may see another body than we.
            self._refuse(HTTPStatus.BAD_REQUEST)
            return
        super().on_headers_complete()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header of the head; after the body there are none that a client of ours sends."""
        if self._is_in_head:
            super().on_header(name, value)
        else:
            self._refuse(HTTPStatus.BAD_REQUEST)

    def on_body(self, body: bytes) -> None:
        """Take a part of the body, unless it was refused already."""
        if not self.transport.is_closing():
            super().on_body(body)

    def on_message_complete(self) -> None:
        """Wait for nothing more: the request is complete."""
        self._stop_expecting()
        if not self.transport.is_closing():
            super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP, in our own form."""
        del msg
        self._refuse(HTTPStatus.BAD_REQUEST)

    def pause_writing(self) -> None:
        """Give a peer that does not read its time."""
        super().pause_writing()
        self._send_deadline = self.loop.call_later(
            self._limits.deadlines.body, self._give_up_on_answer
        )

    def resume_writing(self) -> None:
        """Go on sending."""
        if self._send_deadline is not None:
            self._send_deadline.cancel()
            self._send_deadline = None
        super().resume_writing()

    def timeout_keep_alive_handler(self) -> None:
        """Close a connection that asks nothing more, even if it does not take what was sent."""
        super().timeout_keep_alive_handler()
        self._close_soon()

    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _awaits_head(self) -> bool:
        return not self._is_in_head and (self.cycle is None or not self.cycle.more_body)

    def _expect(self, seconds: float, otherwise: Callable[[], None]) -> None:
        self._stop_expecting()
        self._deadline = self.loop.call_later(seconds, otherwise)

    def _stop_expecting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _give_up_on_head(self) -> None:
        _log.info("slow_peer", part="head")
        # To a peer that has said nothing there is nothing to answer.
        if self._is_in_head and not self._is_answering():
            self._refuse(HTTPStatus.REQUEST_TIMEOUT)
        else:
            self.transport.close()
            self._close_soon()

    def _give_up_on_body(self) -> None:
        _log.info("slow_peer", part="body")
        if self.cycle is not None and not self.cycle.response_started:
            self._refuse(HTTPStatus.REQUEST_TIMEOUT)
        else:
            self.transport.close()
            self._close_soon()

    def _give_up_on_answer(self) -> None:
        _log.info("slow_peer", part="answer")
        self._drop()

    def _close_soon(self) -> None:
        # Closing waits until all is sent, which a peer that does not read can put off for ever.
        if self._end is None:
            self._end = self.loop.call_later(self._limits.deadlines.body, self._drop)

    def _drop(self) -> None:
        # Without this the system would go on offering the peer what it does not take.
        if (connection := self.transport.get_extra_info("socket")) is not None:
            connection.setsockopt(SOL_SOCKET, SO_LINGER, pack("ii", 1, 0))
        self.transport.abort()

    def _refuse(self, status: HTTPStatus) -> None:
        """Answer in place of the application, and close."""
        self._stop_expecting()
        if self.transport.is_closing():
            return
        body = orjson.dumps(fields(status, f"{status.description}."))
        headers = {
            **DEFAULT_HEADERS,
            "Content-Type": MEDIA_TYPE,
            "Content-Length": str(len(body)),
            "Connection": "close",
        }
        lines = [f"HTTP/1.1 {status.value} {status.phrase}", *map(": ".join, headers.items())]
        self.transport.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        self.transport.close()
        self._close_soon()
