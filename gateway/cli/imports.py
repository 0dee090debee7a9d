"""`import`: the secrets of a file, into the database of this host."""

import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Final

import typer

from gateway.cli.delivered import is_path_of_file
from gateway.cli.host_options import AtHolder
from gateway.cli.import_files import Entry
from gateway.cli.import_reports import (
    FileToImport,
    FormatOfFile,
    ImportReport,
    Outcome,
    Overwrite,
    RowReport,
    print_report,
    read_file,
)
from gateway.cli.options import AsJson, DryRun
from gateway.cli.printing import holder_facts
from gateway.cli.running import operator_at, run
from gateway.domain.drafts import HolderReference, SecretDraft, WriteOptions
from gateway.domain.principals import Principal
from gateway.domain.refusals import MountPathAsValue
from gateway.runtime import Runtime
from gateway.services.imports import ImportAction, ImportedRow, ImportRow

# A shorter import is done before one could read a bar.
_LONG: Final = 50
# The error says why the row is skipped; nothing failed.
_LEFT_ALONE: Final = ImportedRow(ImportAction.SKIPPED, error=MountPathAsValue())


def import_file(
    file: FileToImport,
    holder: AtHolder,
    form: FormatOfFile = None,
    *,
    overwrite: Overwrite = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    entries = read_file(file, form)
    report = _import_rows(entries, holder, overwrite=overwrite, dry_run=dry_run)
    print_report(report, dry_run=dry_run, as_json=as_json)


def _import_rows(
    entries: Sequence[Entry], at: HolderReference, *, overwrite: bool, dry_run: bool
) -> ImportReport:
    async def work(runtime: Runtime) -> ImportReport:
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
        return ImportReport(
            holder_facts(report.holder),
            [_row_report(entry, imported.get(entry.key, _LEFT_ALONE)) for entry in entries],
        )

    return run(work)


def _row_report(entry: Entry, row: ImportedRow) -> RowReport:
    return RowReport(
        entry,
        Outcome(row.action.lower()),
        row.secret.id if row.secret else None,
        (row.error.code, row.error.message) if row.error else None,
    )


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
