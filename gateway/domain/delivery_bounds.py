"""Refuse a delivery by what is known of its texts before they are opened."""

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, field

from gateway.domain.interpolation import DeliveryBudget, inside_out


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredText:
    """What is known of a sealed text: its bytes, and the names that its expansion follows.

    `name_hashes` joins the keyed hash of each name, once, however often the text refers to it.
    """

    key: str
    size: int
    is_file: bool
    name_hashes: bytes = field(repr=False)


def ensure_can_fit(
    texts: Mapping[bytes, StoredText], *, hash_bytes: int, has_all_references: bool
) -> None:
    """Refuse a delivery whose sealed texts, by the hashes of their keys, are certainly too long.

    Raises:
        DeliveryTooLarge: if they are too long together as they are, or once expanded.

    """
    sealed, least = DeliveryBudget(), DeliveryBudget()
    for text in texts.values():
        sealed.spend(text.key, text.size)
    if has_all_references:
        for key, size in least_sizes(texts, hash_bytes):
            least.spend(key, size)


def least_sizes(texts: Mapping[bytes, StoredText], hash_bytes: int) -> Iterator[tuple[str, int]]:
    """Yield for each key at most the bytes that an `Interpolator` counts.

    A text with references becomes at least as long as what these lead to. Removed backslashes
    shorten any other text by less than half. The paths of files are not counted.
    """
    names = {own: _known_names(text.name_hashes, hash_bytes, texts) for own, text in texts.items()}
    least: dict[bytes, int] = {}

    def measure(own: bytes) -> int:
        text = texts[own]
        referred = sum(least.get(name, 0) for name in names[own])
        return referred if text.name_hashes else (text.size + 1) // 2

    # A reference to a file becomes its path.
    for own in inside_out({own: names[own] for own, text in texts.items() if not text.is_file}):
        least[own] = measure(own)
        yield texts[own].key, least[own]
    for own in texts.keys() - least.keys():
        yield texts[own].key, measure(own)


def _known_names(hashes: bytes, size: int, known: Container[bytes]) -> set[bytes]:
    each = (hashes[start : start + size] for start in range(0, len(hashes), size))
    return {name for name in each if name in known}
