"""The liveness and readiness endpoints."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from gateway.domain.errors import StorageNotWritable, Unavailable

LIVE = "/livez"
READY = "/readyz"


def health_routes(
    ensure_ready: Callable[[], Awaitable[None]], needs_attention: Callable[[], bool]
) -> list[BaseRoute]:
    """Return the two routes. `ensure_ready` raises Unavailable while storage cannot be used.

    An integrity fault is reported but keeps the process in service: it can still read.
    """

    async def live(_: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def ready(_: Request) -> Response:
        try:
            await ensure_ready()
        except StorageNotWritable as fault:
            return _unavailable(fault.obstacle)
        except Unavailable:
            return _unavailable("no_answer")
        body = {"integrity": "alarm"} if needs_attention() else {}
        return JSONResponse({"status": "ok", **body})

    return [Route(LIVE, live), Route(READY, ready)]


def _unavailable(reason: str) -> Response:
    body = {"status": "unavailable", "reason": reason}
    return JSONResponse(body, status_code=503, headers={"Retry-After": "1"})
