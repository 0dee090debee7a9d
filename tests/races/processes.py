"""One listening socket, several server processes: whichever is free takes the next connection."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from types import MappingProxyType
from typing import Final

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.types import ASGIApp

from gateway.app import build_app
from gateway.runtime import Runtime
from gateway.services.demo import Demo
from gateway.storage import admission, engine, migrate
from tests.forking import FORKING
from tests.patience import PATIENCE, patient_settings
from tests.servers import LiveServer

PROCESSES: Final = 4
_BACKLOG: Final = 1_024

MakeApp = Callable[[Path], ASGIApp]


def strict_app(data_dir: Path) -> Starlette:
    """Return the gateway over a data folder, as it is but for its patience."""
    _wait_long_for_turns()
    return build_app(Runtime.over(patient_settings(data_dir)))


def _wait_long_for_turns() -> None:
    vars(admission)["MAX_WAIT"] = PATIENCE
    patient = {**engine.SQLITE_PRAGMAS, "busy_timeout": int(PATIENCE * 1_000)}
    for module in (engine, migrate):
        vars(module)["SQLITE_PRAGMAS"] = MappingProxyType(patient)


def _serve(make_app: MakeApp, listening: socket.socket, data_dir: Path) -> None:
    config = uvicorn.Config(
        make_app(data_dir), log_config=None, access_log=False, timeout_keep_alive=int(PATIENCE)
    )
    uvicorn.Server(config).run(sockets=[listening])


@contextmanager
def running_several(
    make_app: MakeApp, data_dir: Path, listening: socket.socket, *, processes: int = PROCESSES
) -> Iterator[list[ForkServerProcess]]:
    """Run an application on a socket in several processes, until the block ends."""
    running = [
        FORKING.Process(target=_serve, args=(make_app, listening, data_dir))
        for _ in range(processes)
    ]
    for process in running:
        process.start()
    try:
        # The socket listens already, so this waits until the first of them takes it.
        httpx.get(f"{url_of(listening)}/readyz", timeout=PATIENCE).raise_for_status()
        yield running
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.join(PATIENCE)
            process.close()


def listening_socket() -> socket.socket:
    """Return a socket that takes connections before anybody serves them."""
    return socket.create_server(("127.0.0.1", 0), backlog=_BACKLOG)


def url_of(listening: socket.socket) -> str:
    """Return where a socket listens."""
    host, port = listening.getsockname()
    return f"http://{host}:{port}"


@contextmanager
def serving_several(
    make_app: MakeApp, data_dir: Path, demo: Demo, *, processes: int = PROCESSES
) -> Iterator[LiveServer]:
    """Serve a data folder from several processes until the block ends."""
    with (
        listening_socket() as listening,
        running_several(make_app, data_dir, listening, processes=processes),
    ):
        yield LiveServer(url_of(listening), asdict(demo))
