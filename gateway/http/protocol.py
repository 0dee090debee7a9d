"""The server side of a connection: uvicorn's protocol for HTTP/1.1, with timeouts.

In plain uvicorn, a silent or slow peer holds its connection for ever. Here a head must be complete
within a timeout that starts at its first byte, then the body within another, and the peer must read
the response in time. Sending single bytes does not extend a timeout. The limits come from the
composition root through the lifespan's state.
"""

import sys
from asyncio import TimerHandle, Transport
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final

import structlog
from uvicorn._types import ASGI3Application
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from gateway.http.connections import STATE_KEY, Connections, drop, refusal

_log = structlog.get_logger(__name__)

MAX_HEAD_BYTES: Final = 64 * 1024

Headers = list[tuple[bytes, bytes]]


class PatientProtocol(HttpToolsProtocol):
    transport: Transport
    # Before the first request there is none.
    cycle: RequestResponseCycle | None  # type: ignore[assignment] # uvicorn omits that
    timeout_keep_alive: float  # type: ignore[assignment] # the loop accepts any number

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: Any = None,  # noqa: ANN401 - uvicorn's own signature
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._limits: Connections = app_state.get(STATE_KEY) or Connections()
        self.timeout_keep_alive = self._limits.deadlines.idle
        self._deadline: TimerHandle | None = None
        self._send_deadline: TimerHandle | None = None
        self._end: TimerHandle | None = None
        # Once true, no timer of this object can affect the connection.
        self._is_over = False
        # The request that is being answered; `cycle` is the one that was read last.
        self._answered: RequestResponseCycle | None = None
        # Whether `cycle` belongs to the request that is being read.
        self._has_own_cycle = False
        # A refusal that waits for earlier responses.
        self._refusal: HTTPStatus | None = None
        self._head_bytes = 0
        self._is_in_head = False
        self._peer = ""

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override] # as uvicorn's
        """Accept the connection if the peer is below its limit."""
        super().connection_made(transport)
        self._peer = self.client[0] if self.client else ""
        if not self._limits.admit(self._peer, transport):
            _log.info("too_many_connections")
            transport.abort()
            return
        self._expect(self._limits.deadlines.head, self._give_up_on_head)

    def connection_lost(self, exc: Exception | None) -> None:
        """Release everything that waits for the connection."""
        self._cancel_timers()
        if self._answered is not None:
            # Requests can wait behind it, and uvicorn notifies only the last one.
            self._answered.disconnected = True
            self._answered.message_event.set()
        self._limits.forget(self._peer, self.transport)
        super().connection_lost(exc)

    def handle_websocket_upgrade(self) -> None:
        """Hand the connection over to the WebSocket protocol, which has its own deadlines.

        A pending response would be written between the frames of the socket, and a body would be
        read as frames, so such a request is refused.
        """
        if self._is_answering() or self._has_body():
            self._refuse(HTTPStatus.BAD_REQUEST)
            return
        self._cancel_timers()
        super().handle_websocket_upgrade()

    def shutdown(self) -> None:
        """Close an idle connection, refuse a partial request, and bound the rest."""
        self._limits.begin_closing()
        if self.cycle is not None and self.cycle.more_body and not self.cycle.response_started:
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE)
        super().shutdown()
        self._close_within(self._limits.deadlines.closing)

    def data_received(self, data: bytes) -> None:
        if self._deadline is None and not self._is_answering():
            self._expect(self._limits.deadlines.head, self._give_up_on_head)
        if self._is_in_head or self._awaits_head():
            self._head_bytes += len(data)
        super().data_received(data)
        if self._is_in_head and self._head_bytes > MAX_HEAD_BYTES:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def on_message_begin(self) -> None:
        """Start the timeout of a head."""
        if self._refusal is not None:
            return
        super().on_message_begin()
        self._is_in_head, self._has_own_cycle = True, False
        self._expect(self._limits.deadlines.head, self._give_up_on_head)

    def on_headers_complete(self) -> None:
        """Start a body; refuse it if its length is ambiguous."""
        self._is_in_head, self._head_bytes = False, 0
        if self._is_refused():
            return
        self._expect(self._limits.deadlines.body, self._give_up_on_body)
        names = [name for name, _ in self.headers]
        if b"transfer-encoding" in names and self.parser.get_http_version() != "1.1":
            # HTTP/1.0 has no chunks, so a proxy in between could see another body than this server.
            self._refuse(HTTPStatus.BAD_REQUEST)
            return
        if not _is_chunked_at_most(self.headers):
            self._refuse(HTTPStatus.NOT_IMPLEMENTED)
            return
        before = self.cycle
        super().on_headers_complete()
        self._has_own_cycle = self.cycle is not before

    def on_header(self, name: bytes, value: bytes) -> None:
        """Add a header; refuse trailers after the body, because no supported client sends them."""
        if self._is_in_head:
            super().on_header(name, value)
        else:
            self._refuse(HTTPStatus.BAD_REQUEST)

    def on_body(self, body: bytes) -> None:
        """Add a part of the body unless the request is already refused."""
        if not self._is_refused():
            super().on_body(body)

    def on_message_complete(self) -> None:
        """Stop the timeouts: the request is complete."""
        self._stop_expecting()
        if not self._is_refused():
            super().on_message_complete()

    def on_response_complete(self) -> None:
        """Continue with the next request, or with the refusal that waited for this response."""
        super().on_response_complete()
        refusal_to_send, self._refusal = self._refusal, None
        if refusal_to_send is not None:
            self._refuse(refusal_to_send)

    def send_400_response(self, msg: str) -> None:
        """Refuse what is not HTTP, in the gateway's own form."""
        del msg
        # uvicorn calls this while it handles the parser's error, which it does not pass.
        reason = str(sys.exc_info()[1])
        is_coding = "Transfer-Encoding" in reason and "Content-Length" not in reason
        self._refuse(HTTPStatus.NOT_IMPLEMENTED if is_coding else HTTPStatus.BAD_REQUEST)

    def pause_writing(self) -> None:
        """Start the timeout for a peer that does not read."""
        super().pause_writing()
        self._stop_send_deadline()
        self._send_deadline = self.loop.call_later(
            self._limits.deadlines.body, self._give_up_on_answer
        )

    def resume_writing(self) -> None:
        self._stop_send_deadline()
        super().resume_writing()

    def timeout_keep_alive_handler(self) -> None:
        """Close an idle connection, even if the peer does not read what was sent."""
        super().timeout_keep_alive_handler()
        self._close_soon()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._answered = cycle
        super()._start_asgi_task(cycle, app)

    def _is_refused(self) -> bool:
        return self._refusal is not None or self.transport.is_closing()

    def _is_behind_another(self) -> bool:
        """Whether an earlier request on the connection has no response yet."""
        answered = self._answered
        is_open = answered is not None and not answered.response_complete
        return is_open and not (self._has_own_cycle and answered is self.cycle)

    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _awaits_head(self) -> bool:
        return not self._is_in_head and (self.cycle is None or not self.cycle.more_body)

    def _has_body(self) -> bool:
        return any(
            name == b"transfer-encoding" or (name == b"content-length" and value.strip(b"0 \t"))
            for name, value in self.headers
        )

    def _expect(self, seconds: float, otherwise: Callable[[], None]) -> None:
        self._stop_expecting()
        self._deadline = self.loop.call_later(seconds, otherwise)

    def _stop_expecting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _stop_send_deadline(self) -> None:
        if self._send_deadline is not None:
            self._send_deadline.cancel()
            self._send_deadline = None

    def _cancel_timers(self) -> None:
        # When they run, another connection can have this socket's number.
        self._is_over = True
        self._stop_expecting()
        self._stop_send_deadline()
        # uvicorn does not stop it when the peer resets the connection.
        self._unset_keepalive_if_required()
        if self._end is not None:
            self._end.cancel()

    def _give_up_on_head(self) -> None:
        _log.info("slow_peer", part="head")
        # A peer that has sent nothing gets no response.
        if self._is_in_head and not self._is_answering():
            self._refuse(HTTPStatus.REQUEST_TIMEOUT)
        else:
            self._close()

    def _give_up_on_body(self) -> None:
        _log.info("slow_peer", part="body")
        if self.cycle is not None and not self.cycle.response_started:
            self._refuse(HTTPStatus.REQUEST_TIMEOUT)
        else:
            self._close()

    def _give_up_on_answer(self) -> None:
        _log.info("slow_peer", part="answer")
        self._drop()

    def _close(self) -> None:
        self.transport.close()
        self._close_soon()

    def _close_soon(self) -> None:
        # Closing waits until all is sent, which a peer that does not read can delay for ever.
        if self._end is None:
            self._close_within(self._limits.deadlines.body)

    def _close_within(self, seconds: float) -> None:
        if self._end is not None:
            self._end.cancel()
        if not self._is_over:
            self._end = self.loop.call_later(seconds, self._drop)

    def _drop(self) -> None:
        if not self._is_over:
            drop(self.transport)

    def _refuse(self, status: HTTPStatus) -> None:
        """Answer instead of the application, after the responses to earlier requests, and close."""
        self._stop_expecting()
        if self.transport.is_closing():
            return
        if self._is_behind_another():
            self._refusal = status
            self.flow.pause_reading()
            return
        self._limits.refused[f"HTTP_{status.value}"] += 1
        self.transport.write(refusal(status))
        self._close()


def _is_chunked_at_most(headers: Headers) -> bool:
    """Whether `chunked`, once, is the only transfer coding of the body."""
    codings = [value for name, value in headers if name == b"transfer-encoding"]
    return not codings or [coding.strip(b" \t").lower() for coding in codings] == [b"chunked"]
