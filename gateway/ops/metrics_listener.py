"""The listener for Prometheus: `/metrics`, on an address of its own, in a thread of its own.

It answers also while the event loop of the gateway is busy. With several workers it is in their
parent process: each worker writes its numbers to files, which the listener reads and adds up.
"""

import os
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path
from socket import AF_INET, AF_INET6, create_server, socket
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Final

import structlog
from prometheus_client import REGISTRY, CollectorRegistry, Metric, ProcessCollector
from prometheus_client.exposition import choose_encoder
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from uvicorn import Config, Server

from gateway.http.connections import STATE_KEY, Connections
from gateway.http.protocol import PatientProtocol
from gateway.ops.metrics_files import FOLDER_VARIABLE

_log = structlog.get_logger(__name__)

PATH: Final = "/metrics"
# Seconds that a scrape has to end in when the gateway stops.
_CLOSING_SECONDS: Final = 1


@contextmanager
def serving_metrics(host: str, port: int, *, workers: int) -> Iterator[None]:
    """Serve the metrics of this process, or of its workers, while the block runs."""
    with ExitStack() as stack:
        registry = REGISTRY
        if workers > 1:
            folder = stack.enter_context(TemporaryDirectory(prefix="secrets-gateway-metrics-"))
            # The workers inherit it.
            os.environ[FOLDER_VARIABLE] = folder
            registry = _registry_of_workers(Path(folder))
        listening = _listen(host, port)
        _log.info("metrics_served", address=_address_of(listening))
        server = Server(_config(registry))
        thread = Thread(target=server.run, args=([listening],), daemon=True)
        thread.start()
        try:
            yield
        finally:
            server.should_exit = True
            thread.join()


def _registry_of_workers(folder: Path) -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(_Processes(folder))
    MultiProcessCollector(registry, str(folder))  # type: ignore[no-untyped-call]
    return registry


class _Processes:
    """CPU time, memory and files of this process and of its workers, by their `pid`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterable[Metric]:
        found: dict[str, Metric] = {}
        for pid in (os.getpid(), *self._workers()):
            of_process = ProcessCollector(pid=partial(int, pid), registry=None)
            for metric in of_process.collect():
                whole = found.setdefault(
                    metric.name, Metric(metric.name, metric.documentation, metric.type)
                )
                for sample in metric.samples:
                    whole.add_sample(sample.name, {"pid": str(pid)}, sample.value)
        return found.values()

    def _workers(self) -> Iterator[int]:
        """Yield the workers that run; what others held is no longer held."""
        for pid in sorted({int(file.stem.rpartition("_")[2]) for file in self._folder.iterdir()}):
            if _is_running(pid):
                yield pid
            else:
                mark_process_dead(pid, str(self._folder))  # type: ignore[no-untyped-call]


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, PermissionError):
        # Another user's process has got the number of a worker that has ended.
        return False
    return True


def _listen(host: str, port: int) -> socket:
    return create_server((host, port), family=AF_INET6 if ":" in host else AF_INET)


def _address_of(listening: socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}{PATH}"


def _config(registry: CollectorRegistry) -> Config:
    async def metrics(request: Request) -> Response:
        write, media_type = choose_encoder(request.headers.get("accept", ""))
        return Response(write(registry), headers={"Content-Type": media_type})

    return Config(
        Starlette(routes=[Route(PATH, metrics)], lifespan=_lifespan),
        http=PatientProtocol,
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=_CLOSING_SECONDS,
    )


@asynccontextmanager
async def _lifespan(_: Starlette) -> AsyncIterator[Mapping[str, Connections]]:
    yield {STATE_KEY: Connections()}
