"""Markers: texts of three kinds that are nowhere else, one for each place that takes a text.

A value must be nowhere at all. What is kept (keys, names, descriptions, paths) may stand where it
is kept and in the answers that tell it. A path is told back in the problem that it
led to.
Anything else may stand nowhere but where it came from.
"""

import re
from enum import StrEnum
from itertools import count

from tests.operations.canaries import is_traced

_NUMBERS = count()


class Kind(StrEnum):
    """The kinds, each with the text that all its markers begin with."""

    VALUE = "Wv7QmarkedValueZk3"
    KEPT = "Kp4XmarkedKeptRb8J"
    PATH = "Pn5CmarkedPathVd7T"
    OTHER = "Ot2YmarkedOtherGw6"


_VALUES = frozenset({"value"})
_KEPT = frozenset(
    {"key", "name", "description", "mountPath", "mount_path", "ownedBy", "idempotencyKey"}
    | {"Idempotency-Key", "issuer", "subject", "displayName", "claim", "pattern"}
)


def kind_of(field: str) -> Kind:
    """Return what kind of text a field takes."""
    if field in _VALUES:
        return Kind.VALUE
    return Kind.KEPT if field in _KEPT else Kind.OTHER


def marker_for(field: str) -> str:
    """Return a new marker for a field; it has the form of a key."""
    return new_marker(kind_of(field))


def new_marker(kind: Kind) -> str:
    """Return a new marker of a kind."""
    return f"{kind}{next(_NUMBERS)}"


def found_in(where: bytes, *kinds: Kind) -> set[str]:
    """Return which markers of these kinds are there, in whatever form."""
    plain = {item.decode() for kind in kinds for item in re.findall(kind.encode() + rb"\d*", where)}
    return plain or {str(kind) for kind in kinds if is_traced(kind, where)}
