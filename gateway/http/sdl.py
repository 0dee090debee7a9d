"""The route of the schema as text, for tools that read it rather than ask."""

from typing import Final

from starlette.routing import BaseRoute, Route

from gateway.http.tagged import TaggedText

PATH: Final = "/schema.graphql"


def sdl_routes(sdl: str) -> list[BaseRoute]:
    """Return the route, for a schema in its definition language.

    It tells what the introspection tells, and is for the same callers.
    """
    text = TaggedText(sdl.encode(), media_type="text/plain", cache_control="private, no-cache")
    return [Route(PATH, text.answer)]
