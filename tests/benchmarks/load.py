"""A load generator in Python: a few connections that send one request after the other."""

import asyncio
import re
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import count, cycle
from statistics import quantiles
from typing import Final

from tests.benchmarks.requests import Request

CONNECTIONS: Final = 16
# Of GraphQL answers, whose status is 200.
ERRORS: Final = re.compile(rb'"errors": ?\[{')
_RUNS: Final = count(1)

Make = Callable[[], tuple[bytes, int]]


@dataclass(frozen=True, slots=True)
class Figures:
    """What one round gave: answers a second, and milliseconds until half and 99 % had theirs."""

    per_second: float
    p50: float
    p99: float
    answers: int


def new_run() -> str:
    """Return a name for a run, with which its keys begin."""
    return f"RUN_{next(_RUNS)}"


def measure(
    port: int, requests: Sequence[Request], *, seconds: float, clients: int = CONNECTIONS
) -> Figures:
    """Send the requests in turn over loopback, again and again, for some seconds.

    Raises:
        AssertionError: if an answer has another status, or errors.

    """
    return asyncio.run(_measure(port, _made_of(requests), seconds, clients))


def _made_of(requests: Sequence[Request]) -> Make:
    run, numbers, following = new_run(), count(1), cycle(requests)

    def make() -> tuple[bytes, int]:
        request = next(following)
        before, after = request.parts(run)
        body = before if after is None else f"{before}{next(numbers)}{after}"
        return to_bytes(request, body), request.status

    return make


async def _measure(port: int, make: Make, seconds: float, clients: int) -> Figures:
    begun = time.perf_counter()
    times = await asyncio.gather(*(_send(port, make, begun + seconds) for _ in range(clients)))
    taken = [one for connection in times for one in connection]
    elapsed = time.perf_counter() - begun
    cuts = quantiles(taken, n=100)
    return Figures(len(taken) / elapsed, cuts[49] * 1000, cuts[98] * 1000, len(taken))


async def _send(port: int, make: Make, until: float) -> list[float]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    taken: list[float] = []
    with closing(writer):
        while (begun := time.perf_counter()) < until:
            sent, status = make()
            writer.write(sent)
            head = await reader.readuntil(b"\r\n\r\n")
            body = await reader.readexactly(_length(head))
            assert head.startswith(b"HTTP/1.1 %d" % status), (head, body)
            assert not ERRORS.search(body), body
            taken.append(time.perf_counter() - begun)
    return taken


def _length(head: bytes) -> int:
    """Return the bytes of a body; 0 for an answer that cannot have one, such as 304."""
    lines = (line.partition(b":") for line in head.lower().split(b"\r\n"))
    return next((int(length) for name, _, length in lines if name == b"content-length"), 0)


def to_bytes(request: Request, body: str) -> bytes:
    """Return a request with this body as what goes over the connection."""
    fields = {"Host": "127.0.0.1", **request.headers, "Content-Length": str(len(body))}
    head = "".join(f"{name}: {text}\r\n" for name, text in fields.items())
    return f"{request.method} {request.path} HTTP/1.1\r\n{head}\r\n{body}".encode()
