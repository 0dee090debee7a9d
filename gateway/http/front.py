"""Redirects the root path, which people type, to a readable page."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

FRONT = "/"


def front_route(page: str) -> Route:
    """Return the redirecting route."""

    async def lead_on(_: Request) -> Response:
        return RedirectResponse(page)

    return Route(FRONT, lead_on)
