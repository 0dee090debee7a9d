"""The table of limits says what holds."""

import re
from pathlib import Path

import pytest

from gateway.graphql.limits import LIMITS

_TEXT = (Path(__file__).parents[2] / "docs" / "graphql.md").read_text()


@pytest.mark.rule("S23")
def test_the_table_has_every_limit_and_its_bound() -> None:
    section = _TEXT.partition("## Limits")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| ([a-z ]+) \| ([\d,]+) \|$", section, re.MULTILINE)

    assert rows == [(limit.value, f"{most:,}") for limit, most in LIMITS.items()]
