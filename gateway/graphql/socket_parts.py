"""The types that a conversation on a socket depends on."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

from gateway.graphql.streaming import Streaming
from gateway.graphql.trusted_documents import TrustedDocuments
from gateway.services.execution import ExecutorFactory, RequestPrincipal


class CloseCode(IntEnum):
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
    def __init__(self, code: CloseCode, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class Gone(ConnectionError):
    """The client has closed the socket."""


class Channel(Protocol):
    async def receive(self) -> bytes:
        """Return the next message's text.

        Raises:
            Gone: if the client has closed the socket.
            Closed: if the message is not text.

        """

    async def send(self, text: bytes) -> None:
        """Send a message.

        Raises:
            Gone: if the client has closed the socket.

        """


@dataclass(frozen=True, slots=True, kw_only=True)
class SocketTimes:
    """Timeouts in seconds: for authentication, and for an operation with a single result."""

    init: float
    operation: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SocketParts:
    open_run: ExecutorFactory
    streaming: Streaming
    documents: TrustedDocuments
    # Takes an Authorization header's text.
    sign_in: Callable[[str, str | None], Awaitable[RequestPrincipal]]
    times: SocketTimes
