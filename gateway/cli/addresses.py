"""Check that the server can listen on its address before anything else starts."""

import os
from errno import EACCES, EADDRINUSE
from socket import AI_PASSIVE, SO_REUSEADDR, SOCK_STREAM, SOL_SOCKET, gaierror, getaddrinfo, socket
from typing import Final

from gateway.cli.printing import Refused
from gateway.config.former_names import PREFIX

_ABOUT_PORT: Final = frozenset({EADDRINUSE, EACCES})


class CannotListen(Refused):
    def __init__(self, host: str, port: int, reason: str, setting: str) -> None:
        super().__init__(
            f"cannot listen at {host}:{port}: {reason}. Choose another {setting} with "
            f"{PREFIX}{setting.upper()}."
        )


def ensure_free(host: str, port: int, *, prefix: str = "") -> None:
    """Refuse an address at which no server can listen now.

    Raises:
        CannotListen: naming the setting that chooses another; `prefix` is how its name begins.

    """
    try:
        found = getaddrinfo(host, port, type=SOCK_STREAM, flags=AI_PASSIVE)
    except gaierror as error:
        reason = error.strerror or "no such host"
        raise CannotListen(host, port, reason, f"{prefix}host") from None
    faults = [fault for item in found if (fault := _fault(item[0], item[4]))]
    # A name can have an address of a kind that this machine does not use.
    about_port = [fault for fault in faults if fault in _ABOUT_PORT]
    if about_port or len(faults) == len(found):
        fault = (about_port or faults)[0]
        setting = "port" if about_port else "host"
        raise CannotListen(host, port, os.strerror(fault).lower(), f"{prefix}{setting}")


def _fault(family: int, address: tuple[object, ...]) -> int | None:
    """Return the number of the error with which the system refuses an address, if it does."""
    try:
        with socket(family, SOCK_STREAM) as tried:
            # As the server does: connections of an earlier one that are being closed do not count.
            tried.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)
            tried.bind(address)
    except OSError as error:
        return error.errno
    return None
