"""References inside values: `{{KEY}}` stands for the value of KEY, found at delivery."""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from gateway.domain.errors import BusinessError, ErrorCode

MAX_EXPANDED_LENGTH: Final = 1024 * 1024
_REFERENCE: Final = re.compile(r"\{\{([A-Za-z][A-Za-z0-9_]{0,254})\}\}", re.ASCII)


class ExpansionTooLong(BusinessError):
    """References multiply a value beyond all use."""

    code = ErrorCode.BAD_USER_INPUT

    def __init__(self, key: str) -> None:
        """Name the key; a few lines that double each other fill any memory."""
        super().__init__(
            f"The references in {key} make it longer than {MAX_EXPANDED_LENGTH // 1024} KiB."
        )


class Interpolator:
    """Expands values against one another, each once, in an order in which none waits for itself.

    What refers to an unknown name stays as it is; so does what refers into a cycle.
    """

    def __init__(self, values: Mapping[str, str], *, paths: Mapping[str, str]) -> None:
        """Take the values by key, and where files are, which is no text to replace in.

        Raises:
            ExpansionTooLong: if one would not end well.

        """
        self._settled: dict[str, str] = dict(paths)
        for key in _inside_out(values):
            self._settled[key] = self.text(values[key], of=key)
        # What leads into a cycle is nobody's to replace, so it is kept apart from what is settled.
        self._circular = {
            key: self.text(text, of=key) for key, text in values.items() if key not in self._settled
        }

    def value(self, key: str) -> str:
        """Return a key's value, expanded."""
        return self._settled[key] if key in self._settled else self._circular[key]

    def text(self, text: str, *, of: str) -> str:
        """Return a text, such as a file's content, expanded. `of` is the key that it belongs to.

        Raises:
            ExpansionTooLong: if it would not end well.

        """
        parts, length, at = [], 0, 0
        for reference in _REFERENCE.finditer(text):
            found = self._settled.get(reference[1], reference[0])
            parts += [text[at : reference.start()], found]
            length += reference.start() - at + len(found)
            at = reference.end()
            if length > MAX_EXPANDED_LENGTH:
                raise ExpansionTooLong(of)
        return "".join([*parts, text[at:]])


def _inside_out(values: Mapping[str, str]) -> Iterator[str]:
    """Give the keys so that each comes after all that it refers to; those in cycles never come."""
    waits_for = {key: set(_REFERENCE.findall(text)) & values.keys() for key, text in values.items()}
    waiting: dict[str, list[str]] = {key: [] for key in values}
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
