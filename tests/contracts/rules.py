"""Which documented rule is shown by which tests: `make rules` lists it."""

import ast
import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

_ROOT: Final = Path(__file__).parents[2]
_DOCUMENTS: Final = ("rules.md", "divergences.md", "threat-model.md")
_ROW: Final = re.compile(r"^\| ([A-Z]\d+) \| (.*) \|$", re.MULTILINE)
# A statement of the threat model that does not hold yet says so.
_OPEN: Final = " Open: "
_TESTS: Final = (ast.FunctionDef, ast.AsyncFunctionDef)


def documented(*, with_open: bool = False) -> Mapping[str, str]:
    """Return each rule's words by its id; those that are open only if asked for."""
    texts = [(_ROOT / "docs" / name).read_text() for name in _DOCUMENTS]
    # The words of the first document, which states the rule, win over a divergence.
    rows = [row for text in reversed(texts) for row in reversed(_ROW.findall(text))]
    return {rule: words for rule, words in rows if with_open or _OPEN not in words}


def shown() -> Mapping[str, list[str]]:
    """Return the tests that are marked with each rule; a file's name if all of it is."""
    found = defaultdict[str, list[str]](list)
    for path in sorted((_ROOT / "tests").rglob("test_*.py")):
        for rule, test in marked(path.read_text()):
            found[rule].append("::".join(filter(None, (str(path.relative_to(_ROOT)), test))))
    return found


def marked(text: str) -> Iterator[tuple[str, str]]:
    """Yield each mark of a module: the rule and the test, which is empty for the whole module."""
    for node in ast.parse(text).body:
        if isinstance(node, _TESTS):
            yield from ((rule, node.name) for mark in node.decorator_list for rule in _rules(mark))
        elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "pytestmark":
            yield from ((rule, "") for rule in _rules(node.value))


def _rules(expression: ast.expr) -> Iterator[str]:
    for node in ast.walk(expression):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.rule":
            yield from map(ast.literal_eval, node.args)


def faults(rules: Iterable[str], marks: Iterable[str]) -> list[str]:
    """Return what is wrong between the documented rules and the marks of tests."""
    expected, actual = set(rules), set(marks)
    without = [f"No test shows {rule}." for rule in sorted(expected - actual)]
    return without + [f"No document states {rule}." for rule in sorted(actual - expected)]


def report() -> str:
    """Return each rule's words, and the tests below them."""
    rules, tests = documented(with_open=True), shown()
    lines: list[str] = []
    for rule in sorted(rules, key=lambda name: (name[0], int(name[1:]))):
        lines += [f"{rule}  {rules[rule]}", *(f"    {test}" for test in tests.get(rule, ["none"]))]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.stdout.write(report() + "\n")
