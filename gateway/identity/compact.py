"""Splitting a token's text into its parts, which are not yet trusted."""

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from gateway.identity.refusals import Reason, RefusedToken
from gateway.identity.strict_json import AmbiguousJson, read_object

MAX_LENGTH: Final = 8_192
_FORM: Final = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)")


@dataclass(frozen=True, slots=True)
class UnverifiedToken:
    """The parts of a token before verification."""

    header: Mapping[str, Any] = field(repr=False)
    claims: Mapping[str, Any] = field(repr=False)
    signed: bytes = field(repr=False)
    signature: bytes = field(repr=False)


def take_apart(text: str) -> UnverifiedToken:
    """Return a token's parts.

    Raises:
        RefusedToken: if it is too long, or not three texts in canonical base64url of which the
        first two are JSON objects with only one reading.

    """
    form = _FORM.fullmatch(text) if len(text) <= MAX_LENGTH else None
    if form is None:
        raise RefusedToken(Reason.MALFORMED)
    header, claims, signature = (_decode(part) for part in form.groups())
    try:
        read = read_object(header), read_object(claims)
    except AmbiguousJson:
        raise RefusedToken(Reason.MALFORMED) from None
    return UnverifiedToken(*read, text.rpartition(".")[0].encode(), signature)


def _decode(part: str) -> bytes:
    try:
        decoded = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except ValueError:
        raise RefusedToken(Reason.MALFORMED) from None
    # The last character can have unused bits: then two texts would be the same token.
    if base64.urlsafe_b64encode(decoded).rstrip(b"=") != part.encode():
        raise RefusedToken(Reason.MALFORMED)
    return decoded
