"""Read a command's input: files, standard input, and values without an echo."""

import codecs
import getpass
import sys
from pathlib import Path
from typing import Final

from gateway.cli.refusals import Misread, Refused
from gateway.domain.content import MAX_VALUE_BYTES

STANDARD_INPUT: Final = "-"
# Room for a line end, and for one byte more than is allowed.
_MAX_OF_A_VALUE: Final = MAX_VALUE_BYTES + 3


def read_text(path: str) -> str:
    """Return the text of a file, or of standard input for `-`.

    Raises:
        Misread: if it is not UTF-8.
        OSError: if there is none.

    """
    stream = sys.stdin.buffer.read() if path == STANDARD_INPUT else Path(path).read_bytes()
    return _decode(stream.removeprefix(codecs.BOM_UTF8))


def name_to_show(path: str) -> str:
    return "standard input" if path == STANDARD_INPUT else Path(path).name


def read_value(path: Path | None, *, exact: bool) -> str:
    """Return a value from a file, from standard input, or typed without being shown.

    One line end after it is no part of it, unless `exact`.

    Raises:
        Misread: if it is not UTF-8.
        OSError: if there is no such file.

    """
    if path is None and sys.stdin.isatty():
        return _read_prompt()
    if path is None:
        stream = sys.stdin.buffer.read(_MAX_OF_A_VALUE)
    else:
        with path.open("rb") as file:
            stream = file.read(_MAX_OF_A_VALUE)
    return _decode(stream if exact else _without_line_end(stream))


def _read_prompt() -> str:
    try:
        return getpass.getpass("Value: ")
    except EOFError:
        message = "no value was given."
        raise Refused(message) from None


def _without_line_end(stream: bytes) -> bytes:
    return stream.removesuffix(b"\n").removesuffix(b"\r") if stream.endswith(b"\n") else stream


def _decode(stream: bytes) -> str:
    try:
        return stream.decode()
    except UnicodeDecodeError as error:
        rule = "this is not UTF-8."
        raise Misread(rule, position=f"byte {error.start + 1}") from None
