"""Our side of a connection: uvicorn's protocol for HTTP/1.1, with an end to its patience.

As it comes, a peer that says nothing, or says it slowly, holds its connection for ever. Here a
head must be complete in a time that runs from its first byte, a body in another from there, and an
answer must be taken; trickling bytes buys nothing. Limits come from the composition root, by way
of the lifespan's state.
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

from gateway.http.connections import STATE_KEY, Connections
from gateway.http.wire import drop, refusal

_log = structlog.get_logger(__name__)

MAX_HEAD_BYTES: Final = 64 * 1024

Headers = list[tuple[bytes, bytes]]


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
        super().__init__(config, server_state, app_state, _loop)
        self._limits: Connections = app_state.get(STATE_KEY) or Connections()
        self.timeout_keep_alive = self._limits.deadlines.idle
        self._deadline: TimerHandle | None = None
        self._send_deadline: TimerHandle | None = None
        self._end: TimerHandle | None = None
        # Once true, no timer of this object can reach the connection any more.
        self._is_over = False
        # The request that is answered now; `cycle` is the one that was read last.
        self._answered: RequestResponseCycle | None = None
        # Whether `cycle` belongs to the request that is read now.
        self._has_own_cycle = False
        # A refusal that waits for the answers before it.
        self._refusal: HTTPStatus | None = None
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
        self._cancel_timers()
        if self._answered is not None:
            # Requests can wait behind it, and uvicorn says it to the last one alone.
            self._answered.disconnected = True
            self._answered.message_event.set()
        self._limits.forget(self._peer, self.transport)
        super().connection_lost(exc)

    def handle_websocket_upgrade(self) -> None:
        """Hand the connection over; its deadlines are the next protocol's.

        An answer that is still to come would be written between the frames of the socket, and a
        body would be read as frames: such a request is refused.
        """
        if self._is_answering() or self._has_body():
            self._refuse(HTTPStatus.BAD_REQUEST)
            return
        self._cancel_timers()
        super().handle_websocket_upgrade()

    def shutdown(self) -> None:
        """Close what is idle, refuse what is half sent, and give the rest a bounded time."""
        self._limits.begin_closing()
        if self.cycle is not None and self.cycle.more_body and not self.cycle.response_started:
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE)
        super().shutdown()
        self._close_within(self._limits.deadlines.closing)

    def data_received(self, data: bytes) -> None:
        """Read on."""
        if self._deadline is None and not self._is_answering():
            self._expect(self._limits.deadlines.head, self._give_up_on_head)
        if self._is_in_head or self._awaits_head():
            self._head_bytes += len(data)
        super().data_received(data)
        if self._is_in_head and self._head_bytes > MAX_HEAD_BYTES:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def on_message_begin(self) -> None:
        """Begin a head."""
        if self._refusal is not None:
            return
        super().on_message_begin()
        self._is_in_head, self._has_own_cycle = True, False
        self._expect(self._limits.deadlines.head, self._give_up_on_head)

    def on_headers_complete(self) -> None:
        """Begin a body; how long it is must be beyond doubt."""
        self._is_in_head, self._head_bytes = False, 0
        if self._is_refused():
            return
        self._expect(self._limits.deadlines.body, self._give_up_on_body)
        names = [name for name, _ in self.headers]
        if b"transfer-encoding" in names and self.parser.get_http_version() != "1.1":
            # Before 1.1 nobody knew chunks; who stands between us may see another body than we.
            self._refuse(HTTPStatus.BAD_REQUEST)
            return
        if not _is_chunked_at_most(self.headers):
            self._refuse(HTTPStatus.NOT_IMPLEMENTED)
            return
        before = self.cycle
        super().on_headers_complete()
        self._has_own_cycle = self.cycle is not before

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header of the head; after the body there are none that a client of ours sends."""
        if self._is_in_head:
            super().on_header(name, value)
        else:
            self._refuse(HTTPStatus.BAD_REQUEST)

    def on_body(self, body: bytes) -> None:
        """Take a part of the body, unless it was refused already."""
        if not self._is_refused():
            super().on_body(body)

    def on_message_complete(self) -> None:
        """Wait for nothing more: the request is complete."""
        self._stop_expecting()
        if not self._is_refused():
            super().on_message_complete()

    def on_response_complete(self) -> None:
        """Go on to the next request, or to the refusal that waited for this answer."""
        super().on_response_complete()
        refusal_to_send, self._refusal = self._refusal, None
        if refusal_to_send is not None:
            self._refuse(refusal_to_send)

    def send_400_response(self, msg: str) -> None:
        """Refuse what is not HTTP, in the gateway's own form."""
        del msg
        # uvicorn calls this while it handles the parser's error, and does not pass that on.
        reason = str(sys.exc_info()[1])
        is_coding = "Transfer-Encoding" in reason and "Content-Length" not in reason
        self._refuse(HTTPStatus.NOT_IMPLEMENTED if is_coding else HTTPStatus.BAD_REQUEST)

    def pause_writing(self) -> None:
        """Give a peer that does not read its time."""
        super().pause_writing()
        self._stop_send_deadline()
        self._send_deadline = self.loop.call_later(
            self._limits.deadlines.body, self._give_up_on_answer
        )

    def resume_writing(self) -> None:
        """Go on sending."""
        self._stop_send_deadline()
        super().resume_writing()

    def timeout_keep_alive_handler(self) -> None:
        """Close a connection that asks nothing more, even if it does not take what was sent."""
        super().timeout_keep_alive_handler()
        self._close_soon()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._answered = cycle
        super()._start_asgi_task(cycle, app)

    def _is_refused(self) -> bool:
        return self._refusal is not None or self.transport.is_closing()

    def _is_behind_another(self) -> bool:
        """Whether an earlier request on the connection is still to be answered."""
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
        # By the time they run, the number of this socket may be another connection's.
        self._is_over = True
        self._stop_expecting()
        self._stop_send_deadline()
        # uvicorn leaves it running where the peer resets the connection.
        self._unset_keepalive_if_required()
        if self._end is not None:
            self._end.cancel()

    def _give_up_on_head(self) -> None:
        _log.info("slow_peer", part="head")
        # To a peer that has said nothing there is nothing to answer.
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
        # Closing waits until all is sent, which a peer that does not read can put off for ever.
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
        """Answer in place of the application, after the answers to earlier requests, and close."""
        self._stop_expecting()
        if self.transport.is_closing():
            return
        if self._is_behind_another():
            self._refusal = status
            self.flow.pause_reading()
            return
        self.transport.write(refusal(status))
        self._close()


def _is_chunked_at_most(headers: Headers) -> bool:
    """Whether no transfer coding is applied to the body but `chunked`, once."""
    codings = [value for name, value in headers if name == b"transfer-encoding"]
    return not codings or [coding.strip(b" \t").lower() for coding in codings] == [b"chunked"]
