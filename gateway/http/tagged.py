"""Texts that are constant within a version, served with an entity tag."""

from collections.abc import Mapping
from hashlib import sha256
from http import HTTPStatus
from typing import Final

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.domain.entity_tags import EntityTags

SDL_PATH: Final = "/schema.graphql"


def header_of(headers: Headers, name: str) -> str | None:
    """Return a header's value, with several lines joined as one list; None if absent."""
    lines = headers.getlist(name)
    return ", ".join(lines) if lines else None


def is_unchanged(request: Request, tag: str) -> bool:
    """Return whether the client's If-None-Match contains the tag.

    Raises:
        InvalidInput: if the header is not a list of entity tags.

    """
    known = header_of(request.headers, "If-None-Match")
    return known is not None and EntityTags.parse(known).match_weakly(tag)


class TaggedText:
    def __init__(self, content: bytes, *, media_type: str, cache_control: str = "no-cache") -> None:
        self._content = content
        self._media_type = media_type
        # Strong: the same on every worker and machine that runs this version.
        self._tag = f'"{sha256(content).hexdigest()[:32]}"'
        self._cache_control = cache_control

    async def answer(self, request: Request) -> Response:
        """Return the text, or 304 if the client's copy is current."""
        if is_unchanged(request, self._tag):
            return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=self._headers)
        return Response(self._content, headers=self._headers, media_type=self._media_type)

    @property
    def _headers(self) -> Mapping[str, str]:
        return {"Cache-Control": self._cache_control, "ETag": self._tag}


def sdl_route(sdl: str) -> Route:
    """Return the route of a schema in its definition language, for tools without introspection.

    It contains what introspection returns, and is for the same principals.
    """
    text = TaggedText(sdl.encode(), media_type="text/plain", cache_control="private, no-cache")
    return Route(SDL_PATH, text.answer)
