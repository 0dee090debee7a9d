"""Every rule of the document is held by a test that names it."""

import re
from functools import cache
from pathlib import Path

import pytest

from tests.contracts.walking import docstrings_of_tests

_ROOT = Path(__file__).parents[2]
_RULES = re.findall(r"^\| ([A-Z]\d) \|", (_ROOT / "docs" / "rules.md").read_text(), re.MULTILINE)


@cache
def _named() -> set[str]:
    # Only the process that runs these tests reads all of them.
    return set(re.findall(r"\b[A-Z]\d\b", docstrings_of_tests()))


@pytest.mark.parametrize("rule", _RULES)
def test_rule_is_named_by_a_test(rule: str) -> None:
    assert rule in _named()


def test_document_has_all_rules_and_the_search_misses_what_is_not_there() -> None:
    assert len(_RULES) == 41
    assert "Z9" not in _named()
