"""Commands of the server: its database, a demo, and serving."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated

import typer
import uvicorn

from gateway.cli.addresses import ensure_free
from gateway.cli.options import AsJson
from gateway.cli.printing import complain, counted, say
from gateway.cli.running import nothing, run, settings
from gateway.cli.workers import GRACEFUL_SECONDS, WORKER_SECONDS, run_server
from gateway.domain.errors import RefusedStart
from gateway.http.live.socket_protocol import SocketProtocol
from gateway.http.protocol import PatientProtocol
from gateway.http.request_body import MAX_BODY_BYTES
from gateway.logs import configure_logs
from gateway.recovery import database_file
from gateway.runtime import Runtime, migrate_database
from gateway.safety import WILL_GO
from gateway.services.demo import ensure_demo, free_keys
from gateway.services.operator.references import EscapedValue
from gateway.settings import Settings, former_names_in_use, hand_down, unknown_variables
from gateway.showcase import showcase


def migrate() -> None:
    r"""Bring the database to this version's schema, making it first if there is none.

    Values from before references were stored are read; those that contain `\{{` are listed.
    """
    read = settings()
    asyncio.run(migrate_database(read))
    try:
        asyncio.run(_read_older_values(read))
    except RefusedStart as refused:
        complain(f"Values are read when the gateway starts for the first time. {refused}")


async def _read_older_values(read: Settings) -> None:
    runtime = replace(Runtime.over(read), report=_say_escaped)
    async with runtime.database:
        is_fresh = await runtime.is_fresh()
    if is_fresh:
        return
    # The start reads them.
    async with runtime.running():
        pass


def _say_escaped(found: EscapedValue) -> None:
    say(
        rf"secret {found.secret_id} at {found.holder_id}, {found.key}: contains \{{{{, and a "
        "backslash before two braces is removed from now on when it is delivered."
    )


def check(
    documents: Annotated[
        list[Path] | None,
        typer.Option(
            help="Look at this manifest of trusted documents alone; may be given several times.",
            dir_okay=False,
        ),
    ] = None,
) -> None:
    """Tell whether the gateway could start: the database, its settings and the key file."""
    if documents:
        _check_documents(documents)
        return
    _ensure_startable(settings())
    say("All is well.")


def demo(
    *,
    check_address: Annotated[
        bool,
        typer.Option(
            "--check-address", help="Refuse if `serve` could not listen at the settings' address."
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Make a demo to look around in, if it is not there, and print a new token for it."""
    read = settings()
    if check_address:
        ensure_free(read.host, read.port)
    if _is_new(read):
        asyncio.run(migrate_database(read))

    async def make(runtime: Runtime) -> str:
        made = await ensure_demo(runtime.services, runtime.operator, runtime.database)
        if as_json:
            return json.dumps(asdict(made))
        keys = await free_keys(runtime.database, made.job_id, stem="DATABASE_PASSWORD", count=2)
        return showcase(made, address=f"http://{read.host}:{read.port}", keys=keys)

    say(run(make))


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65_535, help="Port; 0: any.")] = None,
    workers: Annotated[int | None, typer.Option(min=1, max=64, help="Processes.")] = None,
) -> None:
    """Serve GraphQL, the REST paths and GraphiQL."""
    # The application reads the settings itself, maybe in another process.
    hand_down(**{name: item for name, item in (("host", host), ("port", port)) if item is not None})
    read = settings()
    # Refused here in one line, rather than by each worker with a traceback.
    _ensure_startable(read)
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


def _check_documents(manifests: Sequence[Path]) -> None:
    from gateway.app import runnable_manifest  # noqa: PLC0415 - other commands need no schema

    count = sum(len(runnable_manifest(path)) for path in manifests)
    say(f"{counted(count, 'trusted document')} can be run here.")


def _ensure_startable(read: Settings) -> None:
    from gateway.app import trusted_documents  # noqa: PLC0415 - as above

    for name in unknown_variables():
        complain(f"{name} is no setting, and does nothing.")
    for old, new in former_names_in_use().items():
        complain(f"{old} is now called {new}: {WILL_GO}")
    trusted_documents(read)
    run(nothing)


def _is_new(read: Settings) -> bool:
    # A key file without its database is no new installation, but one that lost something.
    return not (database_file(read).exists() or read.resolved_key_file.exists())
