"""The address without a path, which people type: on to a page that they can read."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

FRONT = "/"


def front_route(page: str) -> Route:
    """Return the route that leads to the page."""

    async def lead_on(_: Request) -> Response:
        return RedirectResponse(page)

    return Route(FRONT, lead_on)
