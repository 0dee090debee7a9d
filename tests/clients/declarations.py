"""What the client's generated TypeScript says of an answer, read from its own declarations.

TypeScript's types are gone when the client runs, so it takes whatever comes; a program that was
checked against them is what breaks. Only the few forms that the generator writes are understood.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

_INTERFACE: Final = r"^export interface {} \{{$(.*?)^\}}$"
_ENUM: Final = r"^export declare const {}: \{{$(.*?)^\}};$"
_FIELD: Final = re.compile(r"^    '(?P<name>\w+)'(?P<optional>\??): (?P<type>.+);$", re.MULTILINE)
_MEMBER: Final = re.compile(r'^    readonly \w+: "(\w+)";$', re.MULTILINE)
_ARRAY: Final = re.compile(r"Array<(\w+)>")
_PRIMITIVES: Final[Mapping[str, type]] = {
    "string": str,
    "boolean": bool,
    "null": type(None),
}


@dataclass(frozen=True, slots=True)
class Declarations:
    """The text of a declaration file."""

    text: str = field(repr=False)

    @classmethod
    def read_from(cls, path: Path) -> "Declarations":
        """Read a declaration file."""
        return cls(path.read_text())

    def complaints(self, declared: str, given: object, place: str = "") -> list[str]:
        """Return where something is not of the type, or not declared at all."""
        options = [self._against(option, given, place) for option in declared.split(" | ")]
        return min(options, key=len)

    def _against(self, declared: str, given: object, place: str) -> list[str]:
        if declared in _PRIMITIVES:
            is_right = isinstance(given, _PRIMITIVES[declared])
            return [] if is_right else [f"{place} is no {declared}"]
        if item := _ARRAY.fullmatch(declared):
            return self._against_array(item[1], given, place)
        if members := self._body(_ENUM, declared):
            return [] if given in _MEMBER.findall(members) else [f"{place} is no {declared}"]
        return self._against_interface(declared, given, place)

    def _against_array(self, item: str, given: object, place: str) -> list[str]:
        if not isinstance(given, list):
            return [f"{place} is no array"]
        found = (self.complaints(item, entry, f"{place}[{at}]") for at, entry in enumerate(given))
        return [complaint for complaints in found for complaint in complaints]

    def _against_interface(self, declared: str, given: object, place: str) -> list[str]:
        if not isinstance(given, dict):
            return [f"{place} is no {declared}"]
        body = self._body(_INTERFACE, declared)
        assert body, f"{declared} is not declared"
        fields = {found["name"]: found for found in _FIELD.finditer(body)}
        undeclared = [f"{place}.{name} is not declared" for name in given.keys() - fields.keys()]
        return undeclared + [
            complaint
            for found in fields.values()
            for complaint in self._against_field(found, given, place)
        ]

    def _against_field(
        self, found: re.Match[str], given: Mapping[str, object], place: str
    ) -> Iterator[str]:
        name = found["name"]
        if name in given:
            yield from self.complaints(found["type"], given[name], f"{place}.{name}")
        elif not found["optional"]:
            yield f"{place}.{name} is missing"

    def _body(self, pattern: str, name: str) -> str | None:
        found = re.search(pattern.format(name), self.text, re.MULTILINE | re.DOTALL)
        return found[1] if found else None
