"""Print what an import did with each row of a file."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Final

import typer

from gateway.cli.import_files import Entry, ImportFormat, format_of, read_entries
from gateway.cli.options import name_to_show, read_text
from gateway.cli.printing import Misread, Refused, complain, counted, line_of, say, say_json
from gateway.domain.content import is_key

MAX_ENTRIES: Final = 1_000


FileToImport = Annotated[
    str, typer.Argument(metavar="FILE", help="File with the secrets; - is standard input.")
]
FormatOfFile = Annotated[
    ImportFormat | None,
    typer.Option("--format", help="How it is written, if its name does not tell."),
]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Replace values that the holder has already.")
]


class Outcome(StrEnum):
    CREATED = "created"
    UPDATED = "updated"
    OVERRIDDEN = "overridden"
    SKIPPED = "skipped"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class RowReport:
    entry: Entry
    outcome: Outcome
    secret_id: str | None = None
    # The code and the message of an error, or of why a row is left alone.
    error: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class ImportReport:
    """Where a file was imported, as facts about the holder, and what happened to its rows."""

    holder: Mapping[str, str]
    rows: Sequence[RowReport]


class TooManySecrets(Refused):
    def __init__(self, count: int) -> None:
        super().__init__(
            f"the file has {count} secrets; at most {MAX_ENTRIES} are imported at once, all in one "
            "transaction: part the file."
        )


def read_file(file: str, written: ImportFormat | None) -> Sequence[Entry]:
    """Return the secrets of a file, or of standard input for `-`.

    Raises:
        Refused: naming the file and the line.

    """
    written = written or format_of(file)
    try:
        entries = read_entries(read_text(file), written)
    except Misread as misread:
        message = f"{name_to_show(file)}: {misread}"
        raise Refused(message) from None
    if len(entries) > MAX_ENTRIES:
        raise TooManySecrets(len(entries))
    return entries


def print_report(report: ImportReport, *, dry_run: bool, as_json: bool) -> None:
    """Print the report; fail if a row failed."""
    sums = Counter(row.outcome for row in report.rows)
    if as_json:
        _print_json(report, sums, dry_run=dry_run)
    else:
        _print_lines(report, sums, dry_run=dry_run)
    if failed := sums[Outcome.FAILED]:
        complain(f"{failed} of {counted(len(report.rows), 'secret')} could not be imported.")
        raise typer.Exit(1)


def _print_lines(report: ImportReport, sums: Mapping[Outcome, int], *, dry_run: bool) -> None:
    for row in report.rows:
        reason = f"  {line_of(row.error[1])}" if row.error else ""
        say(f"{row.outcome:<10}  {_key_to_show(row.entry)}{reason}")
    summary = ", ".join(f"{sums[outcome]} {outcome}" for outcome in Outcome)
    holder = report.holder
    title = f"{holder['kind'].replace('_', ' ')} {line_of(holder['name'])} ({holder['id']})"
    say(f"{title}: {summary}.")
    if dry_run:
        say("Dry run: nothing was changed.")


def _print_json(report: ImportReport, sums: Mapping[Outcome, int], *, dry_run: bool) -> None:
    say_json(
        {
            "holder": report.holder,
            "dry_run": dry_run,
            "rows": [_row_facts(number, row) for number, row in enumerate(report.rows, start=1)],
            "summary": {outcome: sums[outcome] for outcome in Outcome},
        }
    )


def _row_facts(number: int, row: RowReport) -> dict[str, Any]:
    return {
        "entry": number,
        "place": row.entry.position,
        "key": row.entry.key if is_key(row.entry.key) else None,
        "action": row.outcome,
        "id": row.secret_id,
        "error": {"code": row.error[0], "message": row.error[1]} if row.error else None,
    }


def _key_to_show(entry: Entry) -> str:
    # What is not a key can be a value by mistake.
    return entry.key if is_key(entry.key) else f"({entry.position})"
