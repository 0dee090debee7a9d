"""The map: a page for anyone, and the drawing of a service for who can see it."""

import re
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from gateway.domain.effective import Picture
from gateway.drawing.plan import fold
from gateway.drawing.svg import STYLE as DRAWING_STYLE
from gateway.drawing.svg import svg
from gateway.pages.assets import MAP_SCRIPTS
from gateway.pages.layout import STYLE, Layout, Page, Section
from gateway.services.execution import RequestPrincipal
from gateway.services.limits import Charge

# Takes who asks and a service's id; returns the picture as far as they may see it, or refuses.
Pictured = Callable[[RequestPrincipal, str], Awaitable[Picture]]

# As much as a page of a hundred secrets with what each refers to.
DRAWING_COST: Final = 500
_PUBLIC: Final = re.compile(r"/map(/[^/]*)?")
# Seen from the page, so that it also works behind a proxy that adds a path in front.
_ROOT: Final = "../"
_MEDIA_TYPE: Final = "image/svg+xml"

_CONTENT: Final = Markup("""\
    <p id="hint" class="hint">
      Enter an API token to see what a service gets, and why. No value is shown.
      The token stays in this page's memory, and is gone when you reload or leave.
    </p>
    <details id="picker" hidden>
      <summary>Choose a service</summary>
      <label for="find">Name of a project, environment or service</label>
      <input id="find" type="search" autocomplete="off" spellcheck="false">
      <p id="found" aria-live="polite"></p>
      <ul id="services"></ul>
      <button id="more" type="button" hidden>Look for more</button>
    </details>
    <button id="fold-all" type="button" hidden>Fold all</button>
    <main id="map" aria-label="Map">
      <noscript>The map needs JavaScript, or <code>secrets-gateway graph</code>.</noscript>
    </main>""")


def is_public(path: str) -> bool:
    """Return whether a path needs no token: the page, but not a drawing."""
    return _PUBLIC.fullmatch(path) is not None


def map_routes(pictured: Pictured, charge: Charge) -> list[BaseRoute]:
    """Return the routes. The page is the same whatever the id names."""
    layout = Layout(
        name="map",
        title="Map",
        current=Section.MAP,
        root=_ROOT,
        scripts=MAP_SCRIPTS,
        style=STYLE + DRAWING_STYLE,
    )
    answer_page = partial(_answer_page, layout.page(_CONTENT))

    async def answer_drawing(request: Request) -> Response:
        caller: RequestPrincipal = request.scope["caller"]
        charge(caller.principal, DRAWING_COST)
        picture = await pictured(caller, request.path_params["service_id"])
        plan = fold(picture, unfolded=request.query_params.getlist("unfold"))
        drawing = svg(plan, explorer=f"{_ROOT}{Section.GRAPHIQL}", is_alone=False)
        return Response(drawing, media_type=_MEDIA_TYPE)

    return [
        Route("/map", _redirect_to_page),
        Route("/map/", answer_page),
        Route("/map/{service_id}", answer_page),
        Route("/map/{service_id}/drawing.svg", answer_drawing),
    ]


async def _answer_page(page: Page, _request: Request) -> Response:
    return page.respond()


async def _redirect_to_page(_: Request) -> Response:
    """Redirect to the page, so that all its addresses have one depth."""
    return RedirectResponse(Section.MAP)
