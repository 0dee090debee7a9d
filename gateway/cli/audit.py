"""Commands of the audit log."""

import json
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated

import typer

from gateway.cli.options import AsJson
from gateway.cli.printing import Refused, counted, say, say_json
from gateway.cli.running import run
from gateway.runtime import Runtime
from gateway.services.audit.trust import TrustFault
from gateway.services.audit.verification import LogReport


class ExportFormat(StrEnum):
    JSONL = "jsonl"


def verify(*, as_json: AsJson = False) -> None:
    async def check(runtime: Runtime) -> tuple[LogReport, TrustFault | None]:
        return await runtime.operator.audit.verify(), runtime.operator.audit.trust_fault

    report, trust_fault = run(check)
    faults = [{"fault": finding.fault, "seq": finding.seq} for finding in report.findings]
    if as_json:
        facts = {"links": report.events, "first": report.first, "last": report.last}
        say_json(facts | {"anchors": report.checkpoints, "alarm": trust_fault, "faults": faults})
    else:
        for fault in faults:
            say(f"{fault['fault']} at {fault['seq']}")
        checked = counted(report.events, "entry").replace("entrys", "entries")
        verdict = "" if trust_fault or faults else ": intact"
        say(f"{checked}, {counted(report.checkpoints, 'checkpoint')}{verdict}.")
    if trust_fault:
        message = f"the database is not trusted: {trust_fault}."
        raise Refused(message)
    if faults:
        message = f"the log has {counted(len(faults), 'fault')}."
        raise Refused(message)


def head() -> None:
    say_json(run(lambda runtime: runtime.operator.audit.head()) or {})


def export(
    since: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%S.%f%z"],
            help="From this day on, in UTC; or from this moment, as `at` has it.",
        ),
    ] = None,
    format: Annotated[ExportFormat, typer.Option(help="What to print.")] = ExportFormat.JSONL,  # noqa: A002 - the option's name
) -> None:
    del format
    if since is not None and since.tzinfo is None:
        since = since.replace(tzinfo=UTC)

    async def print_all(runtime: Runtime) -> None:
        async for event in runtime.operator.audit.exported(since):
            # In ASCII, so that no name can end a line or move a terminal's cursor.
            say(json.dumps(event))

    run(print_all)


def prune(
    before: Annotated[
        datetime, typer.Option(formats=["%Y-%m-%d"], help="The first day that is kept, in UTC.")
    ],
) -> None:
    day = before.replace(tzinfo=UTC)
    pruned = run(lambda runtime: runtime.operator.audit.prune(before=day))
    say(f"pruned {counted(pruned, 'entry').replace('entrys', 'entries')}")


def scan_integrity(*, as_json: AsJson = False) -> None:
    findings = run(lambda runtime: runtime.operator.audit.scan_integrity())
    if as_json:
        say_json(
            [{"fault": item.fault, "table": item.table, "id": item.row_id} for item in findings]
        )
    for finding in () if as_json else findings:
        say(f"{finding.fault} {finding.table} {finding.row_id}")
    if findings:
        message = f"{counted(len(findings), 'difference')} from what the gateway had left."
        raise Refused(message)
    if not as_json:
        say("All rows are as the gateway left them.")


def acknowledge() -> None:
    acknowledged = run(lambda runtime: runtime.operator.audit.acknowledge())
    if acknowledged is None:
        say("There is nothing to acknowledge.")
    else:
        say(f"acknowledged, as entry {acknowledged.event.seq}")
