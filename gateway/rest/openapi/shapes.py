"""The parts of the body schemas, with the constraints of the domain."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from gateway.domain.content import (
    MAX_DESCRIPTION_LENGTH,
    MAX_FILE_NAME_BYTES,
    MAX_KEY_LENGTH,
    MAX_MOUNT_PATH_LENGTH,
    MAX_VALUE_BYTES,
    RESERVED_PREFIX,
)

# The same bound as the domain's pattern.
MAX_IDEMPOTENCY_KEY_LENGTH: Final = 255

Shape = dict[str, Any]
Fields = Mapping[str, Shape]

_ANY_CASE: Final = "".join(
    f"[{letter}{letter.lower()}]" if letter.isalpha() else letter for letter in RESERVED_PREFIX
)
KEY_PATTERN: Final = rf"^(?!{_ANY_CASE})[A-Za-z][A-Za-z0-9_]*$"
ID_PATTERN: Final = "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
IDEMPOTENCY_KEY_PATTERN: Final = "^[!-~]+$"
_ENTITY_TAG_PATTERN: Final = r'(?:W/)?"[!#-~]*"'
# Absolute and normal, outside the kernel's folders, each name as long as file systems take if it is
# ASCII; the empty one is no path.
MOUNT_PATH_PATTERN: Final = (
    r"^$|^(?!/(?:proc|sys|dev)(?:/|$))(?:/(?!\.{1,2}(?:/|$))"
    rf"[^/\x00-\x1f\x7f-\x9f]{{1,{MAX_FILE_NAME_BYTES}}})+$"
)
# Without the type, the condition would also match null and forbid it.
_NUL: Final[Mapping[str, str]] = {"type": "string", "pattern": r"\x00"}

BOOLEAN: Final[Shape] = {"type": "boolean"}
TEXT: Final[Shape] = {"type": "string"}
ID: Final[Shape] = {"type": "string", "format": "uuid", "pattern": ID_PATTERN}
MOMENT: Final[Shape] = {"type": "string", "format": "date-time"}
KEY: Final[Shape] = {"type": "string", "maxLength": MAX_KEY_LENGTH, "pattern": KEY_PATTERN}
VALUE: Final[Shape] = {"type": "string", "maxLength": MAX_VALUE_BYTES, "not": _NUL}
DESCRIPTION: Final[Shape] = {
    "type": "string",
    "maxLength": MAX_DESCRIPTION_LENGTH,
    "not": _NUL,
}
MOUNT_PATH: Final[Shape] = {
    "type": "string",
    "maxLength": MAX_MOUNT_PATH_LENGTH,
    "pattern": MOUNT_PATH_PATTERN,
}
IDEMPOTENCY_KEY: Final[Shape] = {
    "type": "string",
    "maxLength": MAX_IDEMPOTENCY_KEY_LENGTH,
    "pattern": IDEMPOTENCY_KEY_PATTERN,
}
ENTITY_TAGS: Final[Shape] = {
    "type": "string",
    "pattern": rf"^(?:\*|{_ENTITY_TAG_PATTERN}(?:, ?{_ENTITY_TAG_PATTERN})*)$",
}
ALWAYS_TRUE: Final[Shape] = {"type": "boolean", "const": True}
ALWAYS_NULL: Final[Shape] = {"type": "null"}


def about(shape: Shape, description: str) -> Shape:
    """Return the shape with a description."""
    return {**shape, "description": description}


def nullable(shape: Shape) -> Shape:
    """Return the shape, or null."""
    return {**shape, "type": [shape["type"], "null"]}


def one_of(names: Iterable[str], description: str) -> Shape:
    """Return a string enum of these names."""
    return {"type": "string", "enum": [str(name) for name in names], "description": description}


def reference(name: str) -> Shape:
    """Return a reference to a named schema."""
    return {"$ref": f"#/components/schemas/{name}"}


def array_of(items: Shape, **bounds: int) -> Shape:
    """Return a list of one shape."""
    return {"type": "array", "items": items, **bounds}


def record(
    description: str,
    required: Fields,
    optional: Fields | None = None,
    *,
    example: Mapping[str, Any] | None = None,
) -> Shape:
    """Return an object with these fields. Other fields are ignored."""
    return {
        "type": "object",
        "description": description,
        "required": list(required),
        "properties": {**required, **(optional or {})},
        **({"examples": [dict(example)]} if example is not None else {}),
    }


INTERPOLATION: Final[Fields] = {
    "enable_interpolation_in_file": about(
        BOOLEAN,
        "Whether a delivery replaces keys in double braces in a file's content.",
    ),
}
