r"""References inside texts: `{{KEY}}` is a reference, and `\{{KEY}}` is the text `{{KEY}}`.

Directly before `{{`, two backslashes become one. An odd one escapes `{{` and is removed, even if no
key follows. So `\\{{KEY}}` is a backslash and a reference.
"""

import re
from collections import Counter
from collections.abc import Hashable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Final, TypeVar

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


def with_renamed(text: str, former: str, name: str) -> str:
    """Return a text with the references to a former name renamed, otherwise unchanged."""

    def replace(token: re.Match[str]) -> str:
        return f"{{{{{name}}}}}" if token[_NAME] == former else token[0]

    return _TOKEN.sub(replace, text)


def inside_out(references: Mapping[Name, AbstractSet[Name]]) -> Iterator[Name]:
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
