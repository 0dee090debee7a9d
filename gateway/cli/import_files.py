"""The files that secrets are imported from: keys and values in clear, in three spellings."""

import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import PurePath
from types import MappingProxyType
from typing import Any, Final, NoReturn

from dotenv.parser import parse_stream

from gateway.cli import yaml_nodes
from gateway.cli.refusals import Misread, Refused


class ImportFormat(StrEnum):
    """How a file with secrets is written."""

    DOTENV = "dotenv"
    JSON = "json"
    YAML = "yaml"


_SUFFIXES: Final[Mapping[str, ImportFormat]] = MappingProxyType(
    {
        ".env": ImportFormat.DOTENV,
        ".json": ImportFormat.JSON,
        ".yaml": ImportFormat.YAML,
        ".yml": ImportFormat.YAML,
    }
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One secret of a file. The key may be anything, even a value in the wrong place."""

    key: str = field(repr=False)
    value: str = field(repr=False)


class UnknownFormat(Refused):
    """The file's name does not tell how it is written."""

    def __init__(self) -> None:
        """Say what to do."""
        super().__init__(
            f"give the --format: one of {', '.join(ImportFormat)}; the name does not tell it."
        )


def format_of(path: str) -> ImportFormat:
    """Return how a file is written, by its name: `.env` and `live.env` are dotenv.

    Raises:
        UnknownFormat: if its name does not tell.

    """
    name = PurePath(path)
    try:
        return _SUFFIXES[name.suffix.lower() or name.name.lower()]
    except KeyError:
        raise UnknownFormat from None


def read_entries(text: str, written: ImportFormat) -> Sequence[Entry]:
    """Return the secrets of a file, in their order.

    Raises:
        Misread: naming the place, never what stands there.

    """
    return _READERS[written](text)


def _dotenv(text: str) -> Sequence[Entry]:
    found: list[tuple[str, str, str]] = []
    # Line ends as a file that is opened as text has them, for which the parser was made.
    for binding in parse_stream(io.StringIO(text, newline=None)):
        place = f"line {binding.original.line}"
        if binding.error or (binding.key is not None and binding.value is None):
            rule = "this is no KEY=value."
            raise Misread(rule, place=place)
        if binding.key is not None:
            found.append((place, binding.key, binding.value or ""))
    return _distinct(found)


def _json(text: str) -> Sequence[Entry]:
    try:
        pairs = json.loads(
            text,
            object_pairs_hook=_Pairs,
            # Numbers stay as they are written.
            parse_int=str,
            parse_float=str,
            parse_constant=_refuse_constant,
        )
    except json.JSONDecodeError as error:
        rule = "this is not JSON."
        raise Misread(rule, place=f"line {error.lineno}") from None
    except RecursionError:
        pairs = None
    if not isinstance(pairs, _Pairs):
        rule = "this is not one JSON object of keys and values."
        raise Misread(rule)
    places = (f"entry {number}" for number in range(1, len(pairs) + 1))
    return _distinct(
        (place, key, _json_text(under, place))
        for place, (key, under) in zip(places, pairs, strict=True)
    )


def _json_text(value: object, place: str) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str):
        rule = "a value is a text; write an empty one as two quotes."
        raise Misread(rule, place=place)
    return value


class _Pairs(list[tuple[str, Any]]):
    """A JSON object with all its entries, also those that have the same key."""


def _refuse_constant(_: str) -> NoReturn:
    rule = "NaN and Infinity are not JSON."
    raise Misread(rule)


def _yaml(text: str) -> Sequence[Entry]:
    rule = "a value is a text; write an empty one as two quotes."
    root = yaml_nodes.composed(text)
    return [
        Entry(
            yaml_nodes.text_of(key, rule="a key is a text."), yaml_nodes.text_of(under, rule=rule)
        )
        for key, under in yaml_nodes.entries(root, rule="this is no mapping of keys to values.")
    ]


def _distinct(found: Iterable[tuple[str, str, str]]) -> Sequence[Entry]:
    entries: dict[str, Entry] = {}
    for place, key, value in found:
        if key in entries:
            rule = "this key stands here for the second time."
            raise Misread(rule, place=place)
        entries[key] = Entry(key, value)
    return list(entries.values())


_READERS: Final[Mapping[ImportFormat, Callable[[str], Sequence[Entry]]]] = MappingProxyType(
    {ImportFormat.DOTENV: _dotenv, ImportFormat.JSON: _json, ImportFormat.YAML: _yaml}
)
