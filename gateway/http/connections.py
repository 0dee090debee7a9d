"""Connections below the application: limits for one peer, raw refusals and the forced end."""

from asyncio import Event, Transport
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from ipaddress import ip_address, ip_network
from socket import SO_LINGER, SOL_SOCKET
from struct import pack
from types import MappingProxyType
from typing import Final

import orjson

from gateway.http.problems import MEDIA_TYPE, fields
from gateway.http.requests import DEFAULT_HEADERS

STATE_KEY: Final = "connections"
# Close at once and discard unsent bytes.
_NO_LINGER: Final = pack("ii", 1, 0)
_MORE_HEADERS: Final[Mapping[HTTPStatus, Mapping[str, str]]] = MappingProxyType(
    {HTTPStatus.SERVICE_UNAVAILABLE: {"Retry-After": "1"}}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadlines:
    """Timeouts in seconds: for a head, for a body or a response, and between two requests.

    `closing` is how long a stopping server waits for running requests.
    """

    head: float = 10
    body: float = 30
    idle: float = 5
    closing: float = 4


@dataclass(slots=True)
class Connections:
    """The open connections of this process, by the address of the peer.

    A trusted proxy serves many clients, so its number of connections is not limited.
    """

    deadlines: Deadlines = Deadlines()
    most_per_peer: int = 100
    proxies: Sequence[str] = ()
    # How many requests and connections were refused before a request was complete, by reason.
    refused: Counter[str] = field(default_factory=Counter)
    _open: dict[str, set[Transport]] = field(default_factory=dict)
    _closing: Event = field(default_factory=Event)

    def admit(self, peer: str, transport: Transport) -> bool:
        """Count a new connection; return whether the peer can have it."""
        if not self.most_per_peer or self._is_proxy(peer):
            return True
        # A connection that was upgraded, such as a WebSocket, is not notified of its end.
        held = {item for item in self._open.get(peer, ()) if not item.is_closing()}
        if len(held) >= self.most_per_peer:
            self.refused["too_many_connections"] += 1
            return False
        self._open[peer] = held | {transport}
        return True

    def forget(self, peer: str, transport: Transport) -> None:
        held = self._open.get(peer, set())
        held.discard(transport)
        if not held:
            self._open.pop(peer, None)

    def begin_closing(self) -> None:
        self._closing.set()

    async def until_closing(self) -> None:
        """Wait until the server stops. Endless streams must end then."""
        await self._closing.wait()

    def _is_proxy(self, peer: str) -> bool:
        try:
            address = ip_address(peer)
        except ValueError:  # A Unix socket: its peer serves many clients, like a proxy.
            return True
        return any(address in ip_network(proxy) for proxy in self.proxies)


def refusal(status: HTTPStatus) -> bytes:
    """Return the bytes of an HTTP/1.1 response that refuses a request and closes the connection."""
    body = orjson.dumps(fields(status, f"{status.description}."))
    headers = {
        **DEFAULT_HEADERS,
        **_MORE_HEADERS.get(status, {}),
        "Content-Type": MEDIA_TYPE,
        "Content-Length": str(len(body)),
        "Connection": "close",
    }
    lines = [f"HTTP/1.1 {status.value} {status.phrase}", *map(": ".join, headers.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def drop(transport: Transport) -> None:
    """End an open connection now, even if its peer has not read everything."""
    # Otherwise the system keeps trying to send to the peer.
    connection = transport.get_extra_info("socket")
    if connection is not None and connection.fileno() >= 0:
        connection.setsockopt(SOL_SOCKET, SO_LINGER, _NO_LINGER)
    transport.abort()
