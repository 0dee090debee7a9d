"""How many connections an address may hold."""

import asyncio

import pytest

from gateway.http.connections import Connections

pytestmark = pytest.mark.rule("S37")


class Open(asyncio.Transport):
    """A connection that stays open until it is closed."""

    def __init__(self) -> None:
        super().__init__()
        self._is_closed = False

    def is_closing(self) -> bool:
        """Tell whether it was closed."""
        return self._is_closed

    def close(self) -> None:
        """Close it."""
        self._is_closed = True


def _admitted(connections: Connections, peer: str, count: int) -> int:
    return sum(connections.admit(peer, Open()) for _ in range(count))


def test_each_address_has_its_own_number() -> None:
    connections = Connections(most_per_peer=3)

    assert _admitted(connections, "192.0.2.1", 5) == 3
    assert _admitted(connections, "192.0.2.2", 5) == 3


@pytest.mark.parametrize("peer", ["10.0.0.5", "10.1.2.3", "", "/run/a.sock"])
def test_who_speaks_for_many_may_hold_any_number(peer: str) -> None:
    """A proxy that is named, or one behind a socket in the file system."""
    connections = Connections(most_per_peer=3, proxies=("10.0.0.5", "10.1.0.0/16"))

    assert _admitted(connections, peer, 5) == 5


def test_zero_is_any_number() -> None:
    assert _admitted(Connections(most_per_peer=0), "192.0.2.1", 5) == 5


def test_a_connection_that_became_something_else_counts_until_it_is_closed() -> None:
    """Nobody tells of the end of a web socket."""
    connections, held = Connections(most_per_peer=1), Open()
    connections.admit("192.0.2.1", held)
    before = connections.admit("192.0.2.1", Open())

    held.close()

    assert before is False
    assert connections.admit("192.0.2.1", Open())
