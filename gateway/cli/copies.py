"""Commands that look after the data: a check-up, backups, and putting one back."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.options import AsJson
from gateway.cli.printing import counted, say, say_json
from gateway.cli.running import settings
from gateway.config.settings import Settings
from gateway.domain.errors import RefusedStart
from gateway.ops import recovery
from gateway.ops.doctor import Finding, State, examine, examine_copy
from gateway.storage.dialects.copies import copy_online

_WORDS = {State.WELL: "well ", State.DOUBT: "doubt", State.FAULT: "FAULT"}


def backup(
    file: Annotated[Path, typer.Argument(help="The new file; none may be there.", dir_okay=False)],
    *,
    as_json: AsJson = False,
) -> None:
    read = settings()
    copy_online(recovery.database_file(read), file)
    if as_json:
        say_json({"file": str(file), "keyFile": str(read.resolved_key_file)})
        return
    say(f"Wrote {file}.")
    say(f"The key file {read.resolved_key_file} is not in it: keep a copy of that, elsewhere.")


def restore(
    file: Annotated[Path, typer.Argument(help="The backup.", dir_okay=False)],
    *,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Put the database that is there aside.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    read = settings()
    done = asyncio.run(recovery.restore(read, file, overwrite=overwrite))
    if as_json:
        kept = str(done.kept) if done.kept else None
        say_json({"projects": done.projects, "kept": kept})
        return
    say(f"Restored {file}; a value of each of {counted(done.projects, 'project')} opens.")
    if done.kept:
        say(f"The database that was there is now {done.kept}.")


def doctor(
    copy: Annotated[
        Path | None, typer.Option("--copy", help="Look at this copy of a database alone.")
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    read = settings()
    findings = [examine_copy(copy)] if copy else asyncio.run(_collect_findings(read))
    if as_json:
        say_json(
            [
                {"check": item.check, "state": item.state, "message": item.message}
                for item in findings
            ]
        )
    else:
        for finding in findings:
            say(f"{_WORDS[finding.state]}  {finding.check}: {finding.message}")
    if any(item.state is State.FAULT for item in findings):
        raise typer.Exit(1)


async def _collect_findings(read: Settings) -> list[Finding]:
    found = [finding async for finding in examine(read)]
    if read.trusted_documents or read.trusted_documents_only:
        found.append(_documents(read))
    return found


def _documents(read: Settings) -> Finding:
    from gateway.app import trusted_documents  # noqa: PLC0415 - other commands need no schema

    try:
        trusted_documents(read)
    except RefusedStart as refused:
        return Finding("documents", State.FAULT, str(refused))
    return Finding("documents", State.WELL, "All trusted documents can be run.")
