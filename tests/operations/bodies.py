"""Bodies that no face can take."""

from collections.abc import Mapping
from typing import Final

DEEP: Final = 100_000
LONG_INTEGER: Final = b"9" * 5_000
BODY_LIMIT: Final = 1024 * 1024

# For every face: none of these is a JSON object.
NO_OBJECTS: Final[Mapping[str, bytes]] = {
    "empty": b"",
    "white space": b" \r\n\t",
    "not JSON": b"key=KEY",
    "cut off": b'{"key": "KEY"',
    "a comma too many": b'{"key": "KEY",}',
    "single quotes": b"{'key': 'KEY'}",
    "a comment": b'{"key": "KEY"} // comment',
    "two objects": b'{"key": "KEY"}{"key": "KEY"}',
    "an array": b'[{"key": "KEY"}]',
    "a string": b'"KEY"',
    "a number": b"1",
    "null": b"null",
    "true": b"true",
    "not a number": b"NaN",
    "deep array": b"[" * DEEP,
    "deep closed array": b"[" * DEEP + b"]" * DEEP,
    "deep object": b'{"key":' * DEEP,
    "long integer": LONG_INTEGER,
    "bad UTF-8": b'{"key": "\xff"}',
    "a surrogate in UTF-8": b'{"key": "\xed\xa0\x80"}',
    "UTF-16": '{"key": "KEY"}'.encode("utf-16"),
    "byte order mark": b'\xef\xbb\xbf{"key": "KEY"}',
    "NUL bytes": b"\0" * 8,
    "a raw control character": b'{"key": "K\nEY"}',
}


def inside(field: bytes, json: bytes) -> bytes:
    """Return an object whose field has this text as its value."""
    return b'{"key": "KEY", "%s": %s}' % (field, json)


# For every face: these are no JSON either, though only a part is wrong.
BROKEN_INSIDE: Final[Mapping[str, bytes]] = {
    "equal keys": b'{"key": "KEY", "key": "OTHER"}',
    "equal unknown keys": b'{"key": "KEY", "a": 1, "a": 1}',
    "equal keys in a nested object": inside(b"a", b'{"b": 1, "b": 1}'),
    "not a number": inside(b"a", b"NaN"),
    "infinity": inside(b"a", b"Infinity"),
    "negative infinity": inside(b"a", b"-Infinity"),
    "a number that becomes infinite": inside(b"a", b"1e999"),
    "a number that becomes negative infinite": inside(b"a", b'[{"b": -1.5e999}]'),
    "long integer": inside(b"a", LONG_INTEGER),
    "integer over 64 bits": inside(b"a", b"9223372036854775808"),
    "deep array": inside(b"a", b"[" * DEEP + b"]" * DEEP),
}
