"""Each documented rule is shown by a test, and each mark of a test names a documented rule."""

import pytest

from tests.contracts.rules import documented, faults, marked, shown

_MARKED = '''
pytestmark = [pytest.mark.browser, pytest.mark.rule("A1")]

@pytest.mark.rule("A2", "A3")
async def test_something() -> None:
    """It names A4."""
'''


def test_rules_and_marks_agree() -> None:
    is_open = documented(with_open=True).keys() - documented().keys()

    assert faults(documented(), shown().keys() - is_open) == []


def test_all_rules_are_found() -> None:
    """Or the test above would compare nothing."""
    rules = documented(with_open=True)
    statements = [rule for rule in rules if rule.startswith("S")]

    assert len(rules) - len(statements) == 50
    assert set(statements) == {f"S{number}" for number in range(1, 82)}


def test_mark_counts_and_a_mention_does_not() -> None:
    found = [("A1", ""), ("A2", "test_something"), ("A3", "test_something")]

    assert list(marked(_MARKED)) == found


@pytest.mark.parametrize(
    ("marks", "fault"),
    [({"A1"}, "No test shows A2."), ({"A1", "A2", "Z9"}, "No document states Z9.")],
)
def test_difference_is_found(marks: set[str], fault: str) -> None:
    """The control: one rule without a test, and one mark without a rule."""
    assert faults({"A1", "A2"}, marks) == [fault]
