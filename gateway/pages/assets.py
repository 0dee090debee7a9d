"""The files of the pages: an allow-list, read once, so that no request touches the disk."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.http.requests import is_unchanged

ASSETS_PATH: Final = "/assets/"
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


@dataclass(frozen=True, slots=True)
class Asset:
    """One file as it is served. The tag is strong: the same on every worker and machine."""

    content: bytes = field(repr=False)
    media_type: str
    etag: str


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
    return Route(f"{ASSETS_PATH}{{name}}", partial(_answer_asset, there))


def _read(path: Path, media_type: str) -> Asset | None:
    if not path.is_file():
        return None
    content = path.read_bytes()
    return Asset(content, media_type, etag=f'"{sha256(content).hexdigest()[:32]}"')


async def _answer_asset(assets: Mapping[str, Asset], request: Request) -> Response:
    """Answer with one file, or with 304 to a browser that has it.

    Raises:
        HTTPException: 404, the name is not on the list or the file has not been built.
    """
    asset = assets.get(request.path_params["name"])
    if asset is None:
        raise HTTPException(404)
    headers = {**_HEADERS, "ETag": asset.etag}
    if is_unchanged(request, asset.etag):
        return Response(status_code=304, headers=headers)
    return Response(asset.content, headers=headers, media_type=asset.media_type)
