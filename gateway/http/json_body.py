"""Strict reading of JSON bodies."""

import re
from enum import StrEnum
from typing import Any, Final

from starlette.requests import Request

from gateway.domain.content import MAX_VALUE_BYTES
from gateway.domain.errors import ErrorCode, GatewayError
from gateway.domain.strict_json import MAX_INTEGER, JsonFault, RefusedJson, read_json
from gateway.services.imports import MAX_ROWS

_JSON: Final = "application/json"
MAX_DEPTH: Final = 32
MAX_VALUES: Final = 20_000
# As long as a secret's value may be.
MAX_TEXT_BYTES: Final = MAX_VALUE_BYTES
# A longer value is refused by rule C9, which in an import refuses only its row.
_BOUNDED_BY_RULE: Final = "value"
_ONE_KIND: Final = bytes.maketrans(b"{}", b"[]")
_NO_BRACKETS: Final = bytes(byte for byte in range(256) if byte not in b"[]{}")
_TEXT: Final = re.compile(rb'"(?:[^"\\]|\\.)*+"', re.DOTALL)


class BodyFault(StrEnum):
    """The faults of a body."""

    MISSING = "The body must be a JSON object; it is missing."
    NOT_JSON = "The body is not valid JSON."
    NOT_TEXT = "The body is not UTF-8."
    REPEATED = "An object in the body has a field twice."
    TOO_LARGE_NUMBER = (
        f"A whole number in a body must be at most {MAX_INTEGER:,}, and any other number finite."
    )
    TOO_DEEP = f"A body must be nested at most {MAX_DEPTH} deep."
    TOO_MANY_VALUES = f"A body must have at most {MAX_VALUES:,} values."
    TOO_LONG_TEXT = f"A text in a body must be at most {MAX_TEXT_BYTES // 1024} KiB of UTF-8."
    NOT_AN_OBJECT = "The body must be a JSON object with one request, not a batch."
    NO_DOCUMENT = "`query` must be a GraphQL document, as a string."
    NO_DOCUMENT_ID = "The body must name one document with a string."
    NO_VARIABLES = "`variables` must be a JSON object."
    NO_EXTENSIONS = "`extensions` must be a JSON object."
    NO_OPERATION_NAME = "`operationName` must be a string."


_FAULTS: Final = {
    JsonFault.NOT_TEXT: BodyFault.NOT_TEXT,
    JsonFault.REPEATED: BodyFault.REPEATED,
    JsonFault.TOO_LARGE_NUMBER: BodyFault.TOO_LARGE_NUMBER,
}


class RefusedBody(GatewayError):
    """The body does not have the form that the path requires."""

    code = ErrorCode.BAD_USER_INPUT

    def __init__(self, fault: BodyFault) -> None:
        super().__init__(fault)


class TooManyValues(RefusedBody):
    """The body has more values than the limit."""

    def __init__(self, objects: int) -> None:
        super().__init__(BodyFault.TOO_MANY_VALUES)
        # The body itself is one object; over GraphQL, its variables are a second.
        if objects > MAX_ROWS + 2:
            self.message += (
                f" This one has {objects:,} objects; an import has at most {MAX_ROWS:,} rows."
            )


class RefusedMediaType(GatewayError):
    """The body is not declared as JSON."""

    code = ErrorCode.UNSUPPORTED_MEDIA_TYPE

    def __init__(self) -> None:
        super().__init__("The body must be `application/json` in UTF-8, not compressed.")


async def read_json_object(request: Request) -> dict[str, Any]:
    """Return the body as a JSON object.

    Raises:
        RefusedMediaType: if it is declared as anything but plain JSON.
        RefusedBody: if it is missing, malformed or not an object.
        starlette.exceptions.HTTPException: 413 if it is too large.

    """
    body = await request.body()
    if not body.strip():
        raise RefusedBody(BodyFault.MISSING)
    _ensure_media_type(request)
    return json_object(body)


def json_object(text: bytes) -> dict[str, Any]:
    """Parse a text as a JSON object.

    Raises:
        RefusedBody: if it is malformed, beyond the bounds or not an object.

    """
    _ensure_modest(text)
    parsed = _parse(text)
    if len(text) > MAX_TEXT_BYTES:
        _ensure_short_texts(parsed)
    if not isinstance(parsed, dict):
        raise RefusedBody(BodyFault.NOT_AN_OBJECT)
    return parsed


def _ensure_media_type(request: Request) -> None:
    media_type, *parameters = request.headers.get("content-type", "").lower().split(";")
    charsets = {parameter.strip().strip('"') for parameter in parameters if parameter.strip()}
    is_utf8 = charsets <= {"charset=utf-8", 'charset="utf-8'}
    is_plain = request.headers.get("content-encoding", "identity").lower() == "identity"
    if media_type.strip() != _JSON or not is_utf8 or not is_plain:
        raise RefusedMediaType


def _ensure_modest(body: bytes) -> None:
    # Checked before parsing, because a parser's time and stack grow with these counts.
    frame = body if _values(body) <= MAX_VALUES else _TEXT.sub(b"", body)
    if _values(frame) > MAX_VALUES:
        raise TooManyValues(frame.count(b"{"))
    if frame.count(b"[") + frame.count(b"{") > MAX_DEPTH:
        _ensure_shallow(_TEXT.sub(b"", body))


def _values(frame: bytes) -> int:
    return sum(map(frame.count, (b",", b":", b"[", b"{")))


def _ensure_shallow(frame: bytes) -> None:
    brackets = frame.translate(_ONE_KIND, _NO_BRACKETS)
    # Each round removes the innermost pairs.
    for _ in range(MAX_DEPTH):
        brackets = brackets.replace(b"[]", b"")
    if brackets:
        raise RefusedBody(BodyFault.TOO_DEEP)


def _ensure_short_texts(parsed: object) -> None:
    waiting = [parsed]
    while waiting:
        given = waiting.pop()
        if isinstance(given, str):
            _ensure_short(given)
        elif isinstance(given, dict):
            waiting.extend(given)
            waiting.extend(text for name, text in given.items() if name != _BOUNDED_BY_RULE)
        elif isinstance(given, list):
            waiting.extend(given)


def _ensure_short(text: str) -> None:
    if len(text.encode(errors="surrogatepass")) > MAX_TEXT_BYTES:
        raise RefusedBody(BodyFault.TOO_LONG_TEXT)


def _parse(body: bytes) -> object:
    try:
        return read_json(body)
    except RefusedJson as refused:
        raise RefusedBody(_FAULTS.get(refused.fault, BodyFault.NOT_JSON)) from None
