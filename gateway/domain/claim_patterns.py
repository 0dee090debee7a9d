"""Patterns of claim rules, and the claims of a token, which are compared with them."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final

# Issuers put at most 200 groups into a token.
MAX_ELEMENTS: Final = 256

Claims = Mapping[str, Any]
NO_CLAIMS: Final[Claims] = MappingProxyType({})

WILDCARD: Final = "*"
SEPARATORS: Final = re.compile(r"([/:@])")
BOOLEANS: Final = ("false", "true")


@dataclass(frozen=True, slots=True)
class _Piece:
    """What lies between two wildcards; it has a separator, at `lead` characters."""

    text: str
    lead: int

    @property
    def separator(self) -> str:
        return self.text[self.lead]


@dataclass(frozen=True, slots=True)
class _Parsed:
    """A pattern with wildcards, taken apart at each of them."""

    separators: str
    start: str
    middle: Sequence[_Piece]
    end: str


@lru_cache(maxsize=4_096)
def _parse(pattern: str) -> _Parsed | None:
    """Return the parts of a pattern; None for one that nothing matches."""
    start, *middle, end = pattern.split(WILDCARD)
    found = [(text, SEPARATORS.search(text)) for text in middle]
    pieces = [_Piece(text, first.start()) for text, first in found if first]
    if len(pieces) < len(middle):
        return None
    return _Parsed(_separators_in(pattern), start, pieces, end)


def _separators_in(text: str) -> str:
    return "".join(SEPARATORS.findall(text))


def _matches(wanted: _Parsed, text: str) -> bool:
    """Compare with a text that has the same separators, in steps of one for each wildcard."""
    if not text.startswith(wanted.start):
        return False
    at = len(wanted.start)
    for piece in wanted.middle:
        begin = text.index(piece.separator, at) - piece.lead
        # The wildcard is at least one character.
        if begin <= at or not text.startswith(piece.text, begin):
            return False
        at = begin + len(piece.text)
    return len(text) - len(wanted.end) > at and text.endswith(wanted.end)


class TokenClaims:
    """The claims of one token. Each claim is read once, and compared once with each pattern."""

    def __init__(self, claims: Claims) -> None:
        self._claims = claims
        self._texts: dict[str, frozenset[str]] = {}
        # For each claim, its texts by the separators that they have.
        self._forms: dict[str, dict[str, list[str]]] = {}
        self._known: dict[tuple[str, str], bool] = {}
        # The names of claims that were left out, because their lists are too long.
        self.left_out: set[str] = set()

    @property
    def verifies_email(self) -> bool:
        # Some issuers write the boolean as a text.
        claim = self._claims.get("email_verified")
        return claim is True or claim == "true"

    def has(self, claim: str, pattern: str) -> bool:
        """Return whether the claim matches; of a list, whether one of its elements does."""
        asked = claim, pattern
        if asked not in self._known:
            self._known[asked] = self._find(claim, pattern)
        return self._known[asked]

    def _find(self, claim: str, pattern: str) -> bool:
        if WILDCARD not in pattern:
            return pattern in self._texts_of(claim)
        wanted = _parse(pattern)
        if wanted is None:
            return False
        return any(_matches(wanted, text) for text in self._formed(claim, wanted.separators))

    def _texts_of(self, claim: str) -> frozenset[str]:
        if claim not in self._texts:
            self._texts[claim] = frozenset(self._read(claim))
        return self._texts[claim]

    def _formed(self, claim: str, separators: str) -> Sequence[str]:
        if claim not in self._forms:
            forms = self._forms[claim] = dict[str, list[str]]()
            for text in self._texts_of(claim):
                forms.setdefault(_separators_in(text), []).append(text)
        return self._forms[claim].get(separators, ())

    def _read(self, claim: str) -> Iterator[str]:
        found = self._claims.get(claim)
        elements = found if isinstance(found, list) else [found]
        if len(elements) > MAX_ELEMENTS:
            self.left_out.add(claim)
            return iter(())
        # A wildcard must not hide a control character.
        return (text for text in _texts(elements) if text.isprintable())


def _texts(elements: Iterable[object]) -> Iterator[str]:
    """Yield the texts that patterns are compared with; nothing for other types than these."""
    for element in elements:
        if isinstance(element, str):
            yield element
        elif isinstance(element, bool):
            yield BOOLEANS[element]
        elif isinstance(element, int):
            yield str(element)
