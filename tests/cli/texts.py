"""Texts as callers may store them, for properties; and how long these are searched."""

from collections.abc import Mapping
from typing import Final

from hypothesis import settings
from hypothesis import strategies as st

KEYS: Final = st.from_regex(r"[A-Za-z][A-Za-z0-9_]{0,20}", fullmatch=True)
# Everything that a value may be: no NUL, and no half of a surrogate pair.
ANY_TEXT: Final = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
# What readers trip over comes more often than chance would bring it.
_FRAGMENTS: Final = (
    *(
        "\\",
        '"',
        "'",
        "`",
        "\n",
        "\r",
        "\r\n",
        "\t",
        " ",
        "#",
        " #",
        "$",
        "${A}",
        "{{A}}",
        "=",
        "---",
    ),
    *("\x85", "\u2028", "\ufeff", "é", "\N{ROCKET}", "\\n", "export ", "no", "1e3", "x"),
)
_TRICKY: Final = st.lists(st.sampled_from(_FRAGMENTS)).map("".join)
VALUES: Final = st.one_of(_TRICKY, ANY_TEXT)
VARIABLES: Final[st.SearchStrategy[Mapping[str, str]]] = st.dictionaries(KEYS, VALUES, max_size=8)

# The same examples each time, so that a failure can be run again.
SEARCHED: Final = settings(deadline=None, derandomize=True, database=None, max_examples=300)
