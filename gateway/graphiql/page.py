"""The routes of the GraphiQL page, and the headers that keep it on its own host."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from secrets import token_urlsafe
from typing import Final, NamedTuple

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from gateway.graphiql.assets import ASSETS_FOLDER, Asset, missing_from, read_assets
from gateway.graphiql.markup import graphiql_page, not_built_page
from gateway.http.tagged import is_unchanged


class GraphiqlPaths(NamedTuple):
    """What anyone may fetch without a token: the page, and whatever starts with `assets`."""

    page: str
    assets: str


GRAPHIQL_PATHS: Final = GraphiqlPaths(page="/graphiql", assets="/graphiql/assets/")

# Scripts come from our files alone. The nonce is for the <style> with which GraphiQL's dialogs and
# menus lock scrolling. `data:` is for the icon and the marks in GraphiQL's style sheet; without
# 'self', a result such as "logo.png" is not fetched as an image for a tooltip.
_POLICY: Final = (
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self' 'nonce-{nonce}'",
    "connect-src 'self'",
    "img-src data:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
)

_PAGE_HEADERS: Final[Mapping[str, str]] = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}

# A browser may keep the files, and asks each time whether they are still the same.
_ASSET_HEADERS: Final[Mapping[str, str]] = {
    "Cache-Control": "no-cache",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


def graphiql_routes(folder: Path = ASSETS_FOLDER) -> list[BaseRoute]:
    """Return the routes of the page and its files, which are read from the folder now."""
    assets = read_assets(folder)
    return [
        Route(GRAPHIQL_PATHS.page, partial(_answer_page, missing_from(assets))),
        Route(f"{GRAPHIQL_PATHS.assets}{{name}}", partial(_answer_asset, assets)),
    ]


async def _answer_page(missing: tuple[str, ...], _request: Request) -> Response:
    """Answer with the page, or with 503 and what to do where it has not been built."""
    nonce = token_urlsafe(16)
    headers = {**_PAGE_HEADERS, "Content-Security-Policy": "; ".join(_POLICY).format(nonce=nonce)}
    if missing:
        return HTMLResponse(not_built_page(nonce=nonce, missing=missing), 503, headers)
    return HTMLResponse(graphiql_page(nonce=nonce), 200, headers)


async def _answer_asset(assets: Mapping[str, Asset], request: Request) -> Response:
    """Answer with one file, or with 304 to a browser that has it.

    Raises:
        HTTPException: 404, the name is not on the list or the file has not been built.
    """
    asset = assets.get(request.path_params["name"])
    if asset is None:
        raise HTTPException(404)
    headers = {**_ASSET_HEADERS, "ETag": asset.etag}
    if is_unchanged(request, asset.etag):
        return Response(status_code=304, headers=headers)
    return Response(asset.content, headers=headers, media_type=asset.media_type)
