"""Entity tags and the preconditions that name them (RFC 9110, sections 8.8.3 and 13.1)."""

import re
from dataclasses import dataclass
from typing import Final, Self

from gateway.domain.errors import Argument, InvalidInput

_WEAK: Final = "W/"
_ANY: Final = "*"
# One element of a list, possibly empty, and its separator.
_ELEMENT: Final = re.compile(r'[ \t]*((?:W/)?"[\x21\x23-\x7e\x80-\xff]*")?[ \t]*(?:,|\Z)')


@dataclass(frozen=True, slots=True)
class EntityTags:
    """The tags that a precondition lists; None for `*`, which matches every tag."""

    listed: frozenset[str] | None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the tags of a header's value.

        Raises:
            InvalidInput: if the text is not `*` or a list of entity tags.

        """
        if text.strip(" \t") == _ANY:
            return cls(None)
        tags: set[str] = set()
        position = 0
        while position < len(text):
            element = _ELEMENT.match(text, position)
            if element is None:
                raise MalformedTags
            tags.update(filter(None, element.groups()))
            position = element.end()
        if not tags:
            raise MalformedTags
        return cls(frozenset(tags))

    def match_strongly(self, tag: str) -> bool:
        """Return whether a strong tag matches, as If-Match compares: weak tags never match."""
        return self.listed is None or tag in self.listed

    def match_weakly(self, tag: str) -> bool:
        """Return whether a strong tag matches, as If-None-Match compares."""
        return self.match_strongly(tag) or f"{_WEAK}{tag}" in (self.listed or ())


class MalformedTags(InvalidInput):
    def __init__(self) -> None:
        super().__init__(
            Argument.ENTITY_TAGS,
            'A precondition must be `*` or a list of entity tags: `"a1b2"`, `"a1b2", "c3d4"`.',
        )
