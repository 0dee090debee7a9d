"""A real client takes a 400 whose detail has the word "exist" for "not found"."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import gateway

WORD = "exist"
ROOT = Path(gateway.__file__).parent
MODULES = sorted(
    path
    for folder in ("domain", "services", "storage", "http", "rest", "../schema")
    for path in (ROOT / folder).glob("*.py")
)


def _messages(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if _is_message(node):
            yield from _texts(node)


def _is_message(node: ast.AST) -> bool:
    if isinstance(node, ast.Assign | ast.AnnAssign):
        return isinstance(node.value, ast.Constant)
    handed_up = isinstance(node, ast.Call) and ast.unparse(node.func) == "super().__init__"
    return handed_up or isinstance(node, ast.Raise | ast.Return)


def _texts(node: ast.AST) -> Iterator[str]:
    for part in ast.walk(node):
        if isinstance(part, ast.Constant) and isinstance(part.value, str):
            # A text with a brace is a GraphQL document; one without a space is a field's name.
            yield from [part.value] if " " in part.value and "{" not in part.value else []


@pytest.mark.rule("E4")
def test_no_message_has_the_word() -> None:
    found = [(path, text) for path in MODULES for text in _messages(path.read_text())]

    assert len(found) > len(MODULES)
    assert [(path, text) for path, text in found if WORD in text.lower()] == []


@pytest.mark.parametrize(
    "source",
    [
        'raise Refused(f"{key} exists already.")',
        'def f():\n    return "It exists already."',
        'class Fault(StrEnum):\n    TAKEN = "It exists already."',
        'class Taken(E):\n    def __init__(self):\n        super().__init__("It exists already.")',
        'MESSAGE: Final = "It exists already."',
    ],
    ids=["raised", "returned", "member", "handed up", "constant"],
)
def test_the_search_finds_a_message_wherever_it_is_written(source: str) -> None:
    """The control of the test above."""
    assert [text for text in _messages(source) if WORD in text]


def test_the_search_passes_over_what_is_written_for_readers_of_the_code() -> None:
    source = 'def f():\n    """Tell whether it exists."""\n    # It exists.\n    return exists()\n'

    assert list(_messages(source)) == []
