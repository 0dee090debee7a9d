"""The files of the GraphiQL page: an allow-list, read once, so that no request touches the disk."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType
from typing import Final

ASSETS_FOLDER: Final = Path(__file__).parent / "assets"

_SCRIPT: Final = "text/javascript"
_STYLE: Final = "text/css"
_TEXT: Final = "text/plain"

MEDIA_TYPES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "boot.js": _SCRIPT,
        "events.js": _SCRIPT,
        "graphiql.min.css": _STYLE,
        "graphiql.min.js": _SCRIPT,
        "licences.txt": _TEXT,
        "react-dom.production.min.js": _SCRIPT,
        "react.production.min.js": _SCRIPT,
        "requests.js": _SCRIPT,
        "status.js": _SCRIPT,
        "steps.js": _SCRIPT,
        "storage.js": _SCRIPT,
        "style.css": _STYLE,
        "subject.js": _SCRIPT,
        "tour.js": _SCRIPT,
        "workbench.js": _SCRIPT,
    },
)


@dataclass(frozen=True, slots=True)
class Asset:
    """One file as it is served. The tag is strong: the same on every worker and machine."""

    content: bytes = field(repr=False)
    media_type: str
    etag: str


def read_assets(folder: Path) -> Mapping[str, Asset]:
    """Read those files of the allow-list that have been built."""
    return MappingProxyType(
        {
            name: _asset((folder / name).read_bytes(), media_type)
            for name, media_type in MEDIA_TYPES.items()
            if (folder / name).is_file()
        },
    )


def missing_from(assets: Mapping[str, Asset]) -> tuple[str, ...]:
    """Return the names that the page needs and the build has not made."""
    return tuple(name for name in MEDIA_TYPES if name not in assets)


def _asset(content: bytes, media_type: str) -> Asset:
    return Asset(content, media_type, etag=f'"{sha256(content).hexdigest()[:32]}"')
