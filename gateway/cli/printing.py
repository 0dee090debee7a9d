"""Print results and refusals."""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TextIO

import typer

if TYPE_CHECKING:
    from gateway.domain.holders import Holder, Organization


class Refused(Exception):
    """A command is refused; the message is one line that says why."""

    exit_code = 1


class Misread(Refused):
    """A file is not what it should be."""

    def __init__(self, rule: str, *, position: str = "") -> None:
        super().__init__(f"{position}: {rule}" if position else rule)


PROGRAM = "secrets-gateway"


def say(text: str) -> None:
    """Print lines. What stands in them can be from elsewhere, and moves no cursor."""
    typer.echo("\n".join(map(line_of, text.split("\n"))))


def say_json(result: Mapping[str, Any] | Sequence[Any]) -> None:
    typer.echo(json.dumps(result))


def say_table(rows: Sequence[Sequence[str]]) -> None:
    """Print rows with their columns aligned, the first one as their header; nothing for none."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for number, row in enumerate(rows):
        cells = (text.ljust(width) for text, width in zip(row, widths, strict=True))
        line = line_of("  ".join(cells).rstrip())
        typer.echo(line if number else _on_terminal(line, sys.stdout, bold=True))


def _on_terminal(text: str, stream: TextIO, **style: Any) -> str:  # noqa: ANN401 - as Typer has it
    """Return a text in a style, if a terminal shows it and NO_COLOR (no-color.org) is not set."""
    is_plain = os.environ.get("NO_COLOR") or not stream.isatty()
    return text if is_plain else typer.style(text, **style)


def line_of(text: str) -> str:
    """Return a text from elsewhere as one line that moves no cursor of a terminal."""
    return "".join(c if c.isprintable() else " " for c in text)


def complain(text: str) -> None:
    """Print one line about what stands in the way."""
    program = _on_terminal(f"{PROGRAM}:", sys.stderr, fg="red")
    typer.echo(f"{program} {' '.join(text.split())}", err=True)


def plain(message: str) -> str:
    """Return what Pydantic says, without the name of the error that it had from us."""
    message = message.replace("Extra inputs are not permitted", "There is no such setting.")
    return message.replace("Value error, ", "")


def title_of(holder: "Holder") -> str:
    return f"{holder.kind.label} {holder.name}"


def title_and_id_of(holder: "Holder") -> str:
    """Return a holder's name in a sentence, with the id to find it by."""
    return f"{title_of(holder)} ({holder.id})"


def holder_facts(holder: "Holder") -> dict[str, Any]:
    return {"id": holder.id, "kind": holder.kind.lower(), "name": holder.name}


def organization_facts(organization: "Organization") -> dict[str, Any]:
    return {"id": organization.id, "name": organization.name}


def counted(count: int, noun: str) -> str:
    """Return a number with its noun."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
