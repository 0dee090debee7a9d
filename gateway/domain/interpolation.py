r"""References between values: `{{KEY}}` in a text, and their replacement.

References inside texts: `{{KEY}}` is a reference, and `\{{KEY}}` is the text `{{KEY}}`. Directly
before `{{`, two backslashes become one. An odd one escapes `{{` and is removed, even if no key
follows. So `\\{{KEY}}` is a backslash and a reference.

Interpolation: a delivery replaces `{{KEY}}` with the value of KEY. A delivery has one budget. Its
total length is computed before any text is built.
"""

import re
from collections import Counter
from collections.abc import Hashable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, TypeVar

from gateway.domain.errors import Argument, ErrorCode, GatewayError, InvalidInput

Name = TypeVar("Name", bound=Hashable)

OPENING: Final = "{{"
ESCAPED_OPENING: Final = "\\{{"
# The lookbehind keeps a long run of backslashes from being tried at each of its positions.
_TOKEN: Final = re.compile(
    r"(?<!\\)((?:\\\\)*\\)\{\{"
    r"|(?<!\\)((?:\\\\)+)(?=\{\{)"
    r"|\{\{([A-Za-z][A-Za-z0-9_]{0,254})\}\}",
    re.ASCII,
)
_BEFORE_OPENING: Final = re.compile(r"(?<!\\)(\\*)\{\{")
_ESCAPING, _PAIRS, _NAME = 1, 2, 3


@dataclass(frozen=True, slots=True)
class Reading:
    """The references in a text: a count by name, and the backslashes that expanding removes."""

    names: Mapping[str, int] = field(default_factory=dict, repr=False)
    removed: int = 0


_NOTHING: Final = Reading()


def read_references(text: str) -> Reading:
    if OPENING not in text:
        return _NOTHING
    names, removed = Counter[str](), 0
    for escaping, pairs, name in _TOKEN.findall(text):
        if name:
            names[name] += 1
        else:
            removed += (len(escaping) + 1) // 2 + len(pairs) // 2
    return Reading(names, removed)


def expanded(text: str, resolved: Mapping[str, str]) -> str:
    """Return a text with resolved references replaced and escapes removed."""
    if OPENING not in text:
        return text

    def replace(token: re.Match[str]) -> str:
        if name := token[_NAME]:
            return resolved.get(name, token[0])
        if pairs := token[_PAIRS]:
            return "\\" * (len(pairs) // 2)
        return "\\" * (len(token[_ESCAPING]) // 2) + OPENING

    return _TOKEN.sub(replace, text)


def escaped(text: str) -> str:
    """Return what a delivery expands to the text itself."""
    return _BEFORE_OPENING.sub(lambda found: f"{found[1] * 2}{ESCAPED_OPENING}", text)


def with_renamed(text: str, former: str, name: str) -> str:
    """Return a text with the references to a former name renamed, otherwise unchanged."""

    def replace(token: re.Match[str]) -> str:
        return f"{{{{{name}}}}}" if token[_NAME] == former else token[0]

    return _TOKEN.sub(replace, text)


def topological_order(references: Mapping[Name, AbstractSet[Name]]) -> Iterator[Name]:
    """Yield each key after the keys that it refers to; keys that lead into cycles are left out."""
    waits_for = {key: set(references.keys() & named) for key, named in references.items()}
    waiting: dict[Name, list[Name]] = {key: [] for key in references}
    for key, referred in waits_for.items():
        for name in referred:
            waiting[name].append(key)
    ready = [key for key, referred in waits_for.items() if not referred]
    while ready:
        done = ready.pop()
        yield done
        for key in waiting[done]:
            waits_for[key].discard(done)
            if not waits_for[key]:
                ready.append(key)


MAX_DELIVERED_KEYS: Final = 5_000
# In UTF-8, the encoding of responses and of the plaintext whose length a ciphertext shows.
MAX_DELIVERED_BYTES: Final = 8 * 1024 * 1024
_BRACES: Final = len("{{}}")
_MAX_NAMED: Final = 20


class TooManyKeys(InvalidInput):
    def __init__(self, key: str) -> None:
        super().__init__(
            Argument.HOLDER,
            f"The service sees more than {MAX_DELIVERED_KEYS:,} keys, the maximum for a delivery. "
            f"The key {key} is the first over the limit.",
        )
        self.key = key


class DeliveryTooLarge(InvalidInput):
    def __init__(self, key: str) -> None:
        super().__init__(
            Argument.HOLDER,
            f"A delivery must have at most {MAX_DELIVERED_BYTES // 1024 // 1024} MiB of texts and "
            f"files, with references expanded. The key {key} exceeds the limit.",
        )
        self.key = key


@dataclass(frozen=True, slots=True, order=True)
class UnresolvedReference:
    """A reference that stays text because its name is unknown or leads into a cycle."""

    key: str
    name: str


class OnUnresolved(StrEnum):
    """What a delivery does with unresolved references: keep their text, or fail."""

    KEEP = "KEEP"
    FAIL = "FAIL"


class UnresolvedReferences(GatewayError):
    code = ErrorCode.REFERENCE_UNRESOLVED

    def __init__(self, unresolved: Sequence[UnresolvedReference]) -> None:
        named = ", ".join(f"{item.key} to {{{{{item.name}}}}}" for item in unresolved[:_MAX_NAMED])
        more = f" and {len(unresolved) - _MAX_NAMED} more" if len(unresolved) > _MAX_NAMED else ""
        super().__init__(
            "References of this delivery lead to unknown keys of the service or into a cycle: "
            f"{named}{more}."
        )
        self.unresolved = tuple(unresolved)


class DeliveryBudget:
    """Counts the bytes of one delivery, key by key."""

    def __init__(self) -> None:
        self.spent = 0

    def spend(self, key: str, size: int) -> int:
        """Add a key's bytes and return them.

        Raises:
            DeliveryTooLarge: if the delivery exceeds its limit.

        """
        self.spent += size
        if self.spent > MAX_DELIVERED_BYTES:
            raise DeliveryTooLarge(key)
        return size


class Interpolator:
    """Expands the references in values and files, each text once, in dependency order.

    A reference to an unknown name or into a cycle stays text.
    """

    def __init__(
        self,
        values: Mapping[str, str],
        *,
        paths: Mapping[str, str],
        files: Mapping[str, str],
        verbatim: Mapping[str, str],
    ) -> None:
        """Measure all texts by key, without expanding them.

        `paths` has the mount paths of files, which have no references. `files` has the contents of
        the files that are expanded, `verbatim` those of the others.

        Raises:
            DeliveryTooLarge: if they are too long together.

        """
        self._values, self._paths, self._files, self._verbatim = values, paths, files, verbatim
        self._readings = {key: read_references(text) for key, text in values.items()}
        self._file_readings = {key: read_references(text) for key, text in files.items()}
        self._budget, self._sizes = DeliveryBudget(), dict[str, int]()
        self._order = self._measure()

    @property
    def size(self) -> int:
        return self._budget.spent

    @property
    def unresolved(self) -> Sequence[UnresolvedReference]:
        return sorted(
            UnresolvedReference(key, name)
            for readings in (self._readings, self._file_readings)
            for key, reading in readings.items()
            for name in reading.names
            if name not in self._sizes
        )

    def expand(self) -> tuple[Mapping[str, str], Mapping[str, str]]:
        """Return the values (for a file, its path) and the contents of files, by key."""
        settled = dict(self._paths)
        for key in self._order:
            settled[key] = expanded(self._values[key], settled)
        # A value that leads into a cycle is not in `settled`, so it replaces no reference.
        circular = {
            key: expanded(text, settled) for key, text in self._values.items() if key not in settled
        }
        files = {key: expanded(text, settled) for key, text in self._files.items()}
        return settled | circular, {**files, **self._verbatim}

    def _measure(self) -> list[str]:
        for key, path in self._paths.items():
            self._sizes[key] = self._budget.spend(key, utf8_size(path))
        for key, content in self._verbatim.items():
            self._budget.spend(key, utf8_size(content))
        order = list(topological_order(self._edges()))
        for key in order:
            self._sizes[key] = self._spend(key, self._values[key], self._readings[key])
        for key, text in self._values.items():
            if key not in self._sizes:
                self._spend(key, text, self._readings[key])
        for key, text in self._files.items():
            self._spend(key, text, self._file_readings[key])
        return order

    def _edges(self) -> Mapping[str, AbstractSet[str]]:
        known = self._values.keys() | self._paths.keys()
        return {key: reading.names.keys() & known for key, reading in self._readings.items()}

    def _spend(self, key: str, text: str, reading: Reading) -> int:
        growth = sum(
            times * (self._sizes[name] - len(name) - _BRACES)
            for name, times in reading.names.items()
            if name in self._sizes
        )
        return self._budget.spend(key, utf8_size(text) + growth - reading.removed)


def utf8_size(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())
