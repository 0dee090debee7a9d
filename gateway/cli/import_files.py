"""Read files of secrets to import.

PyYAML's own loaders would make `no` a boolean and `0123` a number, keep the last of two equal keys,
and quote the file in their messages.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import PurePath
from typing import Final

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from gateway.cli.dotenv_reader import read_dotenv
from gateway.cli.printing import Misread, Refused
from gateway.domain.env_files import marked_files
from gateway.domain.strict_json import JsonFault, Pairs, RefusedJson, read_json

_PREFIX: Final = "tag:yaml.org,2002:"
_NULL: Final = f"{_PREFIX}null"
# What PyYAML takes plain text for; any other tag was written by hand and means something else.
_TEXT_TAGS: Final = frozenset(
    _PREFIX + name for name in ("str", "int", "float", "bool", "timestamp", "value")
)


def composed(text: str) -> Node | None:
    """Return the root of the one document in a text; None if there is none.

    Raises:
        Misread: if it is no YAML, or more than a tree.

    """
    try:
        return _Loader(text).get_single_node()
    except RecursionError:
        rule = "this is nested too deeply."
        raise Misread(rule) from None
    except yaml.MarkedYAMLError as error:
        rule = "this is not one YAML document."
        mark = error.problem_mark or error.context_mark
        raise Misread(rule, position=f"line {mark.line + 1}" if mark else "") from None
    except yaml.YAMLError:
        rule = "there are characters that YAML does not have."
        raise Misread(rule) from None


def entries(node: Node | None, *, rule: str) -> Iterator[tuple[ScalarNode, Node]]:
    """Give the entries of a mapping; nothing at all is an empty one.

    Raises:
        Misread: with the rule if it is no mapping, and for a key that is no text or stands twice.

    """
    if is_empty(node):
        return
    if not isinstance(node, MappingNode):
        raise Misread(rule, position=line(node))
    seen: set[str] = set()
    for key, under in node.value:
        name = text_of(key, rule="a key is a text.")
        if name in seen:
            twice = "this key stands here for the second time."
            raise Misread(twice, position=line(key))
        seen.add(name)
        yield key, under


def items(node: Node | None, *, rule: str) -> Iterator[Node]:
    """Give the items of a sequence; nothing at all is an empty one.

    Raises:
        Misread: if it is not; the message is the rule.

    """
    if is_empty(node):
        return
    if not isinstance(node, SequenceNode):
        raise Misread(rule, position=line(node))
    yield from node.value


def text_of(node: Node, *, rule: str) -> str:
    """Return a text as it is written.

    Raises:
        Misread: if it is not; the message is the rule.

    """
    if not isinstance(node, ScalarNode) or node.tag not in _TEXT_TAGS:
        raise Misread(rule, position=line(node))
    return str(node.value)


def is_empty(node: Node | None) -> bool:
    return node is None or node.tag == _NULL


def line(node: Node | None) -> str:
    return f"line {node.start_mark.line + 1}" if node else "line 1"


class _Loader(yaml.SafeLoader):
    """Builds the tree, without anchors, aliases and merge keys."""

    def compose_node(self, parent: Node | None, index: int) -> Node | None:
        """Refuse what would make a tree of a few lines as large as memory."""
        if self.check_event(yaml.AliasEvent):
            rule = "anchors, aliases and merge keys cannot be used: write the text out."
            event = self.peek_event()  # type: ignore[no-untyped-call] # the stubs leave it out
            raise Misread(rule, position=f"line {event.start_mark.line + 1}")
        return super().compose_node(parent, index)


class ImportFormat(StrEnum):
    DOTENV = "dotenv"
    JSON = "json"
    YAML = "yaml"


_SUFFIXES: Final[Mapping[str, ImportFormat]] = {
    "json": ImportFormat.JSON,
    "yaml": ImportFormat.YAML,
    "yml": ImportFormat.YAML,
}
# `.env.production` and `live.env` are dotenv; direnv's file is, as far as its lines are rows.
_DOTENV: Final = "env"
_DIRENV: Final = ".envrc"
# What is between two members of a JSON object, and between a key and its value.
_JSON_GAP: Final = re.compile(r"[\s,:]*")
_NO_JSON_OBJECT: Final = "this is not one JSON object of keys and values."
_JSON_FAULTS: Final = {
    JsonFault.NOT_JSON: "this is not JSON.",
    JsonFault.NOT_A_NUMBER: "NaN and Infinity are not JSON.",
    JsonFault.TOO_DEEP: _NO_JSON_OBJECT,
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One secret of a file. The key may be anything, even a value by mistake."""

    key: str = field(repr=False)
    value: str = field(repr=False)
    position: str
    # The file says that the value is only where a file secret is mounted.
    is_mount_path: bool = False


class UnknownFormat(Refused):
    def __init__(self) -> None:
        super().__init__(
            f"give the --format: one of {', '.join(ImportFormat)}; the name does not say it."
        )


def format_of(path: str) -> ImportFormat:
    """Return how a file is written, by its name: `.env`, `live.env`, `.env.local` are dotenv.

    Raises:
        UnknownFormat: if its name does not say.

    """
    name = PurePath(path).name.lower()
    _, *parts = name.split(".")
    if parts and parts[-1] in _SUFFIXES:
        return _SUFFIXES[parts[-1]]
    if name == _DIRENV or _DOTENV in parts:
        return ImportFormat.DOTENV
    raise UnknownFormat


def read_entries(text: str, written: ImportFormat) -> Sequence[Entry]:
    """Return the secrets of a file, in their order.

    Raises:
        Misread: naming the position, never the text.

    """
    entries = _READERS[written](text)
    paths = marked_files(text)
    return [replace(entry, is_mount_path=paths.get(entry.key) == entry.value) for entry in entries]


def _dotenv(text: str) -> Sequence[Entry]:
    return _distinct(Entry(row.key, row.value, f"line {row.line}") for row in read_dotenv(text))


def _json(text: str) -> Sequence[Entry]:
    try:
        # Numbers stay as they are written.
        pairs = read_json(text, to_object=Pairs, to_integer=str, to_float=str)
    except RefusedJson as refused:
        position = f"line {refused.line}" if refused.line else ""
        raise Misread(_JSON_FAULTS[refused.fault], position=position) from None
    if not isinstance(pairs, Pairs):
        raise Misread(_NO_JSON_OBJECT)
    return _distinct(
        Entry(key, _json_text(value, position), position)
        for position, (key, value) in zip(_json_positions(text), pairs, strict=True)
    )


def _json_positions(text: str) -> Iterator[str]:
    """Yield the position of each member of a JSON object."""
    decoder = json.JSONDecoder(parse_int=str, parse_float=str)
    position, line, number = text.index("{") + 1, 1 + text.count("\n", 0, text.index("{")), 0
    while True:
        start = _gap_end(text, position)
        if text[start] == "}":
            return
        line, number = line + text.count("\n", position, start), number + 1
        yield f"line {line}, entry {number}"
        _, end = decoder.raw_decode(text, start)
        _, position = decoder.raw_decode(text, _gap_end(text, end))
        line += text.count("\n", start, position)


def _gap_end(text: str, position: int) -> int:
    gap = _JSON_GAP.match(text, position)
    return gap.end() if gap else position


def _json_text(value: object, position: str) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str):
        rule = "a value is a text; write an empty one as two quotes."
        raise Misread(rule, position=position)
    return value


def _yaml(text: str) -> Sequence[Entry]:
    rule = "a value is a text; write an empty one as two quotes."
    root = composed(text)
    return [
        Entry(text_of(key, rule="a key is a text."), text_of(under, rule=rule), line(key))
        for key, under in entries(root, rule="this is no mapping of keys to values.")
    ]


def _distinct(found: Iterable[Entry]) -> Sequence[Entry]:
    entries: dict[str, Entry] = {}
    for entry in found:
        if entry.key in entries:
            rule = "this key is here for the second time."
            raise Misread(rule, position=entry.position)
        entries[entry.key] = entry
    return list(entries.values())


_READERS: Final[Mapping[ImportFormat, Callable[[str], Sequence[Entry]]]] = {
    ImportFormat.DOTENV: _dotenv,
    ImportFormat.JSON: _json,
    ImportFormat.YAML: _yaml,
}
