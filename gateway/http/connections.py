"""What one peer may do with connections: how many it holds, and how long each may take."""

from asyncio import Event, Transport
from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import Final

STATE_KEY: Final = "connections"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadlines:
    """In seconds: for a head, for a body or the taking of an answer, and between two requests.

    `closing` is how long a server that stops waits for the requests that are under way.
    """

    head: float = 10
    body: float = 30
    idle: float = 5
    closing: float = 4


@dataclass(slots=True)
class Connections:
    """The open connections of this process, by the address of the peer.

    A proxy, by the networks that are named, speaks for many, so it may hold any number.
    """

    deadlines: Deadlines = Deadlines()
    most_per_peer: int = 100
    proxies: Sequence[str] = ()
    _open: dict[str, set[Transport]] = field(default_factory=dict)
    _closing: Event = field(default_factory=Event)

    def admit(self, peer: str, transport: Transport) -> bool:
        """Count a new connection; tell whether the peer may have it."""
        if not self.most_per_peer or self._is_proxy(peer):
            return True
        # A connection that became something else, such as a web socket, is not told of its end.
        held = {item for item in self._open.get(peer, ()) if not item.is_closing()}
        if len(held) >= self.most_per_peer:
            return False
        self._open[peer] = held | {transport}
        return True

    def forget(self, peer: str, transport: Transport) -> None:
        """Count a connection no more."""
        held = self._open.get(peer, set())
        held.discard(transport)
        if not held:
            self._open.pop(peer, None)

    def begin_closing(self) -> None:
        """Say that the server is going to stop."""
        self._closing.set()

    async def until_closing(self) -> None:
        """Wait until the server is going to stop: what never ends by itself is to end then."""
        await self._closing.wait()

    def _is_proxy(self, peer: str) -> bool:
        try:
            address = ip_address(peer)
        except ValueError:  # A socket in the file system: whoever may open it speaks for many.
            return True
        return any(address in ip_network(proxy) for proxy in self.proxies)
