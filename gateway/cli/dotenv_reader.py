"""Reading dotenv files.

There is no standard: python-dotenv, Node, Docker Compose and shells read some rows differently.
What they agree on is read that way; a row that is another value to one of them is refused by its
line, except where `docs/cli.md` says which reading is taken.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from gateway.cli.printing import Misread

_SPACE: Final = r"[^\S\n]*"
_SKIPPED: Final = re.compile(rf"{_SPACE}(?:#[^\n]*)?(?:\n|\Z)")
_END: Final = _SKIPPED
_KEY: Final = re.compile(
    rf"{_SPACE}(?:export[^\S\n]+)?([A-Za-z0-9_][A-Za-z0-9_.-]*){_SPACE}=({_SPACE})", re.ASCII
)
_UNQUOTED: Final = re.compile(r"[^\n]*")
_COMMENT: Final = re.compile(r"\s+#.*")
_QUOTED: Final[Mapping[str, re.Pattern[str]]] = {
    "'": re.compile(r"'([^']*)'"),
    "`": re.compile(r"`([^`]*)`"),
    '"': re.compile(r'"((?:\\.|[^"\\])*)"', re.DOTALL),
}

_ESCAPE: Final = re.compile(r"\\(.)", re.DOTALL)
_ESCAPED: Final[Mapping[str, str]] = {"\\": "\\", '"': '"', "n": "\n", "r": "\r", "$": "$"}
# Each of these is another text to at least one reader.
_DISPUTED: Final = frozenset("abcfvt0'`\n")
_WINDOWS_PATH: Final = re.compile(r"[A-Za-z]:\\[^\\]")

# A line of base64 is cut at 64 or 76 characters, or a little below.
_SHORTEST_CUT: Final = 48
_BASE64: Final = re.compile(r"[A-Za-z0-9+/_-]+", re.ASCII)
_HEX: Final = re.compile(r"[0-9a-f]+|[0-9A-F]+")
_BASE64_UNIT: Final = 4


@dataclass(frozen=True, slots=True)
class DotenvRow:
    line: int
    key: str = field(repr=False)
    value: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Scanned:
    row: DotenvRow
    end: int
    is_quoted: bool


def read_dotenv(text: str) -> Iterator[DotenvRow]:
    """Give the rows of a dotenv text in their order.

    Raises:
        Misread: for a line that is no row, or that readers of dotenv disagree about.

    """
    text = re.sub("\r\n?", "\n", text)
    position, line, above = 0, 1, None
    while position < len(text):
        if skipped := _SKIPPED.match(text, position):
            position, line, above = skipped.end(), line + 1, None
            continue
        found = _scan(text, position, line)
        if above:
            _ensure_apart(above, found)
        yield found.row
        line += text.count("\n", position, found.end)
        position, above = found.end, found


def _scan(text: str, position: int, line: int) -> _Scanned:
    start = _KEY.match(text, position)
    if start is None:
        raise _refuse(line, "this is no KEY=value.")
    key, space = start.groups()
    quoted = _QUOTED.get(text[start.end() : start.end() + 1])
    if quoted is None:
        raw = _UNQUOTED.match(text, start.end())
        end = raw.end() if raw else start.end()
        value = _unquote(text[start.end() : end], line, is_spaced=bool(space))
        return _Scanned(DotenvRow(line, key, value), end + 1, is_quoted=False)
    found = quoted.match(text, start.end())
    end_of_row = _END.match(text, found.end()) if found else None
    if found is None or end_of_row is None:
        raise _refuse(line, "the quotes around this value are not closed, or text follows them.")
    is_double = quoted is _QUOTED['"']
    value = _double_quoted(found[1], line) if is_double else _literal(found[1], line)
    return _Scanned(DotenvRow(line, key, value), end_of_row.end(), is_quoted=True)


def _unquote(raw: str, line: int, *, is_spaced: bool) -> str:
    if is_spaced and raw.startswith("#"):
        return ""
    value = _COMMENT.sub("", raw).rstrip()
    if value and not value.strip("="):
        raise _refuse(line, "only `=` follows the key: write a value in one line, or in quotes.")
    if "\\$" in value or value.endswith("\\"):
        raise _refuse(
            line,
            r"some readers take the backslash in `\$` and at the end of a line for more than a "
            "character: put the value in quotes.",
        )
    return value


def _literal(raw: str, line: int) -> str:
    """Return what is between single quotes or backticks, where nothing is an escape."""
    if "\\\\" in raw or raw.endswith("\\"):
        raise _refuse(
            line,
            r"readers disagree about `\\` and a last `\` here: use double quotes and write `\\` "
            "for each backslash.",
        )
    return raw


def _double_quoted(raw: str, line: int) -> str:
    letters = set(_ESCAPE.findall(raw))
    if letters & _DISPUTED:
        raise _refuse(
            line,
            r"in double quotes, only the escapes `\\`, `\"`, `\n`, `\r` and `\$` are read: use "
            r"single quotes, or write `\\` for a backslash.",
        )
    is_mixed = "\\" in letters and letters - _ESCAPED.keys()
    if is_mixed or _WINDOWS_PATH.match(raw):
        raise _refuse(
            line,
            r"some backslashes here are escapes and some are not: use single quotes, or write "
            r"`\\` for each backslash.",
        )
    return _ESCAPE.sub(lambda found: _ESCAPED.get(found[1], found[0]), raw)


def _ensure_apart(above: _Scanned, found: _Scanned) -> None:
    """Refuse a row that is the end of a base64 text which was cut into lines.

    Its padding looks like a row without a value. The end is then a key, which lists show in clear.
    """
    head, tail = above.row.value, found.row.key
    is_end = (
        not (above.is_quoted or found.is_quoted or found.row.value)
        and len(head) >= _SHORTEST_CUT
        and (len(head) + len(tail) + 1) % _BASE64_UNIT == 0
        and _BASE64.fullmatch(head)
        and not _HEX.fullmatch(head)
    )
    if is_end:
        raise _refuse(
            found.row.line,
            "this can be the end of the value above: write that in one line, or an empty value "
            "here as two quotes.",
        )


def _refuse(line: int, rule: str) -> Misread:
    return Misread(rule, position=f"line {line}")
