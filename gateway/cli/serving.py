"""Serve: listen on addresses, with one or several workers."""

import sys
import time
from collections import Counter
from contextlib import AbstractContextManager, nullcontext, suppress
from socket import socket
from typing import Annotated, Final

import structlog
import typer
import uvicorn
from uvicorn import Config, Server
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors.multiprocess import Multiprocess, Process

from gateway.cli.running import settings
from gateway.cli.server import ensure_free, ensure_startable
from gateway.config.logging import configure_logs
from gateway.config.settings import Settings, hand_down
from gateway.graphql.socket_protocol import SocketProtocol
from gateway.http.client import MAX_BODY_BYTES
from gateway.http.protocol import PatientProtocol
from gateway.ops.hardening import pause_collection

# Seconds. A worker imports all of the program before it answers for the first time, which takes
# long on a slow machine; uvicorn's 5 s would replace it before it is up, again and again.
WORKER_SECONDS: Final = 60
# Seconds between two looks at the workers; uvicorn's own.
_TICK: Final = 0.5
# Seconds. Requests that are under way when the server stops end before this, one way or the other.
GRACEFUL_SECONDS: Final = 5
# Seconds. A worker that still runs then does not react at all.
_STOP_SECONDS: Final = 7.0

_log = structlog.get_logger(__name__)


class Supervisor(Multiprocess):
    """uvicorn's parent process, which never waits for a worker that does not answer.

    uvicorn asks a worker and waits for the answer; meanwhile no signal is handled.
    """

    def __init__(self, config: Config, sockets: list[socket]) -> None:
        super().__init__(config, sockets)
        self.has_failed = False
        # Ticks since a worker was asked; without an entry, there is no open question.
        self._silent_ticks: Counter[Process] = Counter()

    def keep_subprocess_alive(self) -> None:
        """Replace workers that ended or have been silent for too long."""
        for index, process in enumerate(self.processes):
            if not self.should_exit.is_set() and not self._is_alive(process):
                self._replace(index, process)

    def join_all(self) -> None:
        """Wait for the workers; end those that do not react."""
        deadline = time.monotonic() + _STOP_SECONDS
        for process in self.processes:
            process.process.join(max(0.0, deadline - time.monotonic()))
        for process in self.processes:
            if process.process.is_alive():
                _log.error("worker_killed", pid=process.pid)
                process.process.kill()
            process.process.join()

    def _is_alive(self, process: Process) -> bool:
        if not process.process.is_alive():
            return False
        try:
            if process not in self._silent_ticks:
                process.parent_conn.send(b"ping")
            elif process.parent_conn.poll():
                process.parent_conn.recv()
                del self._silent_ticks[process]
                return True
        except (OSError, EOFError):
            return False
        # Ticks rather than time: a machine that was suspended gives its workers no time to answer.
        self._silent_ticks[process] += 1
        return self._silent_ticks[process] * _TICK <= self.config.timeout_worker_healthcheck

    def _replace(self, index: int, process: Process) -> None:
        process.kill()
        process.join()
        del self._silent_ticks[process]
        if process.exitcode == STARTUP_FAILURE:
            _log.error("worker_failed_to_start", pid=process.pid)
            self.has_failed = True
            self.should_exit.set()
            return
        _log.warning("worker_replaced", pid=process.pid)
        self.processes[index] = Process(self.config, self.sockets)
        self.processes[index].start()


def run_server(config: Config) -> None:
    """Serve until a signal comes; exit with uvicorn's status if the server cannot start."""
    if config.workers > 1:
        supervisor = Supervisor(config, [config.bind_socket()])
        supervisor.run()
        has_failed = supervisor.has_failed
    else:
        pause_collection()
        config.load_app()
        server = Server(config)
        with suppress(KeyboardInterrupt):
            server.run()
        has_failed = not server.started
    if has_failed:
        sys.exit(STARTUP_FAILURE)


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65_535, help="Port; 0: any.")] = None,
    workers: Annotated[int | None, typer.Option(min=1, max=64, help="Processes.")] = None,
) -> None:
    # The application reads the settings itself, maybe in another process.
    hand_down(**{name: item for name, item in (("host", host), ("port", port)) if item is not None})
    read = settings()
    # Refused here in one line, rather than by each worker with a traceback.
    ensure_startable(read)
    ensure_free(read.host, read.port)
    if read.metrics_port is not None:
        ensure_free(read.metrics_host, read.metrics_port, prefix="metrics_")
    # A server's log is whole.
    configure_logs(read.log_format, read.log_level)
    workers = workers or read.workers
    with _serving_metrics(read, workers):
        run_server(_server_config(read, workers))


def _serving_metrics(read: Settings, workers: int) -> AbstractContextManager[None]:
    if read.metrics_port is None:
        return nullcontext()
    from gateway.ops.metrics_listener import serving_metrics  # noqa: PLC0415 - as in gateway.app

    return serving_metrics(read.metrics_host, read.metrics_port, workers=workers)


def _server_config(read: Settings, workers: int) -> uvicorn.Config:
    return uvicorn.Config(
        "gateway.app:create_app",
        factory=True,
        host=read.host,
        port=read.port,
        workers=workers,
        http=PatientProtocol,
        ws=SocketProtocol,
        ws_max_size=MAX_BODY_BYTES,
        ws_per_message_deflate=False,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=GRACEFUL_SECONDS,
        timeout_worker_healthcheck=WORKER_SECONDS,
    )
