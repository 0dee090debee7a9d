"""Texts that stay the same while a version runs: asked for again, they are not sent again."""

from collections.abc import Mapping
from hashlib import sha256
from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response

from gateway.domain.entity_tags import EntityTags


def header_of(headers: Headers, name: str) -> str | None:
    """Return a header's value, that of several lines as one list; None where it was not sent."""
    lines = headers.getlist(name)
    return ", ".join(lines) if lines else None


def is_unchanged(request: Request, tag: str) -> bool:
    """Tell whether the client has what the tag names, by its If-None-Match.

    Raises:
        InvalidInput: if that is no list of entity tags.

    """
    known = header_of(request.headers, "If-None-Match")
    return known is not None and EntityTags.parse(known).match_weakly(tag)


class TaggedText:
    """One such text."""

    def __init__(self, content: bytes, *, media_type: str, cache_control: str = "no-cache") -> None:
        self._content = content
        self._media_type = media_type
        # Strong: the same on every worker and machine that runs this version.
        self._tag = f'"{sha256(content).hexdigest()[:32]}"'
        self._cache_control = cache_control

    async def answer(self, request: Request) -> Response:
        """Answer with the text, or with 304 to who has it."""
        if is_unchanged(request, self._tag):
            return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=self._headers)
        return Response(self._content, headers=self._headers, media_type=self._media_type)

    @property
    def _headers(self) -> Mapping[str, str]:
        return {"Cache-Control": self._cache_control, "ETag": self._tag}
