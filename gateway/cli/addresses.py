"""Whether a server can listen at an address, found out before anything is promised."""

import os
from errno import EACCES, EADDRINUSE
from socket import AI_PASSIVE, SO_REUSEADDR, SOCK_STREAM, SOL_SOCKET, gaierror, getaddrinfo, socket

from gateway.cli.refusals import Refused
from gateway.settings import PREFIX


class CannotListen(Refused):
    """The server's address cannot be had."""

    def __init__(self, host: str, port: int, reason: str, setting: str) -> None:
        """Name the address, the reason and the setting that chooses another."""
        super().__init__(
            f"cannot listen at {host}:{port}: {reason}. Choose another {setting} with "
            f"{PREFIX}{setting.upper()}."
        )


def ensure_free(host: str, port: int) -> None:
    """Refuse an address at which no server can listen now.

    Raises:
        CannotListen: naming the setting that chooses another.

    """
    try:
        found = getaddrinfo(host, port, type=SOCK_STREAM, flags=AI_PASSIVE)
    except gaierror as error:
        raise CannotListen(host, port, error.strerror or "no such host", "host") from None
    for family, kind, protocol, _, address in found:
        with socket(family, kind, protocol) as tried:
            # As the server does: connections of an earlier one that are being closed do not count.
            tried.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)
            try:
                tried.bind(address)
            except OSError as error:
                is_port = error.errno in {EADDRINUSE, EACCES}
                reason = os.strerror(error.errno) if error.errno else "the system refuses it"
                setting = "port" if is_port else "host"
                raise CannotListen(host, port, reason.lower(), setting) from None
