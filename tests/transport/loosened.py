"""The server without one of its guards: `python -m tests.transport.loosened GUARD serve …`.

A test that passes with such a server cannot see what it is for.
"""

import sys
from collections.abc import Mapping, Sequence
from socket import SO_LINGER, SOL_SOCKET
from struct import pack
from types import ModuleType
from typing import Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from gateway.cli import main, serving
from gateway.http.protocol import PatientProtocol


class ForgetfulProtocol(PatientProtocol):
    """Leaves timers running when a connection is lost, and does not ask whether it is."""

    def _cancel_timers(self) -> None:
        self._stop_expecting()

    def _drop(self) -> None:
        self.transport.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_LINGER, pack("ii", 1, 0))


class WaitingProtocol(PatientProtocol):
    """Stops as uvicorn does: after everything that has begun."""

    def shutdown(self) -> None:
        HttpToolsProtocol.shutdown(self)


# By the name of a guard: a module, and what takes the guard's place there.
_INSTEAD: Final[Mapping[str, tuple[ModuleType, Mapping[str, object]]]] = {
    "timers": (serving, {"PatientProtocol": ForgetfulProtocol}),
    "shutdown": (serving, {"PatientProtocol": WaitingProtocol, "GRACEFUL_SECONDS": None}),
    "sockets": (serving, {"SocketProtocol": WebSocketsSansIOProtocol}),
}


def without(guard: str) -> Sequence[str]:
    """Return the program that is the server without one guard."""
    assert guard in _INSTEAD
    return ("-m", "tests.transport.loosened", guard)


if __name__ == "__main__":
    module, instead = _INSTEAD[sys.argv.pop(1)]
    vars(module).update(instead)
    main()
