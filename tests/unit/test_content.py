"""What a caller may write: the rules of keys, values, descriptions, names and mount paths."""

import re
import sys
import unicodedata
from collections.abc import Callable
from functools import cache
from string import ascii_letters, digits
from unicodedata import category

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain import content
from gateway.domain.errors import Argument, GatewayError, InvalidInput

KEY = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,254}")
LIMIT = content.MAX_VALUE_BYTES


def _accepts(ensure: Callable[[str], None], text: str) -> bool:
    try:
        ensure(text)
    except InvalidInput:
        return False
    return True


keys = st.builds(
    str.__add__,
    st.sampled_from(ascii_letters),
    st.text(alphabet=f"{ascii_letters}{digits}_", max_size=254),
)


@pytest.mark.rule("C2")
@given(keys.filter(lambda key: not key.upper().startswith("QOVERY_")))
def test_every_key_of_the_rule_is_accepted(key: str) -> None:
    content.ensure_key(key)


@pytest.mark.rule("C2")
@given(st.text(max_size=300).filter(lambda text: not KEY.fullmatch(text)))
def test_every_other_text_is_no_key(text: str) -> None:
    assert not _accepts(content.ensure_key, text)


@pytest.mark.rule("C2")
@given(st.text(max_size=20).filter(lambda text: not text.isascii()))
def test_no_unicode_twin_of_a_key_is_a_key(text: str) -> None:
    """What only becomes ASCII when it is normalized stays refused."""
    twins = {unicodedata.normalize(form, text) for form in ("NFC", "NFD")} - {
        unicodedata.normalize("NFKC", text)
    }

    assert not any(_accepts(content.ensure_key, f"A{twin}") for twin in twins if twin)


@pytest.mark.rule("C2")
@pytest.mark.parametrize("prefix", ["QOVERY_", "qovery_", "Qovery_", "qOvErY_"])
def test_the_platforms_prefix_is_reserved_in_any_case(prefix: str) -> None:
    key = f"{prefix}KEY"

    assert not _accepts(content.ensure_key, key)
    # A built-in secret's key may have it.
    assert _accepts(content.ensure_key_syntax, key)


@pytest.mark.rule("C2")
@pytest.mark.parametrize("key", ["QOVERY", "QOVERYX", "MY_QOVERY_KEY", "Q"])
def test_a_key_that_only_resembles_the_reserved_prefix_is_free(key: str) -> None:
    assert _accepts(content.ensure_key, key)


@pytest.mark.rule("C9")
@given(st.text(alphabet=st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_any_text_without_nul_is_a_value(value: str) -> None:
    content.ensure_value(value)


@pytest.mark.rule("C9")
@pytest.mark.parametrize(
    ("character", "size"),
    [("a", 1), ("é", 2), ("€", 3), ("\N{OLD KEY}", 4)],
    ids=["one byte", "two bytes", "three bytes", "four bytes"],
)
def test_a_value_is_measured_in_bytes_of_utf8(character: str, size: int) -> None:
    longest = character * (LIMIT // size) + "x" * (LIMIT % size)

    assert len(longest.encode()) == LIMIT
    assert _accepts(content.ensure_value, longest)
    assert not _accepts(content.ensure_value, f"{longest}x")


UNSTORABLE = ["\0", "a\0b", "\ud800", "\udfff", "a\udc80"]
CHECKS = [
    content.ensure_value,
    content.ensure_description,
    content.ensure_name,
    content.ensure_mount_path,
    content.ensure_key,
]


@pytest.mark.rule("C9")
@pytest.mark.parametrize("text", UNSTORABLE, ids=ascii)
@pytest.mark.parametrize("ensure", CHECKS)
def test_what_not_every_database_can_hold_is_refused(
    ensure: Callable[[str], None], text: str
) -> None:
    assert not _accepts(ensure, f"/a{text}")


@pytest.mark.rule("C8")
@pytest.mark.parametrize("ensure", CHECKS)
@given(st.text(max_size=400))
def test_any_text_is_either_accepted_or_refused_as_invalid_input(
    ensure: Callable[[str], None], text: str
) -> None:
    """A rule has no third outcome."""
    _accepts(ensure, text)


@pytest.mark.parametrize("ensure", CHECKS)
def test_a_refusal_never_quotes_the_text(ensure: Callable[[str], None]) -> None:
    with pytest.raises(GatewayError) as refused:
        ensure("marker-7f3a\0")

    assert "marker-7f3a" not in str(refused.value)


@pytest.mark.rule("C1")
def test_a_description_has_at_most_255_characters() -> None:
    assert _accepts(content.ensure_description, "é" * 255)
    assert not _accepts(content.ensure_description, "é" * 256)
    assert _accepts(content.ensure_description, "")


@pytest.mark.parametrize(
    "name", ["", " ", " shop", "shop ", "\tshop", "shop\n", "a\x7fb", "x" * 256]
)
def test_a_name_that_cannot_be_reported_is_refused(name: str) -> None:
    assert not _accepts(content.ensure_name, name)


@pytest.mark.parametrize("name", ["a", "x" * 255, "a shop", "магазин", "shop/1"])
def test_any_other_name_is_accepted(name: str) -> None:
    assert _accepts(content.ensure_name, name)


@pytest.mark.rule("C9")
@given(st.text(alphabet="/.a\n\0é ", max_size=12))
def test_an_accepted_mount_path_stays_where_it_says(path: str) -> None:
    """Whatever is accepted is absolute and has no part that leads elsewhere."""
    parts = path.split("/")

    is_accepted = _accepts(content.ensure_mount_path, path)

    is_plain = parts[0] == "" and len(parts) > 1 and not {"", ".", ".."} & set(parts[1:])
    assert is_accepted == (is_plain and "\n" not in path and "\0" not in path)


def test_a_refusal_names_the_argument() -> None:
    with pytest.raises(InvalidInput) as refused:
        content.ensure_mount_path("relative")

    assert refused.value.argument is Argument.MOUNT_PATH


UNSEEN_CATEGORIES = {"Cc", "Cf", "Cs", "Zl", "Zp"}


@cache
def _unseen() -> frozenset[str]:
    characters = map(chr, range(sys.maxunicode + 1))
    return frozenset(
        character for character in characters if category(character) in UNSEEN_CATEGORIES
    )


def _refused(ensure: Callable[[str], None]) -> set[str]:
    """Return each character that is refused between two letters.

    The characters of a text that is accepted are all accepted, so only those of a refused text
    are tried one by one.
    """
    seen = "".join(item for item in map(chr, range(sys.maxunicode + 1)) if item not in _unseen())
    together = (seen[at : at + 253] for at in range(0, len(seen), 253))
    doubtful = {item for text in together if not _accepts(ensure, f"a{text}b") for item in text}
    return {item for item in doubtful | _unseen() if not _accepts(ensure, f"a{item}b")}


@pytest.mark.rule("S72")
def test_names_refuse_every_character_that_is_not_seen_and_no_other() -> None:
    refused = _refused(content.ensure_name)

    assert refused == _unseen()
    assert {"\u202e", "\u200b", "\u2066", "\u2028", "\u2029", "\ufeff", "\n", "\t"} < refused


@pytest.mark.rule("S72")
def test_descriptions_refuse_the_same_but_for_line_breaks_and_tabs() -> None:
    refused = _refused(content.ensure_description)

    assert refused == _unseen() - {"\n", "\t"}
    assert _accepts(content.ensure_description, "one\r\ntwo\n\tthree")
    # Alone it moves a terminal back to the line's beginning.
    assert not _accepts(content.ensure_description, "one\rtwo")


@pytest.mark.rule("S72")
@given(st.text(alphabet=st.characters(categories=["L", "M", "N", "P", "S"]), max_size=255))
def test_any_text_that_is_seen_is_a_description(text: str) -> None:
    """The control."""
    content.ensure_description(text)
