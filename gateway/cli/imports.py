"""`import`: the secrets of a file, and the outcome of each."""

import sys
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final

import typer

from gateway.cli.delivered import is_path_of_file
from gateway.cli.import_files import Entry, ImportFormat, format_of, read_entries
from gateway.cli.options import AsJson, AtHolder, DryRun, name_to_show, read_text
from gateway.cli.printing import (
    Misread,
    Refused,
    complain,
    counted,
    holder_facts,
    say,
    say_json,
    title_and_id_of,
)
from gateway.cli.running import operator_at, run
from gateway.domain.content import is_key
from gateway.domain.drafts import HolderReference, SecretDraft, WriteOptions
from gateway.domain.holders import Holder
from gateway.domain.principals import Principal
from gateway.domain.refusals import MountPathAsValue
from gateway.runtime import Runtime
from gateway.services.imports import MAX_ROWS, ImportAction, ImportedRow, ImportRow

# A shorter import is done before one could read a bar.
_LONG: Final = 50


# The error says why the row is skipped; nothing failed.
_LEFT_ALONE: Final = ImportedRow(ImportAction.SKIPPED, error=MountPathAsValue())


@dataclass(frozen=True, slots=True)
class _Outcome:
    entry: Entry
    row: ImportedRow


@dataclass(frozen=True, slots=True)
class _Report:
    holder: Holder
    outcomes: Sequence[_Outcome]

    @property
    def sums(self) -> Counter[ImportAction]:
        """How often each happened."""
        return Counter(outcome.row.action for outcome in self.outcomes)


class TooManySecrets(Refused):
    def __init__(self, count: int) -> None:
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
    entries = _read(file, format or format_of(file))
    report = _import_rows(entries, holder, overwrite=overwrite, dry_run=dry_run)
    print_report = _report_json if as_json else _report
    print_report(report, dry_run=dry_run)
    failed = sum(outcome.row.action is ImportAction.FAILED for outcome in report.outcomes)
    if failed:
        complain(f"{failed} of {counted(len(entries), 'secret')} could not be imported.")
        raise typer.Exit(1)


def _read(file: str, written: ImportFormat) -> Sequence[Entry]:
    try:
        entries = read_entries(read_text(file), written)
    except Misread as misread:
        message = f"{name_to_show(file)}: {misread}"
        raise Refused(message) from None
    if len(entries) > MAX_ROWS:
        raise TooManySecrets(len(entries))
    return entries


def _import_rows(
    entries: Sequence[Entry], at: HolderReference, *, overwrite: bool, dry_run: bool
) -> _Report:
    async def work(runtime: Runtime) -> _Report:
        operator = await operator_at(runtime, at.id)
        paths = await _paths_of_files(runtime, operator, entries)
        values = [entry for entry in entries if entry.key not in paths]
        rows = [ImportRow(SecretDraft(key=entry.key, value=entry.value)) for entry in values]
        is_hidden = len(rows) < _LONG or not sys.stderr.isatty()
        with typer.progressbar(
            length=len(rows), label="Importing", hidden=is_hidden, file=sys.stderr
        ) as bar:
            report = await runtime.services.for_principal(operator).imports.run(
                holder_reference=at,
                rows=_Watched(rows, bar.update),
                overwrite=overwrite,
                options=WriteOptions(dry_run=dry_run),
            )
        imported = {entry.key: row for entry, row in zip(values, report.rows, strict=True)}
        return _Report(
            report.holder, [_Outcome(item, imported.get(item.key, _LEFT_ALONE)) for item in entries]
        )

    return run(work)


async def _paths_of_files(
    runtime: Runtime, operator: Principal, entries: Sequence[Entry]
) -> Collection[str]:
    """Return the keys whose values are not values: the paths of files, whose content is elsewhere.

    An export marks them. One without marks is known by what the organization has.
    """
    mounted = await runtime.operator.directory.mount_paths(
        organization_id=operator.organization_id, keys={entry.key for entry in entries}
    )
    return {
        item.key
        for item in entries
        if item.is_mount_path
        or any(is_path_of_file(item.value, path) for path in mounted.get(item.key, ()))
    }


class _Watched(list[ImportRow]):
    """Rows that tell when the next one is taken."""

    def __init__(self, rows: Sequence[ImportRow], on_next: Callable[[int], None]) -> None:
        super().__init__(rows)
        self._on_next = on_next

    def __iter__(self) -> Iterator[ImportRow]:
        for row in super().__iter__():
            yield row
            self._on_next(1)


def _report(report: _Report, *, dry_run: bool) -> None:
    for outcome in report.outcomes:
        error = outcome.row.error
        reason = f"  {error.message}" if error else ""
        say(f"{outcome.row.action.lower():<10}  {_key_to_show(outcome.entry)}{reason}")
    sums = report.sums
    summary = ", ".join(f"{sums[action]} {action.lower()}" for action in ImportAction)
    say(f"{title_and_id_of(report.holder)}: {summary}.")
    if dry_run:
        say("Dry run: nothing was changed.")


def _report_json(report: _Report, *, dry_run: bool) -> None:
    sums = report.sums
    say_json(
        {
            "holder": holder_facts(report.holder),
            "dry_run": dry_run,
            "rows": [
                _row_facts(number, outcome)
                for number, outcome in enumerate(report.outcomes, start=1)
            ],
            "summary": {action.lower(): sums[action] for action in ImportAction},
        }
    )


def _row_facts(number: int, outcome: _Outcome) -> dict[str, Any]:
    entry, row = outcome.entry, outcome.row
    return {
        "entry": number,
        "place": entry.position,
        "key": entry.key if is_key(entry.key) else None,
        "action": row.action.lower(),
        "id": row.secret.id if row.secret else None,
        "error": {"code": row.error.code, "message": row.error.message} if row.error else None,
    }


def _key_to_show(entry: Entry) -> str:
    # What is not a key can be a value by mistake.
    return entry.key if is_key(entry.key) else f"({entry.position})"
