"""References inside values once more: what leads into a cycle stays, the rest is replaced."""

import re
from collections.abc import Callable, Iterable, Mapping

_REFERENCE = re.compile(r"\{\{([A-Z_]+)\}\}")


def expander(texts: Mapping[str, str]) -> Callable[[str], str]:
    def leads_into_a_cycle(key: str, on_the_way: frozenset[str] = frozenset()) -> bool:
        further = on_the_way | {key}
        return key in on_the_way or any(
            leads_into_a_cycle(name, further) for name in _named(texts[key], texts)
        )

    settled = {key for key in texts if not leads_into_a_cycle(key)}

    def expand(text: str) -> str:
        return _REFERENCE.sub(
            lambda found: expand(texts[found[1]]) if found[1] in settled else found[0], text
        )

    return expand


def _named(text: str, texts: Iterable[str]) -> set[str]:
    return set(_REFERENCE.findall(text)) & set(texts)
