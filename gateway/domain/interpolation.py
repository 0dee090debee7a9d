"""References inside values: `{{KEY}}` is replaced by the value of KEY at delivery.

A delivery has one budget, and its whole length is computed before any text is built.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import Final

from gateway.domain.errors import Argument, InvalidInput

MAX_DELIVERED_KEYS: Final = 5_000
# Of UTF-8, since that is what leaves and what the lengths of ciphertexts tell.
MAX_DELIVERED_BYTES: Final = 8 * 1024 * 1024
_REFERENCE: Final = re.compile(r"\{\{([A-Za-z][A-Za-z0-9_]{0,254})\}\}", re.ASCII)
_BRACES: Final = len("{{}}")


class TooManyKeys(InvalidInput):
    """A service sees more keys than one delivery can have."""

    def __init__(self, key: str) -> None:
        """Name the first key that is too many."""
        super().__init__(
            Argument.HOLDER,
            f"The service sees more than {MAX_DELIVERED_KEYS:,} keys, the most that a delivery can "
            f"have; {key} is the first beyond.",
        )
        self.key = key


class DeliveryTooLarge(InvalidInput):
    """The texts and files of a delivery are longer than one delivery can be."""

    def __init__(self, key: str) -> None:
        """Name the key whose text passes the limit, never a text."""
        super().__init__(
            Argument.HOLDER,
            "A delivery has at most "
            f"{MAX_DELIVERED_BYTES // 1024 // 1024} MiB of texts and files, references expanded; "
            f"{key} passes this limit.",
        )
        self.key = key


class DeliveryBudget:
    """Counts the bytes of one delivery, key by key."""

    def __init__(self) -> None:
        """Start at nothing."""
        self.spent = 0

    def spend(self, key: str, size: int) -> int:
        """Count what a key adds, and return that.

        Raises:
            DeliveryTooLarge: if the delivery does not have room for it.

        """
        self.spent += size
        if self.spent > MAX_DELIVERED_BYTES:
            raise DeliveryTooLarge(key)
        return size


class Interpolator:
    """Expands values and files against one another, each once, in an order without cycles.

    What refers to an unknown name stays as it is; so does what refers into a cycle.
    """

    def __init__(
        self,
        values: Mapping[str, str],
        *,
        paths: Mapping[str, str],
        files: Mapping[str, str],
        verbatim: Mapping[str, str],
    ) -> None:
        """Measure all texts by key; nothing is expanded yet.

        `paths` says where files are, which is text without references. `files` has the contents of
        the files that are expanded, `verbatim` those of the others.

        Raises:
            DeliveryTooLarge: if they are too long together.

        """
        self._values, self._paths, self._files, self._verbatim = values, paths, files, verbatim
        self._budget, self._sizes = DeliveryBudget(), dict[str, int]()
        self._order = self._measure()

    @property
    def size(self) -> int:
        """The bytes of all texts together, once they are expanded."""
        return self._budget.spent

    def expand(self) -> tuple[Mapping[str, str], Mapping[str, str]]:
        """Return the values (a file's is its path) and the files' contents, by key."""
        settled = dict(self._paths)
        for key in self._order:
            settled[key] = _expanded(self._values[key], settled)
        # What leads into a cycle replaces nothing, so it is kept apart from what is settled.
        circular = {
            key: _expanded(text, settled)
            for key, text in self._values.items()
            if key not in settled
        }
        files = {key: _expanded(text, settled) for key, text in self._files.items()}
        return settled | circular, {**files, **self._verbatim}

    def _measure(self) -> list[str]:
        for key, path in self._paths.items():
            self._sizes[key] = self._budget.spend(key, utf8_size(path))
        for key, content in self._verbatim.items():
            self._budget.spend(key, utf8_size(content))
        known = self._values.keys() | self._paths.keys()
        references = {key: _references(text, known) for key, text in self._values.items()}
        order = list(_inside_out(references))
        for key in order:
            self._sizes[key] = self._spend(key, self._values[key], references[key])
        for key, text in self._values.items():
            if key not in self._sizes:
                self._spend(key, text, references[key])
        for key, text in self._files.items():
            self._spend(key, text, _references(text, known))
        return order

    def _spend(self, key: str, text: str, references: Mapping[str, int]) -> int:
        growth = sum(
            times * (self._sizes[name] - len(name) - _BRACES)
            for name, times in references.items()
            if name in self._sizes
        )
        return self._budget.spend(key, utf8_size(text) + growth)


def utf8_size(text: str) -> int:
    """Return the length of a text in bytes of UTF-8."""
    return len(text) if text.isascii() else len(text.encode())


def _references(text: str, known: AbstractSet[str]) -> Mapping[str, int]:
    """Return how often a text refers to each name that is known."""
    counted = Counter(_REFERENCE.findall(text)) if "{{" in text else Counter()
    return {name: times for name, times in counted.items() if name in known}


def _expanded(text: str, settled: Mapping[str, str]) -> str:
    if "{{" not in text:
        return text
    # Every other part is the name of a reference.
    parts = _REFERENCE.split(text)
    parts[1::2] = [settled.get(name, f"{{{{{name}}}}}") for name in parts[1::2]]
    return "".join(parts)


def _inside_out(references: Mapping[str, Mapping[str, int]]) -> Iterator[str]:
    """Give the keys so that each comes after all that it refers to; those in cycles never come."""
    waits_for = {key: references.keys() & named.keys() for key, named in references.items()}
    waiting: dict[str, list[str]] = {key: [] for key in references}
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
