"""Contents that are the same for every client, with entity tags: the pages' files and the schema.

The files are an allow-list, and read once, so that no request touches the disk.
"""

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from hashlib import sha256
from http import HTTPStatus
from pathlib import Path
from types import MappingProxyType
from typing import Final, Generic, TypeVar

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.domain.entity_tags import EntityTags
from gateway.http.requests import header_of

ASSETS_PATH: Final = "/assets/"
SCHEMA_PATH: Final = "/schema.graphql"
# What `make graphiql` builds from released packages.
BUILT_FOLDER: Final = Path(__file__).parent / "npm" / "assets"

_SCRIPT: Final = "text/javascript"
# Each begins with the script that a page runs; the others are what it imports.
GRAPHIQL_SCRIPTS: Final = (
    "boot.js",
    "access.js",
    "events.js",
    "requests.js",
    "status.js",
    "steps.js",
    "storage.js",
    "subject.js",
    "tour.js",
    "workbench.js",
)
MAP_SCRIPTS: Final = ("map.js", "access.js", "picker.js", "requests.js", "status.js")
BUILT: Final[Mapping[str, str]] = MappingProxyType(
    {
        "graphiql.min.css": "text/css",
        "graphiql.min.js": _SCRIPT,
        "licences.txt": "text/plain",
        "react-dom.production.min.js": _SCRIPT,
        "react.production.min.js": _SCRIPT,
    }
)
# A browser may keep the files, and asks each time whether they are still the same.
_HEADERS: Final[Mapping[str, str]] = {
    "Cache-Control": "no-cache",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


class StaticContent:
    """A content that only a new version changes."""

    def __init__(self, content: bytes, media_type: str, headers: Mapping[str, str]) -> None:
        self._content = content
        self._media_type = media_type
        # Strong: the same on every worker and machine that runs this version.
        self._tag = f'"{sha256(content).hexdigest()[:32]}"'
        self._headers = {**headers, "ETag": self._tag}

    async def respond(self, request: Request) -> Response:
        """Return the content, or 304 if the client's copy is current.

        Raises:
            InvalidInput: if If-None-Match is not a list of entity tags.

        """
        known = header_of(request.headers, "If-None-Match")
        if known is not None and EntityTags.parse(known).match_weakly(self._tag):
            return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=self._headers)
        return Response(self._content, headers=self._headers, media_type=self._media_type)


Made = TypeVar("Made")


class Deferred(Generic[Made]):
    """What is made when it is first asked for, once, in a thread: no other request waits for it."""

    def __init__(self, make: Callable[[], Made]) -> None:
        self._make = make
        self._making: asyncio.Future[Made] | None = None

    async def get(self) -> Made:
        if self._making is None or _has_failed(self._making):
            self._making = asyncio.ensure_future(asyncio.to_thread(self._make))
        # Who disconnects meanwhile does not stop it: others can wait for it, too.
        return await asyncio.shield(self._making)


def _has_failed(making: "asyncio.Future[Made]") -> bool:
    return making.done() and (making.cancelled() or making.exception() is not None)


def missing_from(folder: Path) -> tuple[str, ...]:
    """Return the names that GraphiQL needs and the build has not made."""
    return tuple(name for name in BUILT if not (folder / name).is_file())


def assets_route(folder: Path = BUILT_FOLDER) -> Route:
    """Return the route of the files, which are read now; the built ones from the folder."""
    scripts = Path(__file__).parent / "scripts"
    assets = {
        **{name: _read(scripts / name, _SCRIPT) for name in {*GRAPHIQL_SCRIPTS, *MAP_SCRIPTS}},
        **{name: _read(folder / name, kind) for name, kind in BUILT.items()},
    }
    there = {name: asset for name, asset in assets.items() if asset}
    return Route(f"{ASSETS_PATH}{{name}}", partial(_respond, there))


def _read(path: Path, media_type: str) -> StaticContent | None:
    return StaticContent(path.read_bytes(), media_type, _HEADERS) if path.is_file() else None


async def _respond(assets: Mapping[str, StaticContent], request: Request) -> Response:
    """Return one file.

    Raises:
        HTTPException: 404, the name is not on the list or the file has not been built.

    """
    asset = assets.get(request.path_params["name"])
    if asset is None:
        raise HTTPException(HTTPStatus.NOT_FOUND)
    return await asset.respond(request)


def schema_route(print_schema: Callable[[], str]) -> Route:
    """Return the route of a schema in its definition language, for tools without introspection.

    It contains what introspection returns, and is for the same principals.
    """
    headers = {"Cache-Control": "private, no-cache"}
    content = Deferred(lambda: StaticContent(print_schema().encode(), "text/plain", headers))

    async def respond(request: Request) -> Response:
        return await (await content.get()).respond(request)

    return Route(SCHEMA_PATH, respond)
