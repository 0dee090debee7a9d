"""Raw refusals and the forced end of a connection, below the application."""

from asyncio import Transport
from collections.abc import Mapping
from http import HTTPStatus
from socket import SO_LINGER, SOL_SOCKET
from struct import pack
from types import MappingProxyType
from typing import Final

import orjson

from gateway.http.problems import MEDIA_TYPE, fields
from gateway.http.requests import DEFAULT_HEADERS

# Close at once and discard unsent bytes.
_NO_LINGER: Final = pack("ii", 1, 0)
_MORE_HEADERS: Final[Mapping[HTTPStatus, Mapping[str, str]]] = MappingProxyType(
    {HTTPStatus.SERVICE_UNAVAILABLE: {"Retry-After": "1"}},
)


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
