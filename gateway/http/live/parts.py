"""What a conversation on a socket stands on."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

from gateway.http.live.streaming import Streaming
from gateway.http.trusted import TrustedDocuments
from gateway.services.execution import ExecutorFactory, RequestPrincipal


class CloseCode(IntEnum):
    """Why a socket ends, as the protocol numbers it."""

    INTERNAL = 1011
    TRY_AGAIN_LATER = 1013
    BAD_REQUEST = 4400
    UNAUTHORIZED = 4401
    FORBIDDEN = 4403
    SUBPROTOCOL_NOT_ACCEPTABLE = 4406
    INIT_TIMEOUT = 4408
    DUPLICATE_ID = 4409
    TOO_MANY_INITS = 4429


class Closed(Exception):
    """The socket is to end."""

    def __init__(self, code: CloseCode, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class Gone(ConnectionError):
    """The other side has ended the socket."""


class Channel(Protocol):
    """A socket, as far as a conversation needs it."""

    async def receive(self) -> bytes:
        """Return the next message's text.

        Raises:
            Gone: if there is none to come.
            Closed: if it is no text.

        """

    async def send(self, text: bytes) -> None:
        """Send a message.

        Raises:
            Gone: if nobody is there to take it.

        """


@dataclass(frozen=True, slots=True, kw_only=True)
class SocketTimes:
    """In seconds: until a caller is introduced, and until what is answered once is answered."""

    init: float
    operation: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SocketParts:
    """What answers on a socket."""

    open_run: ExecutorFactory
    streaming: Streaming
    documents: TrustedDocuments
    # Takes an Authorization header's text.
    sign_in: Callable[[str, str | None], Awaitable[RequestPrincipal]]
    times: SocketTimes
