"""Options that commands share, and what they read from files and terminals."""

import codecs
import getpass
import sys
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer

from gateway.cli.printing import Misread, Refused
from gateway.domain.content import MAX_VALUE_BYTES
from gateway.domain.scopes import SERVICE_SCOPES, Scope

_SERVICES: Final = {kind.lower(): kind for kind in SERVICE_SCOPES}


def service_kind(text: str) -> Scope:
    """Read `job`."""
    if text not in _SERVICES:
        message = f"a kind of service is one of {', '.join(_SERVICES)}."
        raise typer.BadParameter(message)
    return _SERVICES[text]


_UNITS: Final = {"s": 1, "m": 60, "h": 60 * 60, "d": 24 * 60 * 60}
_MAX_SECONDS: Final = 3_650 * _UNITS["d"]


def duration(text: str) -> timedelta:
    """Read `30m`, `1h` or `90d`."""
    number, unit = text[:-1], text[-1:]
    is_number = number.isascii() and number.isdigit() and len(number) < len(str(_MAX_SECONDS))
    seconds = int(number) * _UNITS[unit] if is_number and unit in _UNITS else 0
    if not 0 < seconds <= _MAX_SECONDS:
        message = "a duration is a number with s, m, h or d, such as 30m or 90d; at most 3650d."
        raise typer.BadParameter(message)
    return timedelta(seconds=seconds)


def moment(text: str) -> datetime:
    """Read `90d`, which is so long ago, or the day `2026-08-31`, in UTC."""
    if text[-1:] in _UNITS:
        return datetime.now(UTC) - duration(text)
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        message = "a time is a duration such as 90d, or a day such as 2026-08-31."
        raise typer.BadParameter(message) from None


AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Tell what would happen; change nothing.")]
KeepCreated = Annotated[
    bool, typer.Option("--keep-created", help="Leave the tokens valid that were created by it.")
]
WithContent = Annotated[
    bool, typer.Option("--with-content", help="Delete what is below it and all secrets, too.")
]
OrganizationName = Annotated[
    str, typer.Option("--organization", help="The organization's name or id.")
]
ServiceId = Annotated[str, typer.Option("--service", metavar="ID", help="The service's id.")]


class OnUnresolved(StrEnum):
    KEEP = "keep"
    FAIL = "fail"


WhenUnresolved = Annotated[
    OnUnresolved,
    typer.Option(
        "--on-unresolved",
        help="What to do with a reference that leads to no key: keep its text, or fail.",
    ),
]
ServiceToExport = Annotated[
    str | None, typer.Option("--service", metavar="ID", help="The service's id.")
]
InProject = Annotated[
    str | None, typer.Option("--project", help="The name or id of the project that it is in.")
]
InEnvironment = Annotated[
    str | None,
    typer.Option("--environment", help="The name or id of the environment that it is in."),
]
OfKind = Annotated[
    Scope | None,
    typer.Option(
        "--kind", parser=service_kind, metavar="KIND", help=f"One of {', '.join(_SERVICES)}."
    ),
]
ServiceKind = Annotated[
    Scope,
    typer.Option("--kind", parser=service_kind, metavar="KIND", help="What it is, e.g. job."),
]
ValueFile = Annotated[
    Path | None,
    typer.Option(help="File with the value; standard input if not given.", dir_okay=False),
]
Exact = Annotated[
    bool, typer.Option("--exact", help="Keep a line end at the value's end; else it is taken off.")
]


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
