"""The two public routes that describe the REST API: for programs and for people."""

from functools import cache
from typing import Final

import orjson
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from gateway.http.tagged import TaggedText
from gateway.pages.layout import PUBLIC_SECTIONS, UNSCRIPTED_SECTIONS, Layout, Section
from gateway.pages.reference.page import reference_content
from gateway.rest.openapi.document import openapi_document

DOCUMENT_PATH: Final = "/openapi.json"
PAGE_PATH: Final = "/reference"
# Public without a token: it is the same for everyone, and has no data about secrets.
PUBLIC_PATHS: Final = frozenset({DOCUMENT_PATH, PAGE_PATH})


def reference_routes(*, beside_others: bool) -> list[BaseRoute]:
    """Return both routes. Beside other pages, this one has links to them."""
    content, markup = _make()
    document = TaggedText(content, media_type="application/json")
    page = Layout(
        name="reference",
        title="REST reference",
        sections=UNSCRIPTED_SECTIONS if beside_others else PUBLIC_SECTIONS,
        current=Section.REFERENCE,
    ).page(markup)

    async def answer_page(_: Request) -> Response:
        return page.respond()

    return [Route(DOCUMENT_PATH, document.answer), Route(PAGE_PATH, answer_page)]


@cache
def _make() -> tuple[bytes, Markup]:
    """Return the document and the page's content, built once per process."""
    document = openapi_document()
    return orjson.dumps(document), reference_content(document)
