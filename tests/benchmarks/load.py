"""A load generator: a few connections that send one request after the other."""

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import quantiles

CONNECTIONS = 16


@dataclass(frozen=True, slots=True)
class Figures:
    """What one round gave: answers a second, and milliseconds until half and 99 % had theirs."""

    per_second: float
    p50: float
    p99: float
    answers: int


def measure(
    port: int,
    request: Callable[[], bytes],
    *,
    seconds: float,
    status: int,
    clients: int = CONNECTIONS,
) -> Figures:
    """Send requests over loopback for some seconds; each is made anew.

    Raises:
        AssertionError: if an answer has another status.

    """
    return asyncio.run(_measure(port, request, seconds, status, clients))


async def _measure(
    port: int, request: Callable[[], bytes], seconds: float, status: int, clients: int
) -> Figures:
    begun = time.perf_counter()
    times = await asyncio.gather(
        *(_send(port, request, begun + seconds, status) for _ in range(clients))
    )
    taken = [one for connection in times for one in connection]
    elapsed = time.perf_counter() - begun
    cuts = quantiles(taken, n=100)
    return Figures(len(taken) / elapsed, cuts[49] * 1000, cuts[98] * 1000, len(taken))


async def _send(port: int, request: Callable[[], bytes], until: float, status: int) -> list[float]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    taken: list[float] = []
    while (begun := time.perf_counter()) < until:
        writer.write(request())
        head = await reader.readuntil(b"\r\n\r\n")
        body = await reader.readexactly(_length(head))
        assert head.startswith(b"HTTP/1.1 %d" % status), (head, body)
        taken.append(time.perf_counter() - begun)
    writer.close()
    return taken


def _length(head: bytes) -> int:
    lines = (line.partition(b":") for line in head.lower().split(b"\r\n"))
    return next(int(length) for name, _, length in lines if name == b"content-length")


def post(path: str, body: bytes, token: str) -> bytes:
    """Return a request's bytes."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def numbers() -> Iterator[int]:
    """Count, for keys that differ."""
    number = 0
    while True:
        number += 1
        yield number
