"""Limits on the connections of one peer: their number and their timeouts."""

from asyncio import Event, Transport
from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import Final

STATE_KEY: Final = "connections"


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
    _open: dict[str, set[Transport]] = field(default_factory=dict)
    _closing: Event = field(default_factory=Event)

    def admit(self, peer: str, transport: Transport) -> bool:
        """Count a new connection; return whether the peer can have it."""
        if not self.most_per_peer or self._is_proxy(peer):
            return True
        # A connection that was upgraded, such as a WebSocket, is not notified of its end.
        held = {item for item in self._open.get(peer, ()) if not item.is_closing()}
        if len(held) >= self.most_per_peer:
            return False
        self._open[peer] = held | {transport}
        return True

    def forget(self, peer: str, transport: Transport) -> None:
        """Stop counting a connection."""
        held = self._open.get(peer, set())
        held.discard(transport)
        if not held:
            self._open.pop(peer, None)

    def begin_closing(self) -> None:
        """Announce that the server stops."""
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
