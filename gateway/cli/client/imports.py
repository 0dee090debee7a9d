"""`import`: the secrets of a file, over the API."""

from collections.abc import Collection, Iterator, Sequence
from typing import Final

import typer

from gateway.cli.client.documents import IMPORT_SECRETS
from gateway.cli.client.holders import AtPath, FoundHolder, argument_of, chosen_holder, facts_of
from gateway.cli.client.secret_rows import visible_secrets
from gateway.cli.client.transport import Data, Gateway, connect, raise_first
from gateway.cli.delivered import is_path_of_file
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
from gateway.cli.printing import complain, line_of
from gateway.domain.refusals import MountPathAsValue

_WHY: Final = MountPathAsValue()
_LEFT_ALONE: Final = _WHY.code, _WHY.message


def import_file(
    context: typer.Context,
    file: FileToImport,
    at: AtPath = None,
    form: FormatOfFile = None,
    *,
    overwrite: Overwrite = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    entries = read_file(file, form)
    gateway = connect(context)
    holder = chosen_holder(context, gateway, at)
    left_alone = _paths_of_files(gateway, holder, entries)
    rows = [entry for entry in entries if entry.key not in left_alone]
    sent = [{"key": entry.key, "value": entry.value} for entry in rows]
    options = {"overwrite": overwrite, "dryRun": dry_run}
    data = gateway.run(IMPORT_SECRETS, holder=argument_of(holder), secrets=sent, **options)
    payload = data["importSecrets"]
    if payload["holder"] is None:
        raise_first(payload["errors"])
    for warning in payload["warnings"]:
        complain(f"{_row_of(warning, rows).key}: {line_of(warning['message'])}")
    report = ImportReport(facts_of(payload["holder"]), list(_reports(entries, rows, payload)))
    print_report(report, dry_run=dry_run, as_json=as_json)


def _reports(entries: Sequence[Entry], rows: Sequence[Entry], payload: Data) -> Iterator[RowReport]:
    errors = {_row_of(error, rows): error for error in payload["errors"]}
    sent = {
        entry.key: RowReport(
            entry,
            Outcome(row["action"].lower()),
            row["secret"] and row["secret"]["id"],
            (errors[entry]["code"], errors[entry]["message"]) if entry in errors else None,
        )
        for entry, row in zip(rows, payload["rows"], strict=True)
    }
    for entry in entries:
        yield sent.get(entry.key) or RowReport(entry, Outcome.SKIPPED, error=_LEFT_ALONE)


def _row_of(notice: Data, rows: Sequence[Entry]) -> Entry:
    """Return the row that an error or a warning is about: its path is `secrets`, its number, …."""
    return rows[int(notice["path"][1])]


def _paths_of_files(
    gateway: Gateway, holder: FoundHolder, entries: Sequence[Entry]
) -> Collection[str]:
    """Return the keys whose values are only paths of files, whose content is elsewhere."""
    mounted = {
        secret["key"]: secret["mountPath"]
        for secret in visible_secrets(gateway, holder)
        if secret["mountPath"]
    }
    return {
        entry.key
        for entry in entries
        if entry.is_mount_path
        or (entry.key in mounted and is_path_of_file(entry.value, mounted[entry.key]))
    }
