"""Every statement of the threat model is held by a test that names it, or told as open."""

import re
from functools import cache
from pathlib import Path

import pytest

from tests.contracts.walking import docstrings_of_tests

_ROOT = Path(__file__).parents[2]
_TEXT = (_ROOT / "docs" / "threat-model.md").read_text()
_STATEMENTS = re.findall(r"^\| (S\d+) \| (.*) \|$", _TEXT, re.MULTILINE)
_HELD = [number for number, words in _STATEMENTS if " Open: " not in words]


@cache
def _named() -> set[str]:
    # Only the process that runs these tests reads all of them.
    return set(re.findall(r"\bS\d+\b", docstrings_of_tests(of_modules=True)))


@pytest.mark.parametrize("statement", _HELD)
def test_statement_is_named_by_a_test(statement: str) -> None:
    assert statement in _named()


def test_the_document_has_all_statements_and_the_search_misses_what_is_not_there() -> None:
    assert [number for number, _ in _STATEMENTS] == [f"S{number}" for number in range(1, 81)]
    assert "S81" not in _named()
