"""`serve`: the server."""

from typing import Annotated

import typer
import uvicorn

from gateway.cli.addresses import ensure_free
from gateway.cli.running import settings
from gateway.cli.server import ensure_startable
from gateway.cli.workers import GRACEFUL_SECONDS, WORKER_SECONDS, run_server
from gateway.graphql.socket_protocol import SocketProtocol
from gateway.http.client import MAX_BODY_BYTES
from gateway.http.protocol import PatientProtocol
from gateway.logs import configure_logs
from gateway.settings import Settings, hand_down


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
    # A server's log is whole.
    configure_logs(read.log_format, read.log_level)
    run_server(_server_config(read, workers or read.workers))


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
