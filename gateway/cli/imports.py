"""`import`: the secrets of a file, each told what became of it."""

import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Annotated, Any, Final

import typer

from gateway.cli.import_files import Entry, ImportFormat, format_of, read_entries
from gateway.cli.options import AsJson, AtHolder, DryRun
from gateway.cli.printing import complain, counted, holder_facts, named, say, say_json
from gateway.cli.reading import read_text, shown_name
from gateway.cli.refusals import Misread, Refused
from gateway.cli.running import operator_at, run
from gateway.domain.content import ensure_key_syntax
from gateway.domain.drafts import HolderReference, SecretDraft, WriteTerms
from gateway.domain.errors import InvalidInput
from gateway.runtime import Runtime
from gateway.services.imports import (
    MAX_ROWS,
    ImportAction,
    ImportedRow,
    ImportReport,
    ImportRow,
)

# A shorter import is done before one could read a bar.
_LONG: Final = 50


class TooManySecrets(Refused):
    """A file has more secrets than one transaction takes."""

    def __init__(self, count: int) -> None:
        """Name both numbers."""
        super().__init__(
            f"the file has {count} secrets; at most {MAX_ROWS} are imported at once, all in one "
            "transaction: part the file."
        )


def import_file(
    file: Annotated[str, typer.Argument(help="File with the secrets; - is standard input.")],
    holder: AtHolder,
    format: Annotated[  # noqa: A002 - the option's name
        ImportFormat | None, typer.Option(help="How it is written, if its name does not tell.")
    ] = None,
    *,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace values that the holder has already.")
    ] = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Import the secrets of a dotenv, JSON or YAML file, in one transaction."""
    entries = _read(file, format or format_of(file))
    report = _imported(entries, holder, overwrite=overwrite, dry_run=dry_run)
    tell = _tell_json if as_json else _tell
    tell(entries, report, dry_run=dry_run)
    failed = sum(row.action is ImportAction.FAILED for row in report.rows)
    if failed:
        complain(f"{failed} of {counted(len(entries), 'secret')} could not be imported.")
        raise typer.Exit(1)


def _read(file: str, written: ImportFormat) -> Sequence[Entry]:
    try:
        entries = read_entries(read_text(file), written)
    except Misread as misread:
        message = f"{shown_name(file)}: {misread}"
        raise Refused(message) from None
    if len(entries) > MAX_ROWS:
        raise TooManySecrets(len(entries))
    return entries


def _imported(
    entries: Sequence[Entry], holder: HolderReference, *, overwrite: bool, dry_run: bool
) -> ImportReport:
    rows = [ImportRow(SecretDraft(key=entry.key, value=entry.value)) for entry in entries]

    async def work(runtime: Runtime) -> ImportReport:
        viewer = await operator_at(runtime, holder.id)
        is_hidden = len(rows) < _LONG or not sys.stderr.isatty()
        with typer.progressbar(
            length=len(rows), label="Importing", hidden=is_hidden, file=sys.stderr
        ) as bar:
            return await runtime.services.imports.run(
                viewer=viewer,
                at=holder,
                rows=_Watched(rows, bar.update),
                overwrite=overwrite,
                terms=WriteTerms(dry_run=dry_run),
            )

    return run(work)


class _Watched(list[ImportRow]):
    """Rows that tell when the next one is taken."""

    def __init__(self, rows: Sequence[ImportRow], on_next: Callable[[int], None]) -> None:
        super().__init__(rows)
        self._on_next = on_next

    def __iter__(self) -> Iterator[ImportRow]:
        for row in super().__iter__():
            yield row
            self._on_next(1)


def _tell(entries: Sequence[Entry], report: ImportReport, *, dry_run: bool) -> None:
    for number, (entry, row) in enumerate(zip(entries, report.rows, strict=True), start=1):
        reason = f"  {row.error.message}" if row.error else ""
        say(f"{row.action.lower():<10}  {_shown_key(entry, number)}{reason}")
    sums = Counter(row.action for row in report.rows)
    summary = ", ".join(f"{sums[action]} {action.lower()}" for action in ImportAction)
    say(f"{named(report.holder)}: {summary}.")
    if dry_run:
        say("Dry run: nothing was changed.")


def _tell_json(entries: Sequence[Entry], report: ImportReport, *, dry_run: bool) -> None:
    sums = Counter(row.action for row in report.rows)
    say_json(
        {
            "holder": holder_facts(report.holder),
            "dry_run": dry_run,
            "rows": [
                _row_facts(entry, number, row)
                for number, (entry, row) in enumerate(
                    zip(entries, report.rows, strict=True), start=1
                )
            ],
            "summary": {action.lower(): sums[action] for action in ImportAction},
        }
    )


def _row_facts(entry: Entry, number: int, row: ImportedRow) -> dict[str, Any]:
    return {
        "entry": number,
        "key": entry.key if _is_key(entry.key) else None,
        "action": row.action.lower(),
        "id": row.secret.id if row.secret else None,
        "error": {"code": row.error.code, "message": row.error.message} if row.error else None,
    }


def _shown_key(entry: Entry, number: int) -> str:
    # What is no key may be a value in the wrong place.
    return entry.key if _is_key(entry.key) else f"(entry {number})"


def _is_key(text: str) -> bool:
    try:
        ensure_key_syntax(text)
    except InvalidInput:
        return False
    return True
