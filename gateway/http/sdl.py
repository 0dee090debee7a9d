"""The route of the schema as text, for tools that do not use introspection."""

from typing import Final

from starlette.routing import BaseRoute, Route

from gateway.http.tagged import TaggedText

PATH: Final = "/schema.graphql"


def sdl_routes(sdl: str) -> list[BaseRoute]:
    """Return the route, for a schema in its definition language.

    It contains what introspection returns, and is for the same principals.
    """
    text = TaggedText(sdl.encode(), media_type="text/plain", cache_control="private, no-cache")
    return [Route(PATH, text.answer)]
