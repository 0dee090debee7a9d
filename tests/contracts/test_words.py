"""The words of `words.toml` are in no name and in no text that people read."""

import ast
import io
import re
import tokenize
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
_LIST: Final = tomllib.loads((Path(__file__).parent / "words.toml").read_text())
IDENTIFIERS: Final[Mapping[str, str]] = _LIST["identifiers"]
PROSE: Final[Mapping[str, str]] = _LIST["prose"]
ALLOWED: Final[Mapping[str, list[str]]] = _LIST["allowed"]
_PARTS: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_CODE_IN_TEXT: Final = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)


def _python(*tops: str) -> list[Path]:
    found = [path for top in tops for path in sorted((ROOT / top).rglob("*.py"))]
    return [path for path in found if "node_modules" not in path.parts]


NAMED: Final = _python("gateway", "schema", "tests")
# Migrations are never edited once they are released.
WRITTEN: Final = [path for path in _python("gateway", "schema") if "versions" not in path.parts]
PAGES: Final = sorted([*ROOT.glob("docs/**/*.md"), *ROOT.glob("*.md")])


def _tokens(source: str) -> Iterator[tokenize.TokenInfo]:
    return tokenize.generate_tokens(io.StringIO(source).readline)


def names_in(source: str) -> set[str]:
    """Return the names that Python source has or uses."""
    return {token.string for token in _tokens(source) if token.type == tokenize.NAME}


def banned_names(names: set[str], allowed: list[str]) -> dict[str, str]:
    """Return the names that have a part which is not used, each with what to write instead."""
    return {
        name: IDENTIFIERS[part.lower()]
        for name in sorted(names)
        for part in _PARTS.findall(name)
        if part.lower() in IDENTIFIERS and part.lower() not in allowed
    }


def prose_in(source: str) -> str:
    """Return what people read of Python source: comments, docstrings and other texts."""
    comments = [token.string for token in _tokens(source) if token.type == tokenize.COMMENT]
    texts = [
        node.value
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    return "\n".join([*comments, *(text for text in texts if " " in text)])


def banned_phrases(text: str) -> dict[str, str]:
    """Return the phrases of a text that are not used, each with what to write instead."""
    plain = " ".join(_CODE_IN_TEXT.sub("", text).replace("#", " ").split())
    return {
        found[0]: instead
        for phrase, instead in PROSE.items()
        for found in re.finditer(phrase, plain, re.IGNORECASE if "none" not in phrase else 0)
    }


@cache
def _relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_names_are_the_fields_words() -> None:
    banned = {
        _relative(path): found
        for path in NAMED
        if (
            found := banned_names(
                names_in(path.read_text()) | {path.stem, path.parent.name},
                ALLOWED.get(_relative(path), []),
            )
        )
    }

    assert banned == {}


def test_texts_in_the_code_are_plain_english() -> None:
    banned = {
        _relative(path): found
        for path in WRITTEN
        if (found := banned_phrases(prose_in(path.read_text())))
    }

    assert banned == {}


def test_pages_are_plain_english() -> None:
    banned = {
        _relative(path): found
        for path in PAGES
        if path.name != "CHANGELOG.md" and (found := banned_phrases(path.read_text()))
    }

    assert banned == {}


@pytest.mark.parametrize("word", IDENTIFIERS)
def test_control_a_banned_part_of_a_name_is_found(word: str) -> None:
    source = f"def _{word}_json(it: {word.title()}Case) -> None: pass"

    assert set(banned_names(names_in(source), [])) == {f"_{word}_json", f"{word.title()}Case"}
    assert banned_names(names_in(source), [word]) == {}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Whoever asks is told.", {"Whoever", "told"}),
        ("A key that\n# is to be found", {"is to be"}),
        ("It holds no more.", {"no more"}),
        ("It holds no more than ten.", set()),
        ("`told` is a name", set()),
        ("if x is None", set()),
        ("The cursor is none of this list.", {"is none"}),
    ],
)
def test_control_a_banned_phrase_is_found(text: str, found: set[str]) -> None:
    assert set(banned_phrases(text)) == found
