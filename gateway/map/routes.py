"""The routes of the map: a page for anyone, its script, and the drawing for who may see it."""

import re
from collections.abc import Awaitable, Callable, Mapping
from hashlib import sha256
from pathlib import Path
from secrets import token_urlsafe
from typing import Final

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from gateway.domain.pictures import Picture
from gateway.drawing.folding import fold
from gateway.drawing.svg import svg
from gateway.http.tagged import is_unchanged
from gateway.map.markup import map_page
from gateway.services.execution import RequestPrincipal
from gateway.services.limits import Charge

# Takes who asks and a service's id; returns the picture as far as they may see it, or refuses.
Pictured = Callable[[RequestPrincipal, str], Awaitable[Picture]]

# As much as a page of a hundred secrets with what each refers to.
DRAWING_COST: Final = 500
_SCRIPT_PATH: Final = "/map/assets/map.js"
_PUBLIC: Final = re.compile(rf"/map/[^/]+|{re.escape(_SCRIPT_PATH)}")
# Seen from the page, so that it also works behind a proxy that adds a path in front.
_EXPLORER: Final = "../graphiql"
_MEDIA_TYPE: Final = "image/svg+xml"

# As GraphiQL's policy, but for what only GraphiQL needs: the one style is the page's own.
_POLICY: Final = (
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'nonce-{nonce}'",
    "connect-src 'self'",
    "img-src data:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
)
_PAGE_HEADERS: Final[Mapping[str, str]] = {"Cross-Origin-Opener-Policy": "same-origin"}


def is_public(path: str) -> bool:
    """Return whether a path needs no token: a page or its script, but not a drawing."""
    return _PUBLIC.fullmatch(path) is not None


def map_routes(pictured: Pictured, charge: Charge) -> list[BaseRoute]:
    """Return the routes; the script is read now, so that no request touches the disk."""
    script = (Path(__file__).parent / "map.js").read_bytes()
    script_headers = {"Cache-Control": "no-cache", "ETag": f'"{sha256(script).hexdigest()[:32]}"'}

    async def answer_script(request: Request) -> Response:
        if is_unchanged(request, script_headers["ETag"]):
            return Response(status_code=304, headers=script_headers)
        return Response(script, headers=script_headers, media_type="text/javascript")

    async def answer_drawing(request: Request) -> Response:
        caller: RequestPrincipal = request.scope["caller"]
        charge(caller.principal, DRAWING_COST)
        picture = await pictured(caller, request.path_params["service_id"])
        plan = fold(picture, unfolded=request.query_params.getlist("unfold"))
        drawing = svg(plan, explorer=_EXPLORER, is_alone=False)
        return Response(drawing, media_type=_MEDIA_TYPE)

    return [
        Route(_SCRIPT_PATH, answer_script),
        Route("/map/{service_id}", _answer_page),
        Route("/map/{service_id}/drawing.svg", answer_drawing),
    ]


async def _answer_page(_: Request) -> Response:
    """Answer with the page, which is the same whatever the id names."""
    nonce = token_urlsafe(16)
    policy = "; ".join(_POLICY).format(nonce=nonce)
    headers = {**_PAGE_HEADERS, "Content-Security-Policy": policy}
    return HTMLResponse(map_page(nonce=nonce), headers=headers)
