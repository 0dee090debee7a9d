"""The page that explores the API by hand: GraphiQL with a tour, and what leads browsers there."""

from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Final

from markupsafe import Markup
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Match, Route
from starlette.types import Scope

from gateway.http.requests import GRAPHQL_PATH
from gateway.pages.assets import BUILT_FOLDER, GRAPHIQL_SCRIPTS, missing_from
from gateway.pages.layout import UNSCRIPTED_SECTIONS, Layout, Page, Section, code, element, join

GRAPHIQL_PATH: Final = "/graphiql"

_HEAD: Final = Markup("""\
    <link rel="license" href="assets/licences.txt">
    <link rel="stylesheet" href="assets/graphiql.min.css">
    <script defer src="assets/react.production.min.js"></script>
    <script defer src="assets/react-dom.production.min.js"></script>
    <script defer src="assets/graphiql.min.js"></script>
""")
_CONTENT: Final = Markup("""\
    <p id="hint" class="hint">
      Enter an API token, and each step of the tour is ready to run: its ids are looked up with
      the token. <code>make run</code> prints one; <code>secrets-gateway token create</code> makes
      another. It stays in this page's memory, and is gone when you reload or leave.
    </p>
    <nav class="tour" aria-label="Tour">
      <ol id="steps"></ol>
      <p id="about" hidden></p>
      <p id="story" aria-live="polite"></p>
    </nav>
    <main id="graphiql">
      <noscript>GraphiQL needs JavaScript.</noscript>
    </main>""")
_NOT_BUILT: Final = Markup("""\
    <main class="text">
      <h1>GraphiQL is not built</h1>
      <p>The gateway runs, but these files of its GraphiQL page are missing:</p>
      <ul>{}</ul>
      <p>Run <code>make graphiql</code> in the project's folder (it needs Node 20 or newer),
        then start the gateway again.</p>
    </main>""")
# Scripts come from our files alone. The nonce is also for the <style> with which GraphiQL's dialogs
# and menus lock scrolling. Without 'self' among the images, a result such as "logo.png" is not
# fetched for a tooltip; `data:` is also for the marks in GraphiQL's style sheet.
_STYLES: Final = "'self' "


def graphiql_route(folder: Path = BUILT_FOLDER) -> Route:
    """Return the route of the page; its files are read from the folder now."""
    missing = missing_from(folder)
    page = _not_built(missing) if missing else _page()
    status = HTTPStatus.SERVICE_UNAVAILABLE if missing else HTTPStatus.OK
    return Route(GRAPHIQL_PATH, partial(_answer, page, status))


async def _answer(page: Page, status: HTTPStatus, _request: Request) -> Response:
    return page.respond(status)


def _page() -> Page:
    return Layout(
        name="graphiql",
        title="GraphiQL",
        current=Section.GRAPHIQL,
        scripts=GRAPHIQL_SCRIPTS,
        head=_HEAD,
        styles=_STYLES,
    ).page(_CONTENT)


def _not_built(missing: tuple[str, ...]) -> Page:
    """Return the page that names the missing files and the command that builds them."""
    names = join(element("li", code(name)) for name in missing)
    layout = Layout(
        name="graphiql",
        title="GraphiQL is not built",
        sections=UNSCRIPTED_SECTIONS,
        current=Section.GRAPHIQL,
    )
    return layout.page(_NOT_BUILT.format(names))


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

    async def redirect(_: Request) -> Response:
        return RedirectResponse(page)

    return [Route(FRONT, redirect), _BrowserRoute(GRAPHQL_PATH, redirect, methods=["GET"])]
