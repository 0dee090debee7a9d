"""References inside values once more: what leads into a cycle stays, the rest is replaced."""

import re
from collections.abc import Callable, Iterator, Mapping

_REFERENCE = re.compile(r"\{\{([A-Z_]+)\}\}")


def tokens(text: str) -> Iterator[tuple[str, str | None]]:
    """Cut a text into what is delivered as it is, and names of references; one step at a time."""
    at = 0
    while at < len(text):
        slashes = len(text[at:]) - len(text[at:].lstrip("\\"))
        rest = text[at + slashes :]
        if slashes and rest.startswith("{{"):
            yield "\\" * (slashes // 2) + "{{" * (slashes % 2), None
            at += slashes + 2 * (slashes % 2)
        elif slashes:
            yield "\\" * slashes, None
            at += slashes
        elif found := _REFERENCE.match(text, at):
            yield found[0], found[1]
            at = found.end()
        else:
            yield text[at], None
            at += 1


def names_in(text: str) -> set[str]:
    """Return the names that a text refers to."""
    return {name for _, name in tokens(text) if name}


def expander(texts: Mapping[str, str]) -> Callable[[str], str]:
    named = {key: names_in(text) & texts.keys() for key, text in texts.items()}

    def leads_into_a_cycle(key: str, on_the_way: frozenset[str] = frozenset()) -> bool:
        further = on_the_way | {key}
        return key in on_the_way or any(leads_into_a_cycle(name, further) for name in named[key])

    settled = {key for key in texts if not leads_into_a_cycle(key)}

    def expand(text: str) -> str:
        return "".join(
            expand(texts[name]) if name in settled else plain for plain, name in tokens(text)
        )

    return expand
