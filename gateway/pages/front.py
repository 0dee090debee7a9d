"""Leads people who type an address into a browser to a page."""

from typing import Final

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Match, Route
from starlette.types import Scope

from gateway.http.requests import GRAPHQL_PATH

FRONT: Final = "/"


def is_from_browser(scope: Scope) -> bool:
    """Return whether a browser opens the GraphQL endpoint, where other clients send requests."""
    return (
        scope["type"] == "http"
        and scope["method"] == "GET"
        and scope["path"] == GRAPHQL_PATH
        and "text/html" in Headers(scope=scope).get("accept", "")
    )


class _BrowserRoute(Route):
    """A route for browsers only: to all others it does not exist."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Match what a browser opens."""
        return super().matches(scope) if is_from_browser(scope) else (Match.NONE, {})


def front_routes(page: str) -> list[Route]:
    """Return the redirecting routes. A browser gets them although an endpoint has the path."""

    async def lead_on(_: Request) -> Response:
        return RedirectResponse(page)

    return [Route(FRONT, lead_on), _BrowserRoute(GRAPHQL_PATH, lead_on, methods=["GET"])]
