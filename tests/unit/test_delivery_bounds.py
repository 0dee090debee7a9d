"""What is counted of a delivery before its texts are opened is at most what they become."""

from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.domain.delivery_sizes import StoredText, ensure_can_fit, least_sizes
from gateway.domain.interpolation import (
    DeliveryTooLarge,
    Interpolator,
    read_references,
    utf8_size,
)

LONG = "s3cr3t--" * 8 * 1024
MULTIPLIED = {"A": LONG} | {f"K{number}": "{{A}}" * 16 for number in range(500)}
# A reference to a long key is longer than most values.
KEYS = ("A", "B", "LONG_KEY", "ANOTHER_LONG_KEY")
FILES = ("FILE", "VERBATIM")
PARTS = (
    *(f"{{{{{key}}}}}" for key in (*KEYS, *FILES)),
    "{{UNKNOWN}}",
    "\\{{A}}",
    "\\\\\\\\\\{{A}}",
    "\\\\\\\\{{B}}",
    "x",
    "long text",
)
TEXTS = st.just("") | st.lists(st.sampled_from(PARTS), max_size=4).map("".join)
HASH_BYTES = 16


def _hash(name: str) -> bytes:
    return name.encode().ljust(HASH_BYTES)[:HASH_BYTES]


def _stored(key: str, text: str, *, is_file: bool = False) -> tuple[bytes, StoredText]:
    names = b"" if key == "VERBATIM" else b"".join(map(_hash, read_references(text).names))
    stored = StoredText(key=key, size=utf8_size(text), is_file=is_file, name_hashes=names)
    return _hash(key), stored


def _stored_texts(texts: Mapping[str, str]) -> Mapping[bytes, StoredText]:
    return dict(_stored(key, text, is_file=key in FILES) for key, text in texts.items())


def _ensure_can_fit(texts: Mapping[str, str], *, has_all_references: bool = True) -> None:
    stored = _stored_texts(texts)
    ensure_can_fit(stored, hash_bytes=HASH_BYTES, has_all_references=has_all_references)


@pytest.mark.rule("S63")
@settings(max_examples=1_000)
@given(st.fixed_dictionaries(dict.fromkeys((*KEYS, *FILES), TEXTS)))
def test_what_is_counted_before_texts_are_opened_is_at_most_what_they_become(
    texts: dict[str, str],
) -> None:
    """Whatever leads to files, into cycles or to unknown names, and whatever is an escape."""
    interpolator = Interpolator(
        {key: texts[key] for key in KEYS},
        paths=dict.fromkeys(FILES, "/"),
        files={"FILE": texts["FILE"]},
        verbatim={"VERBATIM": texts["VERBATIM"]},
    )

    least = list(least_sizes(_stored_texts(texts), HASH_BYTES))

    assert sorted(key for key, _ in least) == sorted(texts)
    assert sum(size for _, size in least) <= interpolator.size


REFUSED: Mapping[str, Mapping[str, str]] = {
    "a long value, many times": MULTIPLIED,
    "a long value by way of others": {"A": LONG}
    | {f"K{number}": "{{L}}" for number in range(500)}
    | {"L": "{{A}}"},
    "values that double each other": {"A": "x", "B": "x" * 15}
    | {"K0": "{{A}}{{B}}", "K1": "{{A}}{{B}}"}
    | {f"K{number}": f"{{{{K{number - 1}}}}}{{{{K{number - 2}}}}}" for number in range(2, 100)},
    "what is too long as it is": {f"K{number}": LONG for number in range(129)},
}


@pytest.mark.rule("S63")
@pytest.mark.parametrize("texts", REFUSED.values(), ids=REFUSED)
def test_what_is_certainly_too_long_is_refused_before_it_is_opened(
    texts: Mapping[str, str],
) -> None:
    """What a bound that never counts anything would not do."""
    with pytest.raises(DeliveryTooLarge, match=r"K\d+ exceeds"):
        _ensure_can_fit(texts)


@pytest.mark.rule("S63")
def test_nothing_is_refused_for_references_that_are_not_known_yet() -> None:
    """A value without known references may lead into a cycle, and then stays text."""
    _ensure_can_fit(MULTIPLIED, has_all_references=False)
