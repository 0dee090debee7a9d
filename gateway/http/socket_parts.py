"""What a conversation on a socket stands on."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from gateway.domain.execution import Caller, OpenRun
from gateway.http.streaming import Streaming
from gateway.http.trusted import TrustedDocuments


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

    open_run: OpenRun
    streaming: Streaming
    documents: TrustedDocuments
    # Takes an Authorization header's text.
    sign_in: Callable[[str], Awaitable[Caller]]
    times: SocketTimes
