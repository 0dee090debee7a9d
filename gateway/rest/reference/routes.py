"""The two public routes that describe the REST API: for programs and for people."""

from collections.abc import Mapping
from functools import cache
from secrets import token_urlsafe
from typing import Final

import orjson
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from gateway.http.tagged import TaggedText
from gateway.rest.openapi.document import openapi_document
from gateway.rest.reference.page import reference_page

DOCUMENT_PATH: Final = "/openapi.json"
PAGE_PATH: Final = "/reference"
# Public without a token: it is the same for everyone, and has no data about secrets.
PUBLIC_PATHS: Final = frozenset({DOCUMENT_PATH, PAGE_PATH})

# The page fetches nothing and runs nothing; it has one style, which carries the nonce.
_POLICY: Final = (
    "default-src 'none'",
    "style-src 'nonce-{nonce}'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
)
_PAGE_HEADERS: Final[Mapping[str, str]] = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def reference_routes() -> list[BaseRoute]:
    """Return both routes."""
    content, before_nonce, after_nonce = _make()
    document = TaggedText(content, media_type="application/json")

    async def answer_page(_: Request) -> Response:
        nonce = token_urlsafe(16)
        policy = "; ".join(_POLICY).format(nonce=nonce)
        page = f"{before_nonce}{nonce}{after_nonce}"
        return HTMLResponse(page, headers={**_PAGE_HEADERS, "Content-Security-Policy": policy})

    return [Route(DOCUMENT_PATH, document.answer), Route(PAGE_PATH, answer_page)]


@cache
def _make() -> tuple[bytes, str, str]:
    """Return the document and the page's two parts, built once per process."""
    document = openapi_document()
    return orjson.dumps(document), *reference_page(document)
