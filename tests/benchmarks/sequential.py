"""Requests one after the other, over one connection, each with what it takes by itself."""

import time
from collections.abc import Sequence
from contextlib import closing
from http.client import HTTPConnection
from statistics import median, quantiles

from tests.benchmarks.load import ERRORS, new_run
from tests.benchmarks.processes import Server
from tests.benchmarks.requests import Request
from tests.benchmarks.rounds import FailedRequests, Round
from tests.patience import PATIENCE


def measure_after_changes(
    server: Server, read: Request, changes: Sequence[Request], *, seconds: float
) -> Round:
    """Measure a read, each time after a change that it does not show.

    The change makes the gateway forget what it read before. The rate counts reads alone.

    Raises:
        FailedRequests: if a request was not answered as it should be.

    """
    taken: list[float] = []
    spent: list[int] = []
    run, number, end = new_run(), 0, time.monotonic() + seconds
    with closing(HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)) as connection:
        while time.monotonic() < end:
            number += 1
            _send(connection, server, changes[number % len(changes)], f"{run}_{number}")
            before, begun = server.cpu_nanoseconds, time.perf_counter()
            _send(connection, server, read, "")
            taken.append((time.perf_counter() - begun) * 1000)
            spent.append(server.cpu_nanoseconds - before)
    cuts = quantiles(taken, n=100)
    return Round(1000 / median(taken), cuts[49], cuts[98], median(spent) / 1000)


def _send(connection: HTTPConnection, server: Server, request: Request, each: str) -> None:
    before, after = request.parts(each)
    body = before if after is None else f"{before}{after}"
    connection.request(request.method, request.path, body or None, dict(request.headers))
    response = connection.getresponse()
    text = response.read()
    if response.status != request.status or ERRORS.search(text):
        message = f"{server.name} answered {response.status} {text[:200]!r}"
        raise FailedRequests(message)
